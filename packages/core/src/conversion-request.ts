import type { InputSpec } from './compiler/example-input.ts'

export { type Dtype, DTYPES, type InputSpec } from './compiler/example-input.ts'

/** A constructor argument, by position or by name. */
export interface Argument {
  readonly name?: string
  readonly value: string | number | boolean | null
}

/** How Python becomes TorchScript; of no meaning for a source that is TorchScript. */
export interface ConversionRequest {
  /** `auto` traces where there are example inputs, and scripts where there are none or the trace is wrong. */
  readonly convert: 'auto' | 'trace' | 'script'
  /** Name in the Python file of the model, its class or a function that makes it; empty to let the file tell. */
  readonly entry: string
  /** Arguments for the class or function. */
  readonly args: readonly Argument[]
  /** Example inputs of one call; empty to use the file's `example_inputs`. */
  readonly input: readonly InputSpec[]
  /** A state dict to load; empty for none. A path relative to the Python file. */
  readonly weights: string
  /** Paths of submodules to script inside of a trace, sorted. */
  readonly script: readonly string[]
  /** Paths of submodules to trace inside of a script, sorted. */
  readonly trace: readonly string[]
  /** Whether a trace is compared with the eager model, and on which further inputs beside the usual ones. */
  readonly check: 'auto' | 'none' | readonly (readonly InputSpec[])[]
  /** Which quantization to apply before converting. */
  readonly quantize: 'none' | 'dynamic' | 'static'
  /** Whether reading a checkpoint or an exported program may run the code in it. */
  readonly trust: boolean
}
