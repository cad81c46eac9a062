/** A place in TorchScript source: file record and line (from 1). Carried for errors and facts, never for meaning. */
export interface SourceRange {
  readonly file: string
  readonly line: number
  /** For code that was put in the place of a call: which function it is of, and where that was called. */
  readonly inlined?: { readonly callee: string; readonly at: SourceRange }
}

/** A piece of source code, as the full interpreter would show it in an error. */
export interface SourceText {
  /** Of the Python file, or of the record of TorchScript where that is all there is. */
  readonly file: string
  /** A function's source, or all of a record. */
  readonly text: string
  /** Number of the first line of `text` in the file, from 1. */
  readonly firstLine: number
  /** The characters of `text` that are meant. */
  readonly start: number
  readonly end: number
}

/** Tells what a place in the model's TorchScript was made from; undefined where that is not known. */
export type SourceLookup = (range: SourceRange) => SourceText | undefined
