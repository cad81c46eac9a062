import { syntaxError, type SourceFile } from './source.ts'

/** Punctuation is its own kind (`(`, `->`, `...`); the rest is named. */
export type TokenKind = 'name' | 'int' | 'float' | 'imaginary' | 'string' | 'newline' | 'indent' | 'dedent' | 'end' | Punctuation
export type Punctuation = '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | '.' | '=' | '-' | '+' | '*' | '->' | '...'

const SINGLE: ReadonlySet<string> = new Set('()[]{},:.=-+*')

const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const NAME = /[A-Za-z_][A-Za-z_0-9]*/y

/** Blocks inside blocks. PyTorch's own reader recurses for each, so real code stays far below. */
export const MAX_BLOCK_DEPTH = 400

/**
 * Splits a part of a code record into tokens, one at a time. `kind`, `text` (or `value` of a string) and `line` describe the
 * current token. Indentation becomes `indent` and `dedent`; inside brackets line ends do not count.
 * As torch/csrc/jit/frontend/lexer.h, restricted to what serialized code has.
 */
export class Lexer {
  readonly source: SourceFile
  readonly #text: string
  readonly #end: number
  kind: TokenKind = 'newline'
  text = ''
  /** Of the current token. */
  line: number
  /** Offset of the current token. */
  start: number
  #position: number
  #nextLine: number
  #brackets = 0
  #indents: number[]
  #pendingDedents = 0

  /** Reads `[begin, end)` of the text; `line` is the line of `begin`, which must start a line. */
  constructor(source: SourceFile, begin = 0, end: number = source.text.length, line = 1) {
    this.source = source
    this.#text = source.text
    this.#position = this.start = begin
    this.#end = end
    this.line = this.#nextLine = line
    this.#indents = [this.#startOfLine()]
    this.next()
  }

  /** Moves to the next token. */
  next(): void {
    if (this.#pendingDedents > 0) {
      this.#pendingDedents--
      this.kind = 'dedent'
      return
    }
    const text = this.#text
    let position = this.#position
    for (;;) {
      if (position >= this.#end) return this.#finish()
      const char = text.charCodeAt(position)
      if (char === 32 || char === 9 || char === 13) {
        position++
      } else if (char === 35) {
        const newline = text.indexOf('\n', position)
        position = newline < 0 ? this.#end : Math.min(newline, this.#end)
      } else if (char === 10) {
        this.#nextLine++
        position++
        if (this.#brackets === 0) {
          this.#position = position
          return this.#newline()
        }
      } else {
        break
      }
    }
    this.start = position
    this.line = this.#nextLine
    const char = text.charCodeAt(position)
    if (isNameStart(char)) this.#take('name', match(NAME, text, position))
    else if (isDigit(char) || (char === 46 && isDigit(text.charCodeAt(position + 1)))) this.#number(position)
    else if (char === 34 || char === 39) this.#string(position, char)
    else this.#punctuation(position)
  }

  #take(kind: TokenKind, end: number): void {
    this.kind = kind
    this.text = this.#text.slice(this.start, end)
    this.#position = end
  }

  #number(position: number): void {
    const end = match(NUMBER, this.#text, position)
    const suffix = this.#text[end]
    this.#take('int', end)
    if (/[.eE]/.test(this.text)) this.kind = 'float'
    if (suffix === 'j') {
      this.kind = 'imaginary'
      this.#position = end + 1
    } else if (isNameStart(this.#text.charCodeAt(end))) {
      throw syntaxError(this.source, this.line, `malformed number '${this.text}${suffix}'`)
    }
  }

  #punctuation(position: number): void {
    const text = this.#text
    const char = text[position]!
    if (char === '-' && text[position + 1] === '>') return this.#take('->', position + 2)
    if (char === '.' && text.startsWith('...', position)) return this.#take('...', position + 3)
    if (!SINGLE.has(char)) throw syntaxError(this.source, this.line, `unexpected character ${JSON.stringify(char)}`)
    if (char === '(' || char === '[' || char === '{') this.#brackets++
    else if (char === ')' || char === ']' || char === '}') this.#brackets--
    this.#take(char as Punctuation, position + 1)
  }

