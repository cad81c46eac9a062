import { Tensor } from './tensor.ts'
import { Device, ScriptObject, Tuple, type Value } from './values.ts'

/** Python's `str.format`, as far as TorchScript has it: `{}` only. Source: torch/csrc/jit/runtime/vararg_functions.cpp (`format`). */
export function formatText(text: string, args: readonly Value[]): string {
  let next = 0
  return text.replaceAll('{}', () => (next < args.length ? formatValue(args[next++]!) : '{}'))
}

/** A value as TorchScript prints it; strings inside of others are quoted. Source: aten/src/ATen/core/ivalue.cpp (`operator<<`). */
export function formatValue(value: Value, inside = false): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return formatFloat(value)
  if (typeof value === 'string') return inside ? `'${value}'` : value
  if (typeof value === 'bigint') return String(value)
  const all = (values: Iterable<Value>): string => [...values].map((item) => formatValue(item, true)).join(', ')
  if (Array.isArray(value)) return `[${all(value)}]`
  if (value instanceof Tuple) return `(${all(value.items)}${value.items.length === 1 ? ',' : ''})`
  if (value instanceof Map) return `{${[...value].map(([key, item]) => `${formatValue(key, true)}: ${formatValue(item, true)}`).join(', ')}}`
  if (value instanceof Tensor) return `Tensor(${value.sizes.join(', ')})`
  return value instanceof Device ? value.type : `<${(value as ScriptObject).className} object>`
}

/** Whole numbers below this are printed with a dot and nothing behind it. */
const WHOLE = 1e10

function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Number.isInteger(value) && Math.abs(value) < WHOLE) return `${Object.is(value, -0) ? '-0' : value}.`
  return general(value)
}

/** C++ streams with 17 digits, `%.17g`. */
function general(value: number): string {
  const [digits, exponentText] = value.toExponential(16).split('e')
  const exponent = Number(exponentText)
  if (exponent >= -4 && exponent < 17) return trim(value.toFixed(Math.max(16 - exponent, 0)))
  return `${trim(digits!)}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
