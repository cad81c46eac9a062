import { readFile } from 'node:fs/promises'
import { codeFrame } from '@petaljs/core'

/** Who imports a model, and how it is written there. */
export interface Importer {
  /** Absolute path, without a query. */
  readonly file: string
  /** The specifier as written: `./net.pt?mobile`. */
  readonly specifier: string
}

/** A place in a text file. As bundlers have it, lines count from 1 and columns from 0. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The lines around it, numbered, with a mark under the specifier. */
  readonly frame: string
}

/** Larger importers are generated code: nobody wants a frame of it. */
const LONGEST_IMPORTER = 4_000_000

/**
 * The import statement of a model, as bundlers do not say where it is when they load one.
 * Undefined when the importer cannot be read or does not contain the specifier as text (a computed one, say).
 */
export async function findImport(importer: Importer): Promise<Place | undefined> {
  const text = await readFile(importer.file, 'utf8').catch(() => '')
  if (text.length > LONGEST_IMPORTER) return undefined
  const at = indexOfSpecifier(text, importer.specifier)
  if (at < 0) return undefined
  const before = text.slice(0, at).split('\n')
  const line = before.length
  const column = before.at(-1)!.length
  return { file: importer.file, line, column, frame: codeFrame(text.split('\n'), { line, column: column + 1, width: importer.specifier.length }) }
}

/** Quoted occurrences first: the bare text may also be part of a comment or of a longer specifier. */
function indexOfSpecifier(text: string, specifier: string): number {
  for (const quote of ['\'', '"', '`']) {
    const at = text.indexOf(quote + specifier + quote)
    if (at >= 0) return at + 1
  }
  return text.indexOf(specifier)
}
