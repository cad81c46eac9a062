import type { AssignStmt, Expr, FunctionDef, Parameter, Signature, SliceExpr, Stmt } from './ast.ts'
import { Lexer, type TokenKind } from './lexer.ts'
import { syntaxError, type SourceFile } from './source.ts'

/** Brackets inside brackets. PyTorch breaks lines at 40 characters, so real code has a handful; types nest a little deeper. */
export const MAX_EXPRESSION_DEPTH = 200

/** A recursive-descent parser of one part of a code record. As torch/csrc/jit/frontend/parser.cpp for what is serialized. */
export class Parser {
  readonly #lexer: Lexer
  #depth = 0

  constructor(lexer: Lexer) {
    this.#lexer = lexer
  }

  /** `def name(…) -> T:` and its block. The current token is `def`. */
  functionDef(): FunctionDef {
    const signature = this.signature()
    return { kind: 'FunctionDef', ...signature, body: this.#block() }
  }

  /** `def name(…) -> T:` without the block. */
  signature(): Signature {
    const line = this.#lexer.line
    this.#expectName('def')
    const name = this.#name()
    const parameters: Parameter[] = []
    let kwargOnly = false
    this.#expect('(')
    this.#list(')', () => {
      if (this.#accept('*')) {
        kwargOnly = true
        return
      }
      const parameter = this.#name()
      const type = this.#accept(':') ? this.expression() : undefined
      const value = this.#accept('=') ? this.expression() : undefined
      parameters.push({ name: parameter, kwargOnly, ...(type && { type }), ...(value && { default: value }) })
    })
    const returns = this.#accept('->') ? this.expression() : undefined
    this.#expect(':')
    return { name, parameters, line, ...(returns && { returns }) }
  }

  /** Statements up to the end of the text, as the body of a class. */
  statements(): Stmt[] {
    const statements: Stmt[] = []
    while (this.#lexer.kind !== 'end') {
      if (this.#lexer.kind === 'newline') this.#lexer.next()
      else statements.push(this.#statement())
    }
    return statements
  }

  /** One expression and nothing after it. */
  wholeExpression(): Expr {
    const expression = this.expression()
    if (this.#lexer.kind === 'newline') this.#lexer.next()
    if (this.#lexer.kind !== 'end') throw this.#unexpected('the end')
    return expression
  }

  /** An expression; a list without brackets is a tuple only where a statement allows it. */
  expression(): Expr {
    if (++this.#depth > MAX_EXPRESSION_DEPTH) {
      throw syntaxError(this.#lexer.source, this.#lexer.line, `an expression is nested more than ${MAX_EXPRESSION_DEPTH} deep`)
    }
    let left = this.#unary()
    for (let links = 0; this.#lexer.kind === '+' || this.#lexer.kind === '-'; links++) {
      if (links >= MAX_EXPRESSION_DEPTH) throw syntaxError(this.#lexer.source, this.#lexer.line, 'a sum is too long')
      const operator = this.#lexer.kind
      const line = this.#lexer.line
      this.#lexer.next()
      left = { kind: 'Binary', operator, left, right: this.#unary(), line }
    }
    this.#depth--
    return left
  }

  #unary(): Expr {
    const { line, kind, text } = this.#lexer
    if (kind === '-' || (kind === 'name' && text === 'not')) {
      if (++this.#depth > MAX_EXPRESSION_DEPTH) throw syntaxError(this.#lexer.source, line, 'too many signs in a row')
      this.#lexer.next()
      const operand = this.#unary()
      this.#depth--
      return { kind: 'Unary', operator: kind === '-' ? '-' : 'not', operand, line }
    }
    return this.#postfix(this.#primary())
  }

  #postfix(base: Expr): Expr {
    let value = base
    for (let links = 0; ; links++) {
      const { line, kind } = this.#lexer
      if (kind !== '.' && kind !== '(' && kind !== '[') return value
      if (links >= MAX_EXPRESSION_DEPTH) throw syntaxError(this.#lexer.source, line, 'a chain of calls and attributes is too long')
      this.#lexer.next()
      if (kind === '.') {
        value = { kind: 'Attribute', value, name: this.#name(), line }
      } else if (kind === '(') {
        value = this.#call(value, line)
      } else {
        const indices: (Expr | SliceExpr)[] = []
        this.#list(']', () => indices.push(this.#index()))
        value = { kind: 'Subscript', value, indices, line }
      }
    }
  }

  #call(callee: Expr, line: number): Expr {
    const args: Expr[] = []
    const keywords: { name: string; value: Expr }[] = []
    this.#list(')', () => {
      const value = this.expression()
      if (this.#lexer.kind === '=' && value.kind === 'Name') {
        this.#lexer.next()
        keywords.push({ name: value.name, value: this.expression() })
      } else if (keywords.length > 0) {
        throw syntaxError(this.#lexer.source, line, 'a positional argument follows a keyword argument')
      } else {
        args.push(value)
      }
    })
    return { kind: 'Call', callee, args, keywords, line }
  }

  #index(): Expr | SliceExpr {
    const line = this.#lexer.line
    const part = (): Expr | undefined => {
      const kind = this.#lexer.kind
      return kind === ':' || kind === ',' || kind === ']' ? undefined : this.expression()
    }
    const start = part()
    if (!this.#accept(':')) return start ?? this.expression()
    const end = part()
    const step = this.#accept(':') ? part() : undefined
    return { kind: 'Slice', line, ...(start && { start }), ...(end && { end }), ...(step && { step }) }
  }

  #primary(): Expr {
    const { line, kind, text } = this.#lexer
    switch (kind) {
      case 'name':
        this.#lexer.next()
        if (text === 'True' || text === 'False') return { kind: 'Bool', value: text === 'True', line }
        if (text === 'None') return { kind: 'None', line }
        if (RESERVED.has(text)) throw syntaxError(this.#lexer.source, line, `unexpected '${text}'`)
        return { kind: 'Name', name: text, line }
      case 'int':
        this.#lexer.next()
        return { kind: 'Int', value: BigInt(text), line }
      case 'float':
        this.#lexer.next()
        return { kind: 'Float', value: Number(text), line }
      case 'imaginary':
        this.#lexer.next()
        return { kind: 'Imaginary', value: Number(text), line }
      case 'string':
        return this.#strings()
      case '(':
        return this.#parenthesized()
      case '[': {
        const elements: Expr[] = []
        this.#lexer.next()
        this.#list(']', () => elements.push(this.expression()))
        return { kind: 'List', elements, line }
      }
      case '{': {
        const keys: Expr[] = []
        const values: Expr[] = []
        this.#lexer.next()
        this.#list('}', () => {
          keys.push(this.expression())
          this.#expect(':')
          values.push(this.expression())
        })
        return { kind: 'Dict', keys, values, line }
      }
      default:
        throw this.#unexpected('an expression')
    }
  }

  /** Neighbouring literals are one string, as in Python. */
  #strings(): Expr {
    const line = this.#lexer.line
    let value = ''
    while (this.#lexer.kind === 'string') {
      value += this.#lexer.text
      this.#lexer.next()
    }
    return { kind: 'String', value, line }
  }

  #parenthesized(): Expr {
    const line = this.#lexer.line
    const elements: Expr[] = []
    let commas = 0
    this.#lexer.next()
    while (this.#lexer.kind !== ')') {
      elements.push(this.expression())
      if (!this.#accept(',')) break
      commas++
    }
    this.#expect(')')
    return elements.length === 1 && commas === 0 ? elements[0]! : { kind: 'Tuple', elements, line }
  }

  /** Expressions by comma up to the end of the statement or `=`; one without a comma stands for itself. */
  #expressionList(): Expr {
    const line = this.#lexer.line
    const first = this.expression()
    const elements = [first]
    let isTuple = false
    while (this.#accept(',')) {
      isTuple = true
      const next: TokenKind = this.#lexer.kind
      if (next === '=' || next === 'newline') break
      elements.push(this.expression())
    }
    return isTuple ? { kind: 'Tuple', elements, line } : first
  }

  #statement(): Stmt {
    if (this.#lexer.kind === 'name') {
      const statement = this.#compound(this.#lexer.text)
      if (statement !== undefined) return statement
    }
    const line = this.#lexer.line
    const target = this.#expressionList()
    const type = this.#accept(':') ? this.expression() : undefined
    const value = this.#accept('=') ? this.#expressionList() : undefined
    this.#endOfLine()
    if (type === undefined && value === undefined) return { kind: 'Expr', value: target, line }
    const statement: AssignStmt = { kind: 'Assign', target, line, ...(type && { type }), ...(value && { value }) }
    return statement
  }

  #compound(keyword: string): Stmt | undefined {
    const line = this.#lexer.line
    switch (keyword) {
      case 'def':
        return this.functionDef()
      case 'pass':
        this.#lexer.next()
        this.#endOfLine()
        return { kind: 'Pass', line }
      case 'return': {
        this.#lexer.next()
        const value = this.#lexer.kind === 'newline' ? undefined : this.#expressionList()
        this.#endOfLine()
        return { kind: 'Return', line, ...(value && { value }) }
      }
      case 'if': {
        this.#lexer.next()
        const condition = this.expression()
        this.#expect(':')
        const body = this.#block()
        const hasElse = this.#lexer.kind === 'name' && this.#lexer.text === 'else'
        if (hasElse) {
          this.#lexer.next()
          this.#expect(':')
        }
        return { kind: 'If', condition, body, orElse: hasElse ? this.#block() : [], line }
      }
      case 'while': {
        this.#lexer.next()
        const condition = this.expression()
        this.#expect(':')
        return { kind: 'While', condition, body: this.#block(), line }
      }
      case 'for': {
        this.#lexer.next()
        const target = this.#postfix(this.#primary())
        this.#expectName('in')
        const iterable = this.expression()
        this.#expect(':')
        return { kind: 'For', target, iterable, body: this.#block(), line }
      }
      case 'with': {
        this.#lexer.next()
        const context = this.expression()
        let target: Expr | undefined
        if (this.#lexer.kind === 'name' && this.#lexer.text === 'as') {
          this.#lexer.next()
          target = this.#primary()
        }
        this.#expect(':')
        return { kind: 'With', context, body: this.#block(), line, ...(target && { target }) }
      }
      default:
        return undefined
    }
  }

  #block(): Stmt[] {
    this.#expect('indent')
    const statements: Stmt[] = []
    while (this.#lexer.kind !== 'dedent') statements.push(this.#statement())
    this.#lexer.next()
    return statements
  }

  #endOfLine(): void {
    this.#expect('newline')
  }

  /** Items by comma up to `close`, with or without a comma at the end. */
  #list(close: TokenKind, item: () => void): void {
    while (this.#lexer.kind !== close) {
      item()
      if (!this.#accept(',')) break
    }
    this.#expect(close)
  }

  #accept(kind: TokenKind): boolean {
    if (this.#lexer.kind !== kind) return false
    this.#lexer.next()
    return true
  }

  #expect(kind: TokenKind): void {
    if (!this.#accept(kind)) throw this.#unexpected(TOKEN_NAMES[kind] ?? `'${kind}'`)
  }

  #expectName(keyword: string): void {
    if (this.#lexer.kind !== 'name' || this.#lexer.text !== keyword) throw this.#unexpected(`'${keyword}'`)
    this.#lexer.next()
  }

  #name(): string {
    if (this.#lexer.kind !== 'name') throw this.#unexpected('a name')
    const name = this.#lexer.text
    this.#lexer.next()
    return name
  }

  #unexpected(expected: string): Error {
    const { kind, text, line, source } = this.#lexer
    const found = TOKEN_NAMES[kind] ?? `'${text}'`
    return syntaxError(source, line, `expected ${expected} but found ${found}`)
  }
}

/** Words that start or join statements and expressions, and so are never names. */
const RESERVED: ReadonlySet<string> = new Set([
  'and', 'as', 'assert', 'async', 'await', 'break', 'class', 'continue', 'def', 'del', 'elif', 'else', 'except', 'finally', 'for', 'from',
  'global', 'if', 'in', 'is', 'lambda', 'nonlocal', 'not', 'or', 'pass', 'raise', 'return', 'try', 'while', 'with', 'yield',
])

const TOKEN_NAMES: Partial<Record<TokenKind, string>> = {
  newline: 'the end of the line', indent: 'an indented block', dedent: 'the end of the block', end: 'the end of the code',
  string: 'a string',
}

/** A parser of `[begin, end)` of a record; `line` is the line of `begin`. */
export function parserOf(source: SourceFile, begin?: number, end?: number, line?: number): Parser {
  return new Parser(new Lexer(source, begin, end, line))
}
