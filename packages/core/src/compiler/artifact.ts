import type { Facts } from './facts.ts'

/** What `compile` gives: a file that is produced while it is read, so memory does not grow with it. */
export interface Artifact {
  readonly facts: Facts
  /** Things the user should know; each a sentence or two. */
  readonly warnings: readonly string[]
  /** Exact size of the stream. */
  readonly size: number
  /** The file's bytes in order. A piece is only valid until the next one is asked for. May be called again. */
  stream(): AsyncIterable<Uint8Array>
}

/** What to compile a model for. */
export interface CompileOptions {
  backend: 'cpu'
  format: 'ptl'
  /** Optimizations to leave out, PyTorch's names in lower case. */
  block: readonly string[]
  /** Called now and then with a share of the work done, 0 to 1, and what is being done. */
  onProgress?: (progress: { phase: string; share: number }) => void
}
