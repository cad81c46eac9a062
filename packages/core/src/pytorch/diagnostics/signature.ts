import type { Seen } from './entry.ts'

/** A function's head in the project's code. */
export interface Signature {
  /** `def forward(self, x, k=2) -> Tensor:`, on one line. */
  readonly text: string
  readonly name: string
  readonly parameters: readonly Parameter[]
}

export interface Parameter {
  readonly name: string
  readonly annotation: string | undefined
  readonly value: string | undefined
}

const LONGEST_HEAD = 30

/** The function that a place is in, or whose head it is. Undefined where there is none, or its head cannot be read. */
export function signatureAt({ lines, line }: Pick<Seen, 'lines' | 'line'>): Signature | undefined {
  for (let at = line - 1; at >= 0; at--) {
    const own = /^(\s*)(?:async\s+)?def\s+(\w+)\s*\(/.exec(lines[at] ?? '')
    if (own === null || (at < line - 1 && indentation(lines[line - 1]!) <= own[1]!.length && !within(lines, at, line))) continue
    const text = head(lines, at)
    const inner = /\((.*)\)[^()]*(?:->.*)?:$/.exec(text)?.[1]
    return inner === undefined ? undefined : { text, name: own[2]!, parameters: split(inner).map(parameter) }
  }
  return undefined
}

/** The head with one parameter's type said: `def forward(self, x, k: int):`. */
export function annotated({ text }: Signature, name: string, type: string): string {
  const parameter = new RegExp(String.raw`([(,]\s*)${name}(?:\s*:[^,=)]*(?:\[[^\]]*\])?)?\s*(=\s*)?(?=[^=\s])`)
  return text.replace(parameter, (_, before: string, value?: string) => `${before}${name}: ${type}${value === undefined ? '' : ' = '}`)
}

/** The head with the type said that the function returns. */
export function returning({ text }: Signature, type: string): string {
  return `${text.replace(/\s*->.*:$/, '').replace(/:$/, '')} -> ${type}:`
}

/** Names of parameters without a type, `self` apart. */
export function untyped(signature: Signature | undefined): string[] {
  return (signature?.parameters ?? []).filter(({ name, annotation }, at) => annotation === undefined && !name.startsWith('*') && (at > 0 || name !== 'self'))
    .map(({ name }) => name).filter(Boolean)
}

/** Whether a variable is used in some code as it is: not a part of it, nor what a method of it gives. */
export function mentions(code: string, name: string): boolean {
  return new RegExp(String.raw`(?<![\w.])${name}\b(?!\s*(?:[.[(]|=(?!=)))`).test(code)
}

/**
 * The code of one argument of a call. `declaration` is what PyTorch calls: `aten::pad(Tensor self, int[] pad, …) -> Tensor`;
 * `callee` the code before the bracket: `F.pad`. Undefined where the call is not on this line, or leaves the argument out.
 */
export function argumentOf(code: string, callee: string, declaration: string, name: string): string | undefined {
  const start = callee === '' ? -1 : code.indexOf(`${callee}(`)
  if (start < 0) return undefined
  const given = split(upToClosing(code.slice(start + callee.length + 1)))
  const named = given.find((one) => new RegExp(String.raw`^${name}\s*=(?!=)`).test(one))
  if (named !== undefined) return named.replace(/^\w+\s*=\s*/, '')
  const names = split(/\((.*)\) ->/.exec(declaration)?.[1] ?? '').map((one) => /(\w+)(?:=.*)?$/.exec(one)?.[1])
  const ofObject = names[0] === 'self' && !/^(?:torch|F|nn)\./.test(callee)
  return given[names.indexOf(name) - (ofObject ? 1 : 0)]
}

function upToClosing(code: string): string {
  let depth = 0
  for (let at = 0; at < code.length; at++) {
    depth += '([{'.includes(code[at]!) ? 1 : ')]}'.includes(code[at]!) ? -1 : 0
    if (depth < 0) return code.slice(0, at)
  }
  return code
}

/** The type of a literal, where it is plain: `1.5` is a float. */
export function typeOfLiteral(value: string | undefined): string {
  const kinds: readonly (readonly [RegExp, string])[] = [
    [/^None$/, 'Optional[Tensor]'], [/^(?:True|False)$/, 'bool'], [/^-?\d+$/, 'int'], [/^-?[\d.]+(?:e-?\d+)?$/, 'float'], [/^['"]/, 'str'],
    [/^\[\s*-?\d+[\s,\]]/, 'List[int]'], [/^\[\s*-?\d*\.\d*[\s,\]]/, 'List[float]'],
  ]
  return kinds.find(([pattern]) => pattern.test(value ?? ''))?.[1] ?? 'its type'
}

function indentation(line: string): number {
  return line.search(/\S|$/)
}

/** Whether a line belongs to a head that starts at `at`. */
function within(lines: readonly string[], at: number, line: number): boolean {
  return headLines(lines, at) > line - 1 - at
}

function headLines(lines: readonly string[], at: number): number {
  let depth = 0
  for (let n = at; n < Math.min(lines.length, at + LONGEST_HEAD); n++) {
    for (const char of lines[n]!.replace(/#.*/, '')) depth += '([{'.includes(char) ? 1 : ')]}'.includes(char) ? -1 : 0
    if (depth <= 0) return n - at + 1
  }
  return LONGEST_HEAD
}

function head(lines: readonly string[], at: number): string {
  const text = lines.slice(at, at + headLines(lines, at)).map((line) => line.replace(/\s*#.*/, '').trim()).join(' ')
  return text.replace(/\(\s+/, '(').replace(/,?\s+\)/, ')').replace(/:[^:]*$/, ':')
}

/** Splits at commas that are in no bracket. */
function split(inner: string): string[] {
  const parts = ['']
  let depth = 0
  for (const char of inner) {
    depth += '([{'.includes(char) ? 1 : ')]}'.includes(char) ? -1 : 0
    if (char === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts.map((part) => part.trim()).filter(Boolean)
}

function parameter(text: string): Parameter {
  const [, name = '', annotation, value] = /^(\**\w*)\s*(?::\s*([^=]+?))?\s*(?:=\s*(.+))?$/.exec(text) ?? []
  return { name, annotation, value }
}
