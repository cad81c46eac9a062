import type { Machine } from '../machine.ts'
import { Tensor } from '../tensor.ts'
import { Device, Tuple, typeName, type Value } from '../values.ts'
import { toInt64 } from './elements.ts'
import { formatGeneral, formatScientific } from './format-number.ts'
import { formatTensor } from './format-tensor.ts'

/**
 * A value as TorchScript's `str()`, `print` and f-strings show it (`operator<<` in aten/src/ATen/core/ivalue.cpp): whole floats with a dot
 * and nothing after it, others with 17 digits, strings in lists without quotes.
 */
export function formatValue(m: Machine, value: Value): string {
  const list = (values: Iterable<Value>): string => [...values].map((each) => formatValue(m, each)).join(', ')
  switch (typeof value) {
    case 'string': return value
    case 'bigint': return String(value)
    case 'boolean': return value ? 'True' : 'False'
    case 'number': return formatFloat(value)
  }
  if (value === null) return 'None'
  if (value instanceof Tensor) return formatTensor(m, value)
  if (value instanceof Device) return value.type
  if (value instanceof Tuple) return `(${list(value.items)}${value.items.length === 1 ? ',)' : ')'}`
  if (value instanceof Map) return `{${[...value].map(([key, item]) => `${formatValue(m, key)}: ${formatValue(m, item)}`).join(', ')}}`
  return Array.isArray(value) ? `[${list(value)}]` : `<${typeName(value)} object at 0x0>`
}

function formatFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? `${BigInt(value)}.` : formatGeneral(value, 17)
}

/** Python's `str.format` as TorchScript has it: every `{}` takes the next argument; there are no options. */
export function formatText(m: Machine, text: string, args: readonly Value[]): string {
  const parts = text.split('{}')
  if (parts.length - 1 > args.length) throw m.fail(`Too few arguments for format string: ${text}`)
  return parts.reduce((before, part, i) => before + formatValue(m, args[i - 1]!) + part)
}

/** Python's `%` of a string as TorchScript has it: single letters, no options; one value, or a tuple of values. */
export function formatPercent(m: Machine, text: string, value: Value): string {
  const args = value instanceof Tuple ? value.items : [value]
  let used = 0
  const answer = text.replace(/%([^]?)/g, (_, key: string) => {
    if (key === '') throw m.fail('Incomplete format specifier')
    if (key === '%') return '%'
    if (used >= args.length) throw m.fail('Too few arguments for format string')
    return formatArgument(m, key, args[used++]!)
  })
  if (used < args.length) throw m.fail('Too many arguments for format string')
  return answer
}

function formatArgument(m: Machine, key: string, value: Value): string {
  if (key === 's') return formatValue(m, value)
  if (key === 'c' && typeof value === 'string' && value.length === 1) return value
  if (!'diceEfF'.includes(key)) throw m.fail(`The specifier %${key} is not supported in TorchScript format strings`)
  if (typeof value !== 'number' && typeof value !== 'bigint') throw m.fail(`%${key} requires a number, but got ${typeName(value)}`)
  if (key === 'c') return String.fromCharCode(Number(value))
  if (key === 'd' || key === 'i') return String(toInt64(value))
  const number = Math.fround(Number(value))
  if (!Number.isFinite(number)) return formatGeneral(number, 6)
  if (key === 'f' || key === 'F') return toFixed(number, 6)
  return key === 'E' ? formatScientific(number, 6).toUpperCase() : formatScientific(number, 6)
}

/** `toFixed` for large numbers, too, which it writes with an exponent. */
function toFixed(value: number, digits: number): string {
  return Math.abs(value) < 1e21 ? value.toFixed(digits) : `${BigInt(value)}.${'0'.repeat(digits)}`
}

