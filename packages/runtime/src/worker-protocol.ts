import type { ErrorMessage } from './errors.ts'
import type { CacheMode, Source } from './open.ts'
import type { LoadProgress } from './progress.ts'
import type { Call, CallResult, Known, SessionInfo } from './session.ts'

/** What a page asks of its model's worker. `open` comes first. */
export type Request =
  | { readonly id: number; readonly open: { readonly source: Source; readonly known: Known; readonly cache: CacheMode; readonly keep: ReadonlySet<string> } }
  | { readonly id: number; readonly call: Call }
  | { readonly id: number; readonly reset: true }

/** What the worker answers. */
export type Reply =
  | { readonly progress: LoadProgress }
  | { readonly id: number; readonly value: SessionInfo | CallResult | undefined }
  | { readonly id: number; readonly error: ErrorMessage }
