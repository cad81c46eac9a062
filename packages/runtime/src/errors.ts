/** What went wrong, for programs. */
export type RuntimeErrorCode =
  /** The file did not arrive: no connection, an HTTP error, a page instead of a model. */
  | 'DOWNLOAD'
  /** The bytes are not those that the build made. */
  | 'INTEGRITY'
  /** The load was aborted. */
  | 'ABORTED'
  /** The engine has no WebAssembly SIMD. */
  | 'NO_SIMD'
  /** The file is not a model for the lite interpreter, or damaged. */
  | 'BAD_MODEL'
  /** The model needs an operator that the runtime lacks. */
  | 'UNSUPPORTED_OPERATOR'
  /** An operator was asked for something that the runtime lacks. */
  | 'UNSUPPORTED'
  /** An argument of `run` does not fit the model. */
  | 'WRONG_INPUT'
  /** The model itself raised an exception, or an operator refused its arguments as PyTorch does. */
  | 'MODEL_ERROR'
  /** Not enough memory. */
  | 'OUT_OF_MEMORY'
  /** The model was disposed. */
  | 'DISPOSED'

/** Everything that loading or running a model refuses. `message` is complete by itself: what happened, the likely cause, what to do. */
export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PetalError'
    this.code = code
  }
}
