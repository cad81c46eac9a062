import jsTokens from 'js-tokens'
import type { WrittenDirective } from '../request/index.ts'
import type { Script } from './scripts.ts'

/** An import as a source has it, whatever it imports. */
export interface WrittenImport {
  /** One specifier, or the patterns of an `import.meta.glob`. */
  readonly specifiers: readonly string[]
  readonly isGlob: boolean
  /** `?mobile&block=…` that a glob adds to each file. */
  readonly query: string
  /** `with { type: 'mobile', … }` */
  readonly attributes: readonly WrittenDirective[]
  /** Where the specifier's text begins; both count from 1. */
  readonly line: number
  readonly column: number
  /** The specifier's literal, with its quotes; of a glob its first pattern. */
  readonly literal: Span
  /** `with { … }`, or what `import()` takes for it, from the literal's end on. */
  readonly clause?: Span
  /** `import.meta.url`, where the specifier is relative to it: `new URL('./net.pt', import.meta.url)`. */
  readonly base?: Span
}

/** A part of a text, by offsets. */
export interface Span {
  readonly start: number
  readonly end: number
}

interface Token extends Span {
  readonly type: string
  readonly value: string
  readonly line: number
  readonly column: number
}

/** Much longer ones are no hand-written sources, and hold no imports that a bundler has yet to see. */
export const LONGEST_SOURCE = 4_000_000

const SPACE = new Set(['WhiteSpace', 'LineTerminatorSequence', 'MultiLineComment', 'SingleLineComment', 'HashbangComment', 'JSXText'])

/**
 * The imports of a script whose specifiers are literals: `import … from`, `export … from`, `import()`, `require()`, `new URL()` and
 * `import.meta.glob()`. A lexer finds them, not a parser: what a bundler would refuse to parse is skipped over.
 */
export function importsOf(script: Script): WrittenImport[] {
  const tokens = tokensOf(script)
  return tokens.flatMap((token, at) => {
    if (token.value === 'glob' && isAfter(tokens, at, ['import', '.', 'meta', '.'])) return globAt(tokens, at)
    const specifier = textOf(token)
    if (specifier === undefined || !isSpecifier(tokens, at)) return []
    const { attributes, clause } = attributesAt(tokens, at + 1)
    const base = isAfter(tokens, at, NEW_URL) ? baseAt(tokens, at + 1) : undefined
    return [{
      specifiers: [specifier], isGlob: false, query: '', attributes, line: token.line, column: token.column + 1, literal: spanOf(token),
      ...clause && { clause }, ...base && { base },
    }]
  })
}

function tokensOf({ text, hasJsx }: Script): Token[] {
  if (!hasJsx) return lexed(jsTokens(text))
  const tokens = lexed(jsTokens(text, { jsx: true }))
  // A type parameter (`<T,>() => …`) looks like an element that never ends.
  return tokens.some(({ type }) => type === 'JSXInvalid') ? lexed(jsTokens(text)) : tokens
}

function lexed(read: Iterable<{ readonly type: string; readonly value: string }>): Token[] {
  const tokens: Token[] = []
  let line = 1
  let column = 1
  let start = 0
  for (const { type, value } of read) {
    const end = start + value.length
    if (!SPACE.has(type)) tokens.push({ type, value, line, column, start, end })
    start = end
    const lines = value.split(/\r\n|[\n\r\u2028\u2029]/)
    line += lines.length - 1
    column = lines.length === 1 ? column + value.length : lines.at(-1)!.length + 1
  }
  return tokens
}

const isAfter = (tokens: readonly Token[], at: number, values: readonly string[]): boolean =>
  values.every((value, index) => tokens[at - values.length + index]?.value === value)

/** What stands before a string that is a specifier. `import type` needs no model: it is erased. */
const NEW_URL: readonly string[] = ['new', 'URL', '(']
const BEFORE: readonly (readonly string[])[] = [['from'], ['import'], ['import', '('], ['require', '('], NEW_URL]

const isSpecifier = (tokens: readonly Token[], at: number): boolean => BEFORE.some((values) => isAfter(tokens, at, values))

