import type { Machine } from '../machine.ts'
import type { Dtype, Tensor } from '../tensor.ts'
import { numbers } from './reading.ts'
import { formatGeneral, formatScientific } from './format-number.ts'

/** As C++ calls tensors of each type. */
const NAMES: Readonly<Record<Dtype, string>> = {
  bool: 'Bool', uint8: 'Byte', int8: 'Char', int16: 'Short', int32: 'Int', int64: 'Long',
  float16: 'Half', float32: 'Float', float64: 'Double',
}
/** Characters in a line. */
const LINE = 80

/** A tensor as C++ prints it, which is what TorchScript's `str` and `print` show (aten/src/ATen/core/Formatting.cpp). */
export function formatTensor(m: Machine, tensor: Tensor): string {
  const { sizes } = tensor
  const values = Array.from(numbers(m, tensor))
  return `${body(values, sizes)}[ CPU${NAMES[tensor.dtype]}Type{${sizes.join(',')}} ]`
}

function body(values: readonly number[], sizes: readonly number[]): string {
  if (values.length === 0) return ''
  if (sizes.length === 0) return `${formatGeneral(values[0]!, 6)}\n`
  if (sizes.length === 1) {
    const { scale, width, format } = formatOf(values)
    return scaleLine(scale) + values.map((value) => `${format(value / scale).padStart(width)}\n`).join('')
  }
  const [rows, columns] = sizes.slice(-2) as [number, number]
  if (sizes.length === 2) return matrix(values, rows, columns, 0)
  // The first dimensions, of which the first one runs fastest.
  const outer = sizes.slice(0, -2)
  const pages: string[] = []
  const count = values.length / (rows * columns)
  for (let page = 0; page < count; page++) {
    let rest = page
    const at = outer.map((size) => {
      const index = rest % size
      rest = Math.floor(rest / size)
      return index
    })
    const begin = at.reduce((sum, index, dim) => sum * outer[dim]! + index, 0) * rows * columns
    const title = at.map((index) => `${index + 1},`).join('')
    pages.push(`(${title}.,.) = \n${matrix(values.slice(begin, begin + rows * columns), rows, columns, 1)}`)
  }
  return pages.join('\n')
}

function matrix(values: readonly number[], rows: number, columns: number, indent: number): string {
  const { scale, width, format } = formatOf(values)
  const space = ' '.repeat(indent)
  const perLine = Math.floor((LINE - indent) / (width + 1))
  let text = space
  for (let first = 0; first < columns; first += perLine) {
    const last = Math.min(first + perLine, columns)
    if (perLine < columns) text += `${first > 0 ? '\n' : ''}Columns ${first + 1} to ${last}${space}`
    if (scale !== 1) text += scaleLine(scale) + space
    const lines = Array.from({ length: rows }, (_, row) =>
      `${values.slice(row * columns + first, row * columns + last).map((value) => format(value / scale).padStart(width)).join(' ')}\n`)
    text += lines.join(scale === 1 ? space : `${space} `)
  }
  return text
}

const scaleLine = (scale: number): string => scale === 1 ? '' : `${formatGeneral(scale, 6)} *\n`

const scientific = (value: number): string => formatScientific(value, 4)
const general = (value: number): string => formatGeneral(value, 6)
const fixed = (value: number): string => Number.isFinite(value) ? value.toFixed(4) : general(value)
/** Digits before the dot. */
const digits = (value: number): number => value === 0 ? 1 : Math.floor(Math.log10(value)) + 1

/** How all numbers of a matrix are written. */
function formatOf(values: readonly number[]): { scale: number; width: number; format: (value: number) => string } {
  const finite = values.filter(Number.isFinite)
  const least = finite.length > 0 ? digits(finite.reduce((a, b) => Math.min(a, Math.abs(b)), Infinity)) : 1
  const most = finite.length > 0 ? digits(finite.reduce((a, b) => b > a ? Math.abs(b) : a, Math.abs(finite[0]!))) : 1
  const whole = finite.every(Number.isInteger)
  if (whole && most <= 9) return { scale: 1, width: most + 1, format: general }
  if (whole) return { scale: 1, width: 11, format: scientific }
  if (most - least > 4) return { scale: 1, width: Math.abs(most) > 99 || Math.abs(least) > 99 ? 12 : 11, format: scientific }
  if (most > 5 || most < 0) return { scale: 10 ** (most - 1), width: 7, format: fixed }
  return { scale: 1, width: most === 0 ? 7 : most + 6, format: fixed }
}
