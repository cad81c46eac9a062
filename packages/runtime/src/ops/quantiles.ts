import type { Machine } from '../machine.ts'
import type { OperatorTable } from '../operator.ts'
import { replaced, type Int, flatten, wrapDim } from './views.ts'
import { Tensor } from '../tensor.ts'
import { orderOf, rowsOf } from './ordering.ts'
import { cast, numbers } from './reading.ts'

/** Which of two neighbours, or what between them, a rank between both stands for: the part of the way from the lower one. */
const WAYS: Readonly<Record<string, (part: number, lower: number) => number>> = {
  linear: (part) => part,
  lower: () => 0,
  higher: (part) => part > 0 ? 1 : 0,
  midpoint: () => 0.5,
  nearest: (part, lower) => part > 0.5 || (part === 0.5 && lower % 2 === 1) ? 1 : 0,
}

function quantile(
  m: Machine, tensor: Tensor, q: Tensor | number, dim: Int | null, keep: boolean, interpolation: string, skip: boolean,
): Tensor {
  const way = WAYS[interpolation]
  if (!way) throw m.fail('quantile() interpolation must be one of linear, lower, higher, midpoint or nearest')
  const asked = q instanceof Tensor ? Array.from(numbers(m, q)) : [q]
  if (asked.some((each) => !(each >= 0 && each <= 1))) throw m.fail('quantile() q values must be in the range [0, 1]')
  const from = dim === null ? flatten(m, tensor) : tensor
  const at = wrapDim(m, dim ?? 0, from.dim)
  const { values, count, length } = rowsOf(m, from, at)
  if (length === 0) throw m.fail('quantile() input tensor must be non-empty')
  const round = tensor.dtype === 'float64' ? Number : Math.fround
  const answers = new Float64Array(asked.length * count)
  for (let row = 0; row < count; row++) {
    const order = orderOf(values, row * length, length, false)
    const element = (i: number): number => Number(values[row * length + order[i]!])
    let present = length
    while (present > 0 && Number.isNaN(element(present - 1))) present--
    asked.forEach((each, i) => {
      const rank = round(round(each) * ((skip ? Math.max(present, 1) : length) - 1))
      const lower = Math.floor(rank)
      const [a, b] = [element(lower), element(Math.min(lower + 1, length - 1))]
      const part = way(rank - lower, lower)
      answers[i * count + row] = present < length && !skip ? NaN : part === 0 ? a : part === 1 ? b : a + (b - a) * part
    })
  }
  // The row's dimension lies last in rows; transposition put the last one into its place.
  const sizes = dim === null ? (keep ? tensor.sizes.map(() => 1) : []) : keep ? replaced(from.sizes, at, 1) : replaced(from.sizes, at)
  const outer = q instanceof Tensor && q.dim > 0 ? [asked.length] : []
  return cast(m, m.tensor('float64', [...outer, ...sizes], reordered(answers, asked.length, from.sizes, at)), tensor.dtype)
}

/** Rows were counted with dimension `at` and the last one exchanged; gives them in the tensor's own order. */
function reordered(values: Float64Array, times: number, sizes: readonly number[], at: number): Float64Array {
  const last = sizes.length - 1
  if (at === last || last < 0) return values
  const count = values.length / times
  const rest = sizes.filter((_, dim) => dim !== at)
  const result = new Float64Array(values.length)
  // Order of the exchanged dimensions: all but `at`, with the last one standing at `at`.
  const exchanged = sizes.map((_, dim) => dim === at ? last : dim).slice(0, -1)
  for (let n = 0; n < count; n++) {
    let left = n
    const index: number[] = []
    for (let i = exchanged.length - 1; i >= 0; i--) {
      const dim = exchanged[i]!
      index[dim > at ? dim - 1 : dim] = left % sizes[dim]!
      left = Math.floor(left / sizes[dim]!)
    }
    const to = rest.reduce((sum, size, i) => sum * size + index[i]!, 0)
    for (let i = 0; i < times; i++) result[i * count + to] = values[i * count + n]!
  }
  return result
}

const table: OperatorTable = Object.fromEntries(['', 'nan'].flatMap((prefix) => ['', '.scalar'].map((overload) => [
  `aten::${prefix}quantile${overload}(self, q, dim=None, keepdim=False, interpolation="linear")`,
  (m: Machine, tensor: Tensor, q: Tensor | number, dim: Int | null, keep: boolean, interpolation: string) =>
    quantile(m, tensor, q, dim, keep, interpolation, prefix === 'nan'),
] as const)))

export default table
