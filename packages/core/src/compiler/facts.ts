import type { BackendName, Format, RuntimeVersion } from './target.ts'
import type { LintCode } from './lint-codes.ts'

/** An input or output of the model's `forward`. */
export interface PortFact {
  readonly name: string
  /** TorchScript annotation: `Tensor`, `Optional[int]`, `Tuple[Tensor, Tensor]`. */
  readonly type: string
  /** Printed default, when there is one. */
  readonly default?: string
  /** Element type of a tensor (`float32`), where it is known. */
  readonly dtype?: string
  /** Sizes, where they are known; null is a free dimension. */
  readonly shape?: readonly (number | null)[]
}

/** What one optimization did to a model. */
export interface OptimizationFact {
  /**
   * PyTorch's name in snake_case, for what a blocklist may name (`conv_bn_fusion`, its `MobileOptimizerType`) and for the passes around it
   * (`constant_propagation`, its ConstantPropagation). Passes that PyTorch has no name for are called alike: `fold_rank`.
   */
  readonly name: string
  /** Places changed. */
  readonly applied: number
  /** True when the blocklist named it. */
  readonly blocked: boolean
  /** Places left alone, each with the reason; equal ones are counted. */
  readonly declined: readonly { readonly what: string; readonly why: string; readonly count: number }[]
}

/** Something in a compiled model that is likely not meant. */
export interface LintFact {
  readonly code: LintCode
  /** A sentence with names and counts. */
  readonly message: string
  /** How many calls, parameters or weights it is about. */
  readonly count: number
  /** The first place in the TorchScript code, where that is known. */
  readonly at?: { readonly file: string; readonly line: number }
}

/** What is known of a compiled model. Plain JSON, deterministic, without paths or times. */
export interface Facts {
  readonly format: Format
  readonly backend: BackendName
  /** Of the lite interpreter's code; absent where a file has none. */
  readonly bytecodeVersion?: number
  readonly operatorVersion: number
  /** Releases of PyTorch Mobile that load the file and have all that it calls, oldest first; absent for files without bytecode. */
  readonly runtimes?: readonly RuntimeVersion[]
  /** Of `forward`, or of the first method where there is no `forward`. */
  readonly inputs: readonly PortFact[]
  readonly outputs: readonly PortFact[]
  /** By name, what the other methods of the file take and give; absent where there are none. */
  readonly methods?: Readonly<Record<string, { readonly inputs: readonly PortFact[]; readonly outputs: readonly PortFact[] }>>
  /** Operator name with overload -> count, sorted by name: of what can run in evaluation mode, inlined, and of the emitted file. */
  readonly operators: { readonly before: Readonly<Record<string, number>>; readonly after: Readonly<Record<string, number>> }
  readonly optimizations: readonly OptimizationFact[]
  /** In the order of `LINT_CODES`; absent where nothing was compiled. */
  readonly lints?: readonly LintFact[]
  /** Elements of all parameters and buffers of the source. */
  readonly parameters: number
  readonly bytes: { readonly before: number; readonly after: number }
}
