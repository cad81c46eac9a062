import { PetalError } from '../errors.ts'

/** How deep types may nest in text. PyTorch's own never pass ten; the bound keeps recursion safe on hostile input. */
export const MAX_TYPE_DEPTH = 64

const SPACE = /[ \t\r\n]*/y
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y
const QUALIFIED_NAME = /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y
const NUMBER = /(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?j?/y

/** A reading position in one line of text. Blanks between tokens are skipped. */
export class TextCursor {
  readonly text: string
  /** Of what the text is, for messages: `type`, `schema`. */
  readonly what: string
  position = 0

  constructor(text: string, what: string) {
    this.text = text
    this.what = what
  }

  /** True when `token` is next. */
  at(token: string): boolean {
    SPACE.lastIndex = this.position
    SPACE.test(this.text)
    this.position = SPACE.lastIndex
    return this.text.startsWith(token, this.position)
  }

  /** Passes `token` when it is next. */
  take(token: string): boolean {
    if (!this.at(token)) return false
    this.position += token.length
    return true
  }

  expect(token: string): void {
    if (!this.take(token)) this.fail(`expected '${token}'`)
  }

  get atEnd(): boolean {
    this.at('')
    return this.position === this.text.length
  }

  expectEnd(): void {
    if (!this.atEnd) this.fail('expected the end')
  }

  identifier(): string | undefined {
    return this.#match(IDENTIFIER)
  }

  /** A dotted name. */
  qualifiedName(): string | undefined {
    return this.#match(QUALIFIED_NAME)
  }

  /** An unsigned number's text; complex ones end in `j`. */
  number(): string | undefined {
    return this.#match(NUMBER)
  }

  /** Items separated by commas up to `close`, which is passed. */
  list<T>(close: string, item: () => T): T[] {
    const items: T[] = []
    if (this.take(close)) return items
    do items.push(item())
    while (this.take(','))
    this.expect(close)
    return items
  }

  fail(problem: string): never {
    const found = this.position < this.text.length ? `'${this.text.slice(this.position, this.position + 24)}'` : 'the end'
    throw new PetalError({
      code: this.what === 'schema' ? 'BAD_SCHEMA' : 'BAD_TYPE',
      message: `Cannot read the ${this.what} "${this.text.length > 200 ? `${this.text.slice(0, 200)}…` : this.text}": ${problem}, found ${found}.`,
      cause: 'The model file is damaged or was written by something other than torch.jit.save.',
    })
  }

  #match(pattern: RegExp): string | undefined {
    this.at('')
    pattern.lastIndex = this.position
    const text = pattern.exec(this.text)?.[0]
    if (text !== undefined) this.position += text.length
    return text
  }
}
