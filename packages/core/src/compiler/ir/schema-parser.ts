import type { Argument, FunctionSchema } from './schema.ts'
import { doubleValue, intValue, NONE, boolValue, stringValue, type IValue } from './ivalue.ts'
import { TextCursor } from './text-cursor.ts'
import { aliasAnnotation, containerAlias, graphType, type TypeResolver } from './type-parser.ts'
import { listOf, optionalOf, type Type } from './types.ts'

/** Longest fixed list length a schema may ask for; PyTorch's longest is 6. A default is repeated that often. */
const MAX_FIXED_LENGTH = 64

/**
 * Words that stand for a number in defaults, with the value of their C++ enum: c10/core/ScalarType.h, Layout.h, MemoryFormat.h,
 * aten/src/ATen/core/Reduction.h.
 */
const DEFAULT_WORDS: Readonly<Record<string, number>> = {
  float: 6, double: 7, long: 4, int: 3, complex: 9, bool: 11, strided: 0, contiguous_format: 0, preserve_format: 1, channels_last: 2,
  Mean: 1, Sum: 2,
}

/**
 * An operator's signature in the notation of PyTorch's registrations:
 * `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor`.
 * Accepts what torch/csrc/jit/frontend/function_schema_parser.cpp accepts. Throws `BAD_SCHEMA` or `BAD_TYPE`.
 */
export function parseSchema(text: string, resolve?: TypeResolver): FunctionSchema {
  const cursor = new TextCursor(text, 'schema')
  let name = cursor.identifier() ?? cursor.fail('expected an operator name')
  if (cursor.take('::')) name += `::${cursor.identifier() ?? cursor.fail('expected an operator name')}`
  const overload = cursor.take('.') ? cursor.identifier() ?? cursor.fail('expected an overload name') : ''

  let kwargOnly = false
  let isVararg = false
  const parameters: Argument[] = []
  cursor.expect('(')
  cursor.list(')', () => {
    if (isVararg) cursor.fail('... must come last')
    if (cursor.take('*')) kwargOnly = true
    else if (cursor.take('...')) isVararg = true
    else parameters.push(argument(cursor, resolve, kwargOnly, false))
  })

  let isVarret = false
  const returns: Argument[] = []
  cursor.expect('->')
  if (cursor.take('...')) isVarret = true
  else if (cursor.take('(')) {
    cursor.list(')', () => {
      if (cursor.take('...')) isVarret = true
      else returns.push(argument(cursor, resolve, false, true))
    })
  } else returns.push(argument(cursor, resolve, false, true))
  cursor.expectEnd()
  return { name, overload, arguments: parameters, returns, isVararg, isVarret }
}

function argument(cursor: TextCursor, resolve: TypeResolver | undefined, kwargOnly: boolean, isReturn: boolean): Argument {
  let { type, alias } = graphType(cursor, resolve, 0)
  let size: number | undefined
  if (cursor.take('[')) {
    size = Number(cursor.number())
    if (!Number.isInteger(size) || size > MAX_FIXED_LENGTH) cursor.fail('expected a list length')
    cursor.expect(']')
    type = listOf(type)
    alias = containerAlias(aliasAnnotation(cursor), alias)
    if (cursor.take('?')) type = optionalOf(type)
  }
  const name = cursor.identifier() ?? (isReturn ? '' : cursor.fail('expected an argument name'))
  const defaultValue = !isReturn && cursor.take('=') ? parseDefault(cursor, type, size) : undefined
  return {
    name, type, kwargOnly, isOut: kwargOnly && alias?.isWrite === true,
    ...(size === undefined ? undefined : { size }),
    ...(defaultValue === undefined ? undefined : { defaultValue }),
    ...(alias === undefined ? undefined : { alias }),
  }
}

function parseDefault(cursor: TextCursor, type: Type, size: number | undefined): IValue {
  const plain = type.kind === 'OptionalType' ? type.element : type
  if (plain.kind !== 'ListType') return parseConstant(cursor, type)
  const element = plain.element
  if (cursor.take('[')) return { tag: 'List', elementType: element, elements: cursor.list(']', () => parseConstant(cursor, element)) }
  const value = parseConstant(cursor, element)
  if (value.tag === 'None' || size === undefined) return value
  return { tag: 'List', elementType: element, elements: Array.from({ length: size }, () => value) }
}

function parseConstant(cursor: TextCursor, type: Type): IValue {
  if (cursor.at('"') || cursor.at('\'')) {
    const text = parseStringLiteral(cursor)
    return type.kind === 'DeviceObjType' ? { tag: 'Device', value: text } : stringValue(text)
  }
  const negative = cursor.take('-')
  const number = cursor.number()
  if (number !== undefined) return numberValue(negative ? `-${number}` : number, type)
  const word = cursor.identifier() ?? cursor.fail('expected a default value')
  switch (word) {
    case 'True': return boolValue(true)
    case 'False': return boolValue(false)
    case 'None': return NONE
    case 'inf': return doubleValue(negative ? -Infinity : Infinity)
    case 'nan': return doubleValue(NaN)
    default: return intValue(Object.hasOwn(DEFAULT_WORDS, word) ? DEFAULT_WORDS[word]! : cursor.fail(`${word} is not a default value`))
  }
}

function numberValue(text: string, type: Type): IValue {
  const plain = type.kind === 'OptionalType' ? type.element : type
  if (text.endsWith('j') || type.kind === 'ComplexType') return { tag: 'ComplexDouble', real: 0, imag: Number(text.replace('j', '')) }
  if (plain.kind === 'FloatType' || /[.e]/i.test(text)) return doubleValue(Number(text))
  return intValue(BigInt(text))
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '\'': '\'', '"': '"',
}

/** A quoted string with C-like escapes (torch/csrc/jit/frontend/parse_string_literal.h). */
function parseStringLiteral(cursor: TextCursor): string {
  const quote = cursor.text[cursor.position]!
  let at = cursor.position + 1
  let value = ''
  for (;;) {
    const char = cursor.text[at] ?? cursor.fail('the string does not end')
    at++
    if (char === quote) break
    if (char !== '\\') {
      value += char
      continue
    }
    const octal = /^[0-3][0-7]{2}/.exec(cursor.text.slice(at, at + 3))?.[0]
    if (octal === undefined) value += ESCAPES[cursor.text[at++] ?? ''] ?? cursor.fail('unknown escape in the string')
    else {
      value += String.fromCharCode(parseInt(octal, 8))
      at += octal.length
    }
  }
  cursor.position = at
  return value
}
