import type { Conversion, ConversionJob } from './engine.ts'

/**
 * What goes to the worker and comes back: one JSON text per line, on descriptors that only the protocol uses. See worker/main.py.
 */
export interface WorkerRequest {
  readonly id: number
  readonly method: 'convert'
  readonly params: ConversionJob
}

export type WorkerMessage =
  /** Said once, when the worker can take requests; torch is not imported yet. */
  | { readonly hello: { readonly protocol: number; readonly python: string } }
  | { readonly id: number; readonly progress: { readonly phase: string; readonly share: number } }
  | { readonly id: number; readonly result: RawConversion }
  | { readonly id: number; readonly failure: WorkerFailure }

/** Bumped when messages change their meaning. */
export const PROTOCOL = 1

/** A conversion as the worker tells it: its warnings are not explained yet. */
export type RawConversion = Omit<Conversion, 'warnings'> & { readonly warnings: readonly RawWarning[] }

/** A warning of Python's `warnings` module, or of a trace. */
export interface RawWarning {
  /** The category's class name: `TracerWarning`, `UserWarning`. */
  readonly category: string
  readonly message: string
  /** The place in the project's code that caused it, where there is one. Lines count from 1. */
  readonly file?: string
  readonly line?: number
}

/** A conversion that did not come about. */
export interface WorkerFailure {
  /** Stable and upper-case. `SCRIPT_FAILED` and `TRACE_FAILED` carry PyTorch's message in `what` and are explained by the catalogue. */
  readonly code: string
  readonly what: string
  readonly cause?: string
  readonly fix?: string
  /** Said in front of the cause: why a trace was not taken, where scripting it failed too. One sentence. */
  readonly context?: string
  /** The exception's class name, where one was raised: `NotSupportedError`. */
  readonly exception?: string
  /** The place in the project's code. Lines and columns count from 1. */
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly dependencies: readonly string[]
  readonly packages?: Readonly<Record<string, string>>
}