  #string(position: number, quote: number): void {
    const text = this.#text
    let end = position + 1
    for (; ; end++) {
      const char = text.charCodeAt(end)
      if (end >= this.#end || char === 10) throw syntaxError(this.source, this.line, 'a string is not closed')
      if (char === quote) break
      if (char === 92) end++
    }
    this.kind = 'string'
    this.#position = end + 1
    const raw = text.slice(position + 1, end)
    this.text = raw.includes('\\') ? raw.replace(ESCAPE, (all) => this.#unescape(all)) : raw
  }

  #unescape(all: string): string {
    const simple = ESCAPES[all[1]!]
    if (simple !== undefined) return simple
    const bytes = all.length >= 4 ? all.slice(1).split('\\').map((octal) => Number.parseInt(octal, 8)) : []
    try {
      if (bytes.length === 0) throw new URIError()
      return decodeURIComponent(bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''))
    } catch {
      throw syntaxError(this.source, this.line, `unknown escape '${all}' in a string`)
    }
  }

  /** Skips blank lines; returns the column of the first text. */
  #startOfLine(): number {
    const text = this.#text
    let position = this.#position
    let column = 0
    for (; position < this.#end; position++) {
      const char = text.charCodeAt(position)
      if (char === 32 || char === 9) {
        column++
      } else if (char === 10) {
        this.#nextLine++
        column = 0
      } else if (char === 35) {
        const newline = text.indexOf('\n', position)
        position = newline < 0 || newline >= this.#end ? this.#end - 1 : newline - 1
      } else if (char !== 13) {
        break
      }
    }
    this.#position = position
    return position >= this.#end ? 0 : column
  }

  #newline(): void {
    const wasIndent = this.#indents.at(-1)!
    const column = this.#startOfLine()
    if (this.#position >= this.#end) return this.#finish()
    if (column > wasIndent) {
      if (this.#indents.length >= MAX_BLOCK_DEPTH) {
        throw syntaxError(this.source, this.#nextLine, `blocks are nested more than ${MAX_BLOCK_DEPTH} deep`)
      }
      this.#indents.push(column)
      this.kind = 'indent'
    } else {
      this.#popIndents(column)
      this.kind = 'newline'
    }
    this.text = ''
  }

  #popIndents(column: number): void {
    while (this.#indents.length > 1 && this.#indents.at(-1)! > column) {
      this.#indents.pop()
      this.#pendingDedents++
    }
    if (this.#indents.at(-1)! !== column) throw syntaxError(this.source, this.#nextLine, 'the indentation fits no enclosing block')
  }

  /** At the end of the text: closes the line and the open blocks, then says `end` for ever. */
  #finish(): void {
    this.#position = this.start = this.#end
    this.text = ''
    if (this.#brackets > 0) throw syntaxError(this.source, this.line, 'a bracket is not closed')
    if (this.kind !== 'newline' && this.kind !== 'dedent' && this.kind !== 'end') {
      this.#pendingDedents = this.#indents.length - 1
      this.#indents.length = 1
      this.kind = 'newline'
    } else {
      this.kind = 'end'
    }
  }
}

/**
 * As torch/csrc/jit/frontend/parse_string_literal.h. PyTorch writes bytes outside ASCII's printable range in octal, so a run of
 * octal escapes is a piece of UTF-8.
 */
const ESCAPE = /(?:\\[0-3][0-7]{2})+|\\[^]/g
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\', '\'': '\'', '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '?': '?', '\n': '',
}

function match(pattern: RegExp, text: string, position: number): number {
  pattern.lastIndex = position
  pattern.test(text)
  return pattern.lastIndex
}

function isNameStart(char: number): boolean {
  return (char >= 97 && char <= 122) || (char >= 65 && char <= 90) || char === 95
}

function isDigit(char: number): boolean {
  return char >= 48 && char <= 57
}
