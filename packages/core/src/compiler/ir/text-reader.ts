/** A cursor over graph text: whitespace and `#` comments are skipped before every token. Errors name the line. */
export class TextReader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  fail(message: string): never {
    const before = this.text.slice(0, this.at)
    const line = before.split('\n').length
    const rest = this.text.slice(this.at).split('\n')[0]!.slice(0, 60)
    throw new Error(`graph text, line ${line}: ${message}, at \`${rest}\``)
  }

  skip(): void {
    const blank = /(?:\s+|#[^\n]*)*/y
    blank.lastIndex = this.at
    blank.exec(this.text)
    this.at = blank.lastIndex
  }

  /** True when the next token starts with `token`; does not move. */
  peek(token: string): boolean {
    this.skip()
    return this.text.startsWith(token, this.at)
  }

  take(token: string): boolean {
    if (!this.peek(token)) return false
    this.at += token.length
    return true
  }

  expect(token: string): void {
    if (!this.take(token)) this.fail(`expected \`${token}\``)
  }

  /** What a sticky pattern matches here, or undefined. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    this.skip()
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found === null) return undefined
    this.at = pattern.lastIndex
    return found
  }

  word(what: string): string {
    return this.match(/[\w.]+/y)?.[0] ?? this.fail(`expected ${what}`)
  }

  integer(): bigint {
    return BigInt(this.match(/-?\d+/y)?.[0] ?? this.fail('expected an integer'))
  }

  quoted(): string {
    const found = this.match(/"((?:[^"\\]|\\[\s\S])*)"/y) ?? this.fail('expected a string')
    return found[1]!.replace(/\\(x[0-9a-f]{2}|[\s\S])/g, (_, escape: string) =>
      escape.length === 3 ? String.fromCharCode(parseInt(escape.slice(1), 16))
        : escape === 'n' ? '\n' : escape === 't' ? '\t' : escape === 'r' ? '\r' : escape)
  }

  /** `open item, item close`. */
  list<T>(open: string, close: string, item: () => T): T[] {
    this.expect(open)
    const items: T[] = []
    while (!this.take(close)) {
      if (items.length > 0) this.expect(',')
      items.push(item())
    }
    return items
  }

  /** The text up to the first of `ends` outside of brackets; brackets of types and `Enum<…>` nest. */
  balanced(ends: string): string {
    this.skip()
    const begin = this.at
    let depth = 0
    for (; this.at < this.text.length; this.at++) {
      const c = this.text[this.at]!
      if (depth === 0 && ends.includes(c)) break
      if ('([<'.includes(c)) depth++
      else if (')]>'.includes(c)) depth--
    }
    return this.text.slice(begin, this.at).trim()
  }
}
