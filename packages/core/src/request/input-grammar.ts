import { DTYPES, type Dtype, type InputSpec } from '../conversion-request.ts'

/** Dimensions of an example input; PyTorch's operators take no more in practice. */
const MAX_DIMENSIONS = 16
/** Elements of an example input: 1 GiB of floats. A wrong digit should be an error, not a machine without memory. */
const MAX_ELEMENTS = 2 ** 28
/** Tuples in tuples. */
const MAX_NESTING = 8

/** PyTorch's own short names. */
const ALIASES: Readonly<Record<string, Dtype>> = {
  float: 'float32', double: 'float64', half: 'float16', long: 'int64', short: 'int16', byte: 'uint8',
}

/** What does not fit the grammar; the message follows a colon. */
export class GrammarError extends Error {}

/**
 * Reads example inputs:
 *
 * ```
 * sets   := inputs (',' inputs)*                 several calls
 * inputs := item (';' item)*                     the arguments of one call
 * item   := dims | dtype '[' dims? ']' ('<' number)?   a tensor; without dtype float32; '<' bounds its random values
 *         | ('int' | 'float' | 'bool') ':' literal     a Python value
 *         | '(' item (',' item)* ')' | '[' item (',' item)* ']'
 * dims   := number ('x' number)*
 * ```
 * Throws a GrammarError.
 */
export function readInputSets(text: string): InputSpec[][] {
  const cursor: Cursor = { text, at: 0 }
  const sets: InputSpec[][] = []
  do {
    const items = [readItem(cursor, 0)]
    while (skip(cursor, ';')) items.push(readItem(cursor, 0))
    sets.push(items)
  } while (skip(cursor, ','))
  if (cursor.at < text.length) throw new GrammarError(`"${text.slice(cursor.at)}" is not expected there`)
  return sets
}

/** The same inputs as text; the canonical spelling. */
export function printInput(spec: InputSpec): string {
  switch (spec.kind) {
    case 'tensor': {
      const dims = spec.shape.join('x')
      if (spec.dtype === 'float32' && spec.below === undefined && dims !== '') return dims
      return `${spec.dtype}[${dims}]${spec.below === undefined ? '' : `<${spec.below}`}`
    }
    case 'tuple': return `(${spec.items.map(printInput).join(',')})`
    case 'list': return `[${spec.items.map(printInput).join(',')}]`
    default: return `${spec.kind}:${spec.value}`
  }
}

interface Cursor {
  readonly text: string
  at: number
}

function skip(cursor: Cursor, token: string): boolean {
  if (!cursor.text.startsWith(token, cursor.at)) return false
  cursor.at += token.length
  return true
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at
  const found = pattern.exec(cursor.text)?.[0]
  if (found !== undefined) cursor.at += found.length
  return found
}

function expect(cursor: Cursor, token: string): void {
  if (!skip(cursor, token)) throw new GrammarError(`"${token}" is missing at "${cursor.text.slice(cursor.at)}"`)
}

function readItem(cursor: Cursor, depth: number): InputSpec {
  if (depth > MAX_NESTING) throw new GrammarError(`more than ${MAX_NESTING} tuples are in one another`)
  if (skip(cursor, '(')) return { kind: 'tuple', items: readItems(cursor, ')', depth) }
  if (skip(cursor, '[')) return { kind: 'list', items: readItems(cursor, ']', depth) }
  const word = take(cursor, /[A-Za-z]\w*/y)
  if (word === undefined) return tensor(cursor, 'float32', readDims(cursor))
  if (skip(cursor, ':')) return readValue(cursor, word)
  const dtype = dtypeOf(word)
  expect(cursor, '[')
  const shape = cursor.text[cursor.at] === ']' ? [] : readDims(cursor)
  expect(cursor, ']')
  return tensor(cursor, dtype, shape)
}

function readItems(cursor: Cursor, end: string, depth: number): InputSpec[] {
  const items = [readItem(cursor, depth + 1)]
  while (skip(cursor, ',')) items.push(readItem(cursor, depth + 1))
  expect(cursor, end)
  return items
}

function readDims(cursor: Cursor): number[] {
  const dims = take(cursor, /\d+(?:x\d+)*/y)
  if (dims === undefined) {
    const rest = cursor.text.slice(cursor.at)
    throw new GrammarError(rest === '' ? 'a shape is missing at its end' : `"${rest}" does not begin with a shape or a type`)
  }
  return dims.split('x').map(Number)
}

function tensor(cursor: Cursor, dtype: Dtype, shape: readonly number[]): InputSpec {
  if (shape.length > MAX_DIMENSIONS) throw new GrammarError(`${shape.length} dimensions are more than ${MAX_DIMENSIONS}`)
  const elements = shape.reduce((product, size) => product * size, 1)
  if (elements > MAX_ELEMENTS) throw new GrammarError(`${shape.join('x')} has more than ${MAX_ELEMENTS} elements`)
  if (!skip(cursor, '<')) return { kind: 'tensor', dtype, shape }
  const below = Number(take(cursor, /\d+(?:\.\d+)?/y))
  if (!(below > 0)) throw new GrammarError('a number above 0 is missing after "<"')
  if (dtype === 'bool') throw new GrammarError('a bool has no range')
  if (/int/.test(dtype) && !Number.isInteger(below)) throw new GrammarError(`the range of ${dtype} ends at a whole number`)
  return { kind: 'tensor', dtype, shape, below }
}

function readValue(cursor: Cursor, type: string): InputSpec {
  const literal = take(cursor, /[\w.-]+/y) ?? ''
  const value = Number(literal)
  if (type === 'bool' && /^(?:true|false)$/i.test(literal)) return { kind: 'bool', value: literal.toLowerCase() === 'true' }
  if (type === 'int' && literal !== '' && Number.isSafeInteger(value)) return { kind: 'int', value }
  if (type === 'float' && literal !== '' && Number.isFinite(value)) return { kind: 'float', value }
  throw new GrammarError(/^(?:int|float|bool)$/.test(type) ? `"${literal}" is no ${type}` : `"${type}:" is none of int:, float:, bool:`)
}

function dtypeOf(word: string): Dtype {
  const lower = word.toLowerCase()
  const dtype = Object.hasOwn(ALIASES, lower) ? ALIASES[lower] : DTYPES.find((name) => name === lower)
  if (dtype === undefined) throw new GrammarError(`"${word}" is none of ${DTYPES.join(', ')}`)
  return dtype
}
