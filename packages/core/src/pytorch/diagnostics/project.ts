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
const INSTALLED = /(?:^|[/\\])(?:site-packages|dist-packages|lib[/\\]python[\d.]+)[/\\]/i

/** Whether a file is a library's, not the project's. */
function isInstalled(file: string): boolean {
  return INSTALLED.test(file)
}

/** The innermost place in the project's own code. */
export async function innermost(places: readonly MessagePlace[]): Promise<Place | undefined> {
  for (const { file, mark, shown } of places.filter(({ file }) => !isInstalled(file))) {
    const place = await placeIn(file, mark)
    if (place !== undefined) return indented(place, shown)
  }
  return undefined
}

/** The first line in these files that a pattern finds, one of a function or class before one of the file itself. */
export async function find(files: readonly string[], pattern: RegExp): Promise<Place | undefined> {
  for (const file of files.filter((file) => file.endsWith('.py') && !isInstalled(file))) {
    const place = await placeIn(file, { line: 1 })
    if (place === undefined) continue
    const at = place.lines.flatMap((line, at) => !/^\s*(?:#|from |import )/.test(line) && pattern.test(line) ? [at] : [])
    const [first] = [...at.filter((at) => /^\s/.test(place.lines[at]!)), ...at]
    if (first !== undefined) return { ...place, mark: { line: first + 1 } }
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
  if (shown === '' || line.trim() !== shown.trim()) return { ...place, mark: { line: mark.line } }
  return column === undefined ? place : { ...place, mark: { ...mark, column: column + line.search(/\S|$/) - shown.search(/\S|$/) } }
}

/** The marked text, of a mark within a line. */
export function marked({ lines, mark: { line, column, width } }: Place): string {
  return column === undefined || width === undefined ? '' : lines[line - 1]!.slice(column - 1, column - 1 + width)
}
