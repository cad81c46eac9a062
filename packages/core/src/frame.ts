/** A place in a text. Lines and columns count from 1. */
export interface Mark {
  readonly line: number
  /** Where the mark starts; without it the whole line is marked. */
  readonly column?: number
  /** How many characters are marked; 1 without it. */
  readonly width?: number
}

const LINES_AROUND = 2
const LONGEST_LINE = 160

/**
 * A few numbered lines of a text, the marked one with carets under what is meant. Ends without a line break.
 * Empty when the text has no such line.
 */
export function codeFrame(lines: readonly string[], mark: Mark): string {
  const marked = lines[mark.line - 1]
  if (marked === undefined) return ''
  const first = Math.max(1, mark.line - LINES_AROUND)
  let last = Math.min(lines.length, mark.line + LINES_AROUND)
  // A text that ends with a line break has one more, empty line.
  if (last > mark.line && last === lines.length && lines[last - 1] === '') last--
  const gutter = String(last).length
  const out: string[] = []
  for (let n = first; n <= last; n++) {
    out.push(`${String(n).padStart(gutter)} |  ${shown(lines[n - 1]!)}`.trimEnd())
    if (n === mark.line) out.push(...carets(shown(marked), mark).map((row) => `${' '.repeat(gutter)} |  ${row}`))
  }
  return out.join('\n')
}

function shown(line: string): string {
  return line.trimEnd().slice(0, LONGEST_LINE)
}

/** The row under a line; none when the mark is beyond what is shown. Tabs stay tabs, as they are as wide here as above. */
function carets(line: string, { column, width = 1 }: Mark): string[] {
  const start = column === undefined ? line.length - line.trimStart().length : column - 1
  const end = column === undefined ? line.length : Math.min(Math.max(line.length, start + 1), start + width)
  if (start > line.length || end <= start || start >= LONGEST_LINE) return []
  return [line.slice(0, start).replaceAll(/[^\t]/g, ' ') + '^'.repeat(end - start)]
}
