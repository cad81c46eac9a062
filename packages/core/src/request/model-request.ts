import type { ConversionRequest } from '../conversion-request.ts'

/** What an import asks for, complete: every field is present, whatever the user left out. */
export interface ModelRequest extends ConversionRequest {
  /** Which engine the model is compiled for. */
  readonly backend: 'cpu'
  /** Which file comes out: `ptl` is PyTorch's mobile format, for the lite interpreter. */
  readonly format: 'ptl'
  /** Optimizations to leave out: PyTorch's names in lower case, sorted, each once. */
  readonly block: readonly string[]
  /** What the import evaluates to. Does not change the compiled file. */
  readonly as: 'handle' | 'url' | 'facts'
}

/** One directive as it was written: a name, and a value where there was one. */
export type WrittenDirective = readonly [name: string, value: string | undefined]
