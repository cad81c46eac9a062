import type { BackendName, BytecodeVersion, Format, RuntimeVersion } from '../compiler/artifact.ts'
import type { LintPolicy } from '../compiler/lint-codes.ts'
import type { ConversionRequest, InputSpec } from '../conversion-request.ts'

/** What an import asks for, complete: every field is present, whatever the user left out. */
export interface ModelRequest extends ConversionRequest {
  /** Which engine the model is compiled for. */
  readonly backend: BackendName
  /** Which file comes out. */
  readonly format: Format
  /** The version of bytecode; `auto` for the one that fits format and runtime. */
  readonly bytecode: BytecodeVersion | 'auto'
  /** The oldest runtime that shall load the file; `any` for whichever can. */
  readonly runtime: RuntimeVersion | 'any'
  /** Whether the code is in the file as well. */
  readonly code: boolean
  /** Whether the file leads from errors to source lines. */
  readonly debug: boolean
  /** Optimizations to leave out: PyTorch's names in lower case, sorted, each once. */
  readonly block: readonly string[]
  /** Methods that the file has beside `forward`, and attributes and modules that stay as they are: their paths, sorted, each once. */
  readonly preserve: readonly string[]
  /** Example inputs of calls of `forward` that the file gets. */
  readonly bundle: readonly (readonly InputSpec[])[]
  /** What lints are for: see `LintPolicy`. */
  readonly lint: LintPolicy
  /** How much optimizing may change the outputs on the example inputs, relative to the largest. */
  readonly tolerance: number
  /** What the import evaluates to; `runtime` is what a handle's `load()` asks for. Does not change the compiled file, as all that follows. */
  readonly as: 'handle' | 'url' | 'facts' | 'runtime'
  /** Where it has to run; empty for wherever it may. */
  readonly requires: '' | 'web'
  /** Height and width of the pictures it takes; empty where that is not said. */
  readonly image: readonly number[]
  /** Their shorter side before they are cut; 0 where that is not said. */
  readonly resize: number
  readonly crop: '' | 'center' | 'none' | 'pad'
  readonly scaling: '' | 'smooth' | 'exact'
  /** What black and white are; empty where that is not said. */
  readonly range: readonly number[]
  /** For each channel, or one for all; empty where that is not said. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly channels: '' | 'rgb' | 'bgr' | 'gray'
  readonly layout: '' | 'nchw' | 'nhwc' | 'chw' | 'hwc'
}

/** One directive as it was written: a name, and a value where there was one. */
export type WrittenDirective = readonly [name: string, value: string | undefined]
