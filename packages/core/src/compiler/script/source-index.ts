import { syntaxError, type SourceFile } from './source.ts'

/** A piece of a record: a class, a function, a method, or a run of other class lines. */
export interface SourcePart {
  readonly source: SourceFile
  readonly begin: number
  readonly end: number
  /** Line of `begin`. */
  readonly line: number
}

/** A function or method, unread. */
export interface FunctionPart extends SourcePart {
  readonly kind: 'def'
  readonly name: string
}

/** A class, unread. */
export interface ClassPart extends SourcePart {
  readonly kind: 'class'
  readonly name: string
  /** `Module`, `NamedTuple`, …; undefined without a base. */
  readonly base: string | undefined
}

/** Definitions in one record. Large models have some thousands; more is a damaged or hostile file. */
export const MAX_DEFINITIONS = 1_000_000

const HEAD = /(class|def)[ \t]+([A-Za-z_][A-Za-z_0-9]*)[ \t]*(?:\([ \t]*([A-Za-z_][A-Za-z_0-9]*)[ \t]*\)[ \t]*:)?/y
/** What files of PyTorch 1.3 and older start with, and what is ignored since: PyTorch reads the archive's version record instead. */
const PREAMBLE = /(?:op_version_set[ \t]*=|import[ \t])/y

/** Finds the top-level classes and functions of a record by their indentation alone, without reading what is in them. */
export function indexSource(source: SourceFile): (ClassPart | FunctionPart)[] {
  const parts: (ClassPart | FunctionPart)[] = []
  for (const { begin, end, line, head } of sections(source, 0, source.text.length, 1)) {
    if (head === undefined) {
      PREAMBLE.lastIndex = begin
      if (!PREAMBLE.test(source.text)) throw syntaxError(source, line, 'expected a class or a function')
    } else {
      if (parts.length >= MAX_DEFINITIONS) throw syntaxError(source, line, `more than ${MAX_DEFINITIONS} definitions in one file`)
      const [, keyword, name, base] = head
      parts.push(keyword === 'def'
        ? { kind: 'def', name: name!, source, begin, end, line }
        : { kind: 'class', name: name!, base, source, begin, end, line })
    }
  }
  return parts
}

/** Splits a class into its methods and the statements between them. */
export function classMembers(part: ClassPart): { methods: FunctionPart[]; fields: SourcePart[] } {
  const { source } = part
  const methods: FunctionPart[] = []
  const fields: (SourcePart & { end: number })[] = []
  const newline = source.text.indexOf('\n', part.begin)
  if (newline < 0 || newline >= part.end) return { methods, fields }
  for (const { begin, end, line, head } of sections(source, newline + 1, part.end, part.line + 1)) {
    const last = fields.at(-1)
    if (head?.[1] === 'def') methods.push({ kind: 'def', name: head[2]!, source, begin, end, line })
    else if (last?.end === begin) last.end = end
    else fields.push({ source, begin, end, line })
  }
  return { methods, fields }
}

interface Section {
  begin: number
  end: number
  line: number
  head: RegExpExecArray | undefined
}

/**
 * Lines with the indentation of the first one start sections; deeper lines and blank ones belong to the section before.
 * Strings of serialized code never hold a line end, so indentation alone tells.
 */
function sections(source: SourceFile, begin: number, end: number, firstLine: number): Section[] {
  const { text } = source
  const result: Section[] = []
  let indent = -1
  let line = firstLine
  for (let start = begin; start < end; line++) {
    const newline = text.indexOf('\n', start)
    const next = newline < 0 || newline >= end ? end : newline + 1
    let column = start
    while (column < next && (text[column] === ' ' || text[column] === '\t')) column++
    const blank = column >= next || text[column] === '\n' || text[column] === '\r' || text[column] === '#'
    if (!blank) {
      if (indent < 0) indent = column - start
      if (column - start < indent) throw syntaxError(source, line, 'the indentation fits no enclosing block')
      if (column - start === indent) {
        const last = result.at(-1)
        if (last) last.end = start
        HEAD.lastIndex = column
        const head = HEAD.exec(text)
        result.push({ begin: start, end, line, head: head ?? undefined })
      }
    }
    start = next
  }
  return result
}
