import type { InputSpec } from './example-input.ts'
import type { Facts } from './facts.ts'
import type { LintPolicy } from './lint-codes.ts'
import type { BackendName, BytecodeVersion, Format, RuntimeVersion } from './target.ts'

export type { BackendName, BytecodeVersion, Format, RuntimeVersion } from './target.ts'

/** What `compile` gives: a file that is produced while it is read, so memory does not grow with it. */
export interface Artifact {
  readonly facts: Facts
  /** Things the user should know; each a sentence or two. */
  readonly warnings: readonly string[]
  readonly needs: Needs
  /** Exact size of the stream. */
  readonly size: number
  /** The file's bytes in order. A piece is only valid until the next one is asked for. May be called again. */
  stream(): AsyncIterable<Uint8Array>
}

/** A call of an operator in the emitted code. */
export interface Call {
  /** Name with overload: `aten::add.Tensor`. */
  readonly operator: string
  /** Number of its instruction in the method. */
  readonly instruction: number
  /** Place in the TorchScript code that it comes from, where that is known. */
  readonly at?: { readonly file: string; readonly line: number }
  /** Path of the module whose parameters it takes, where that is known: `features.0.1`. */
  readonly module?: string
}

/** What running the emitted file takes. */
export interface Needs {
  /** In the order of the code, all methods. */
  readonly calls: readonly Call[]
  /** Names of instructions, sorted. */
  readonly instructions: readonly string[]
  /** Custom C++ classes of packed weights, sorted: `__torch__.torch.classes.xnnpack.Conv2dOpContext`. */
  readonly classes: readonly string[]
  /** Element types of its tensors by Python's names, sorted: `float32`. */
  readonly dtypes: readonly string[]
}

/** What to compile a model for. */
export interface CompileOptions {
  backend: BackendName
  format: Format
  /** Optimizations to leave out, PyTorch's names in lower case. */
  block: readonly string[]
  /** Methods that are compiled beside `forward`, and attributes and modules that stay as they are, by their paths. */
  preserve?: readonly string[]
  /** Example inputs of calls of `forward` that the file gets, with the methods of torch/utils/bundled_inputs.py. */
  bundle?: readonly (readonly InputSpec[])[]
  /** What lints are for; nothing when left out, except that the facts tell them. */
  lint?: LintPolicy
  /** The version of bytecode; that of the runtime, or the newest of the format, when left out. */
  bytecode?: BytecodeVersion
  /** The oldest runtime that shall load the file: picks the version of bytecode, and an operator that it lacks is an error. */
  runtime?: RuntimeVersion
  /** Puts the code into a `ptl` as well, so that `torch.jit.load` reads it, too. */
  code?: boolean
  /** Puts tables into a `ptl` that lead from instructions to source lines, so that an error of the runtime names one. */
  debug?: boolean
  /**
   * False leaves out all passes: the code as it was saved, inlined. What comes out computes what the model computed before it was
   * optimized; it may need operators that a lite interpreter lacks.
   */
  optimize?: boolean
  /** The one method that the file has; `forward` and the preserved ones when left out. Others than those are never optimized. */
  method?: string
  /** Called now and then with a share of the work done, 0 to 1, and what is being done. */
  onProgress?: (progress: { phase: string; share: number }) => void
}
