import { readFile, stat } from 'node:fs/promises'
import { codeFrame, type Mark } from '../../frame.ts'
import type { ErrorLocation } from '../../errors.ts'
import type { MessagePlace } from './message.ts'

/** A place in a file of the project. */
export interface Place {
  readonly file: string
  readonly lines: readonly string[]
  readonly mark: Mark
}

/** Larger Python files are data: nobody wants a frame of them. */
const LONGEST_SOURCE = 4_000_000

/** Folders of installed code: what goes wrong in there was caused by who called it. */
const INSTALLED = /[/\\](?:site-packages|dist-packages|lib[/\\]python[\d.]+|torch)[/\\]/i
const LIBRARY = /[/\\](?:site-packages|dist-packages)[/\\]torch[/\\]/i

/** The innermost place in the project's own code; in other installed code where there is none, but never in PyTorch's. */
export async function innermost(places: readonly MessagePlace[]): Promise<Place | undefined> {
  const own = places.filter(({ file }) => !INSTALLED.test(file))
  const others = places.filter(({ file }) => INSTALLED.test(file) && !LIBRARY.test(file))
  for (const { file, mark, shown } of [...own, ...others]) {
    const place = await placeIn(file, mark)
    if (place !== undefined) return indented(place, shown)
  }
  return undefined
}

/** The place, when the file can be read and has such a line. */
export async function placeIn(file: string, mark: Mark): Promise<Place | undefined> {
  const { size } = await stat(file).catch(() => ({ size: Infinity }))
  if (size > LONGEST_SOURCE) return undefined
  const text = await readFile(file, 'utf8').catch(() => '')
  const lines = text.split(/\r?\n/)
  return mark.line >= 1 && mark.line <= lines.length && text !== '' ? { file, lines, mark } : undefined
}

export function locate({ file, lines, mark }: Place): ErrorLocation {
  return { file, line: mark.line, ...mark.column === undefined ? {} : { column: mark.column }, frame: codeFrame(lines, mark) }
}

/** PyTorch shows lines without the indentation of their function; here the column is that of the file. */
function indented(place: Place, shown: string): Place {
  const line = place.lines[place.mark.line - 1]!
  const { column, ...mark } = place.mark
  if (line.trim() !== shown.trim()) return { ...place, mark: { line: mark.line } }
  return column === undefined ? place : { ...place, mark: { ...mark, column: column + line.search(/\S|$/) - shown.search(/\S|$/) } }
}
