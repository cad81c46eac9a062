import { readFile } from 'node:fs/promises'
import { codeFrame } from '@petaljs/core/asking'
import { pathOf } from './ids.ts'

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
  /** True where the text does not have the specifier that the bundler sees. */
  readonly isRewritten?: boolean
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
  const written = writtenAs(importer.specifier).find((one) => isQuoted(text, one)) ?? importer.specifier
  const at = indexOfSpecifier(text, written)
  if (at < 0) return undefined
  const before = text.slice(0, at).split('\n')
  const line = before.length
  const column = before.at(-1)!.length
  return {
    file: importer.file, line, column, frame: codeFrame(text.split('\n'), { line, column: column + 1, width: written.length }),
    ...written !== importer.specifier && { isRewritten: true },
  }
}

/** What an import may have been before this plugin made a plain one of it: itself, a URL, or an import with attributes. */
function writtenAs(specifier: string): string[] {
  const plain = specifier.replaceAll('\0#', '#')
  const url = plain.replace(/&as=url$/, '')
  return [specifier, plain, plain.replaceAll('%21', '!'), url, url.replace(/^\.\//, ''), pathOf(plain)]
}

const QUOTES = ['\'', '"', '`']

const isQuoted = (text: string, specifier: string): boolean => QUOTES.some((quote) => text.includes(quote + specifier + quote))

/** Quoted occurrences first: the bare text may also be part of a comment or of a longer specifier. */
function indexOfSpecifier(text: string, specifier: string): number {
  for (const quote of QUOTES) {
    const at = text.indexOf(quote + specifier + quote)
    if (at >= 0) return at + 1
  }
  return text.indexOf(specifier)
}
