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
  /** The worker did not start, or died. */
  | 'WORKER'

/** Everything that loading or running a model refuses. `message` is complete by itself: what happened, the likely cause, what to do. */
export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    // What `fetch` throws when it is aborted has this name, which apps look for.
    this.name = code === 'ABORTED' ? 'AbortError' : 'PetalError'
    this.code = code
  }
}

/** The error of whoever aborted: of `signal`, as its cause. */
export function aborted(what: string, signal?: AbortSignal): RuntimeError {
  return new RuntimeError('ABORTED', `${what} was aborted.`, { cause: signal?.reason })
}

/** An error as it can be sent to another thread. */
export interface ErrorMessage {
  readonly code: RuntimeErrorCode | undefined
  readonly message: string
  readonly stack: string | undefined
}

/** To send an error; {@link fromMessage} makes one of it again. */
export function toMessage(error: unknown): ErrorMessage {
  if (!(error instanceof Error)) return { code: undefined, message: String(error), stack: undefined }
  return { code: error instanceof RuntimeError ? error.code : undefined, message: error.message, stack: error.stack }
}

/** The error that was sent, with the stack that it had there. */
export function fromMessage({ code, message, stack }: ErrorMessage): Error {
  const error = code ? new RuntimeError(code, message) : new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