/** The text of a string literal. */
function textOf({ type, value } : Token): string | undefined {
  if (type !== 'StringLiteral' && type !== 'NoSubstitutionTemplate') return undefined
  return value.slice(1, -1).replaceAll(/\\(u\{[\da-f]+\}|u[\da-f]{4}|x[\da-f]{2}|\r\n|[\s\S])/gi, (_, escape: string) => unescape(escape))
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', v: '\v', '0': '\0', '\n': '', '\r\n': '' }

const unescape = (escape: string): string =>
  (/^[ux]./i.test(escape) ? String.fromCodePoint(Number.parseInt(escape.replaceAll(/[^\da-f]/gi, ''), 16)) : ESCAPES[escape] ?? escape)

const spanOf = ({ start, end }: Span): Span => ({ start, end })

/** `with { type: 'mobile', block: '…' }`, or what `import()` takes for it: `, { with: { … } })`. */
function attributesAt(tokens: readonly Token[], at: number): { attributes: WrittenDirective[]; clause?: Span } {
  const start = [['with', '{'], [',', '{', 'with', ':', '{']].find((values) => isAfter(tokens, at + values.length, values))
  if (!start) return { attributes: [] }
  // `import()` has the attributes in an object of an object.
  const close = tokens.findIndex(({ value }, index) => index >= at + start.length && value === '}') + (start.length > 2 ? 1 : 0)
  const clause = tokens[close]?.value === '}' ? { start: tokens[at - 1]!.end, end: tokens[close]!.end } : undefined
  return { attributes: entriesAt(tokens, at + start.length), ...clause && { clause } }
}

/** `, import.meta.url)` after a specifier. */
function baseAt(tokens: readonly Token[], at: number): Span | undefined {
  const values = [',', 'import', '.', 'meta', '.', 'url']
  const end = at + values.length
  if (!isAfter(tokens, end, values)) return undefined
  const isLast = tokens[end]?.value === ')' || isAfter(tokens, end + 2, [',', ')'])
  return isLast ? { start: tokens[at + 1]!.start, end: tokens[end - 1]!.end } : undefined
}

/** Literal entries of an object whose brace was at `at - 1`. */
function entriesAt(tokens: readonly Token[], at: number): WrittenDirective[] {
  const entries: WrittenDirective[] = []
  for (let index = at; tokens[index] && tokens[index]!.value !== '}'; index++) {
    if (tokens[index]!.value !== ':') continue
    const name = textOf(tokens[index - 1]!) ?? tokens[index - 1]!.value
    const value = tokens[index + 1] && (textOf(tokens[index + 1]!) ?? tokens[index + 1]!.value)
    if (value !== undefined) entries.push([name, value])
  }
  return entries
}

/** `import.meta.glob<…>(patterns, { query })` as Vite has it. */
function globAt(tokens: readonly Token[], at: number): WrittenImport[] {
  const open = tokens.findIndex(({ value }, index) => index > at && value === '(')
  const first = tokens[open + 1]
  if (open < 0 || !first) return []
  const isList = first.value === '['
  const specifiers: string[] = []
  let index = open + (isList ? 2 : 1)
  for (; tokens[index]; index++) {
    const text = textOf(tokens[index]!)
    if (text !== undefined) specifiers.push(text)
    else if (!isList || tokens[index]!.value !== ',') break
  }
  if (isList) index++
  return [{ specifiers, isGlob: true, query: globQuery(tokens, index), attributes: [], line: first.line, column: first.column, literal: spanOf(first) }]
}

function globQuery(tokens: readonly Token[], at: number): string {
  if (!isAfter(tokens, at + 2, [',', '{'])) return ''
  for (let index = at + 2; tokens[index] && tokens[index]!.value !== ')'; index++) {
    if (tokens[index]!.value !== ':' || (textOf(tokens[index - 1]!) ?? tokens[index - 1]!.value) !== 'query') continue
    const value = tokens[index + 1]
    if (value === undefined) return ''
    if (value.value === '{') return `?${entriesAt(tokens, index + 2).map(([name, text]) => `${name}=${text ?? ''}`).join('&')}`
    const text = textOf(value) ?? ''
    return text === '' || text.startsWith('?') ? text : `?${text}`
  }
  return ''
}
