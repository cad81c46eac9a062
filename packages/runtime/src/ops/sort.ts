import { moveKernels } from '../kernels/vector.ts'
import type { Machine, View } from '../machine.ts'
import type { Family, Implementation, OperatorTable } from '../operator.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { results, type Results } from '../values.ts'
import { orderOf, type Rows, rowsOf } from './ordering.ts'
import { pick, pickRows } from './picking.ts'
import quantiles from './quantiles.ts'
import { filled, fromIntegers } from './reading.ts'
import { flatten, type Int, moveDims, select, wrapDim } from './views.ts'

/** Some places of each row: their values, and the places themselves, with the dimension back where it was. */
function picked(m: Machine, rows: Rows, perRow: number, places: (begin: number) => ArrayLike<number>): [values: Tensor, indices: Tensor] {
  const { source, count, length, restore } = rows
  const sizes = source.dim === 0 ? [] : [...source.sizes.slice(0, -1), perRow]
  const indices = new Int32Array(count * perRow)
  for (let row = 0; row < count; row++) indices.set(places(row * length), row * perRow)
  const offsets = indices.map((index, i) => Math.floor(i / perRow) * length + index)
  const values = pick(m, source, { sizes, offsets: numelOf(sizes) === 0 ? new Int32Array(0) : offsets, block: 1 })
  return [restore(values), restore(fromIntegers(m, indices, sizes))]
}

function sort(m: Machine, tensor: Tensor, dim: Int, descending: boolean): Results {
  const rows = rowsOf(m, tensor, dim)
  return results(...picked(m, rows, rows.length, (begin) => orderOf(rows.values, begin, rows.length, descending)))
}

const valuesOf = ({ values }: Results): Tensor => values[0] as Tensor
const indicesOf = ({ values }: Results): Tensor => values[1] as Tensor

function topk(m: Machine, tensor: Tensor, k: Int, dim: Int, largest: boolean): Results {
  const rows = rowsOf(m, tensor, dim)
  const count = Number(k)
  if (count < 0 || count > rows.length) throw m.fail('selected index k out of range')
  return results(...picked(m, rows, count, (begin) => orderOf(rows.values, begin, rows.length, largest).subarray(0, count)))
}

/** The place of an element of a row. */
type Choice = (values: View, begin: number, length: number) => number

/** One element of each row, with or without the dimension. */
function chosen(m: Machine, tensor: Tensor, dim: Int, keep: boolean, choose: Choice): Results {
  const rows = rowsOf(m, tensor, dim)
  if (rows.length === 0) throw m.fail(`Expected reduction dim ${dim} to have non-zero size.`)
  const both = picked(m, rows, 1, (begin) => [choose(rows.values, begin, rows.length)])
  return results(...keep || tensor.dim === 0 ? both : both.map((each) => select(m, each, dim, 0)))
}

/** How many of a sorted row are numbers; those that are none come last. */
function countNumbers(values: View, begin: number, order: Int32Array): number {
  let count = order.length
  while (count > 0 && Number.isNaN(values[begin + order[count - 1]!]!)) count--
  return count
}

/** The lower of two medians; NaN where there is one, unless they are left out. */
const median = (skip: boolean): Choice => (values, begin, length) => {
  const order = orderOf(values, begin, length, false)
  const count = countNumbers(values, begin, order)
  return order[skip ? (count > 0 ? (count - 1) >> 1 : 0) : count < length ? count : (length - 1) >> 1]!
}

/** The least of the elements that occur most often. */
function mode(values: View, begin: number, length: number): number {
  const order = orderOf(values, begin, length, false)
  let [best, most, run] = [0, 0, 0]
  order.forEach((place, i) => {
    run = i > 0 && values[begin + place] === values[begin + order[i - 1]!] ? run + 1 : 1
    if (i + 1 < length && values[begin + place] === values[begin + order[i + 1]!]) return
    if (run > most) [best, most] = [place, run]
  })
  return best
}

function overall(m: Machine, tensor: Tensor, skip: boolean): Tensor {
  if (tensor.numel === 0) return filled(m, [], tensor.dtype, NaN)
  return valuesOf(chosen(m, flatten(m, tensor), 0, false, median(skip)))
}

/** What is the same falls into one group. */
interface Groups {
  /** One of each group, in order. */
  readonly firsts: number[]
  /** The group of each element. */
  readonly groups: Int32Array
  readonly counts: number[]
}

function grouped(order: ArrayLike<number>, same: (a: number, b: number) => boolean): Groups {
  const firsts: number[] = []
  const counts: number[] = []
  const groups = new Int32Array(order.length)
  for (let i = 0; i < order.length; i++) {
    if (i === 0 || !same(order[i - 1]!, order[i]!)) {
      firsts.push(order[i]!)
      counts.push(0)
    }
    counts[counts.length - 1]!++
    groups[order[i]!] = firsts.length - 1
  }
  return { firsts, groups, counts }
}

/** Different elements of a tensor; of neighbours alone where it is not to be sorted. */
function unique(m: Machine, tensor: Tensor, sorts: boolean, inverse: boolean, counted: boolean): Results {
  const { source, values, length } = rowsOf(m, flatten(m, tensor), 0)
  const order = sorts ? orderOf(values, 0, length, false) : Int32Array.from({ length }, (_, i) => i)
  const { firsts, groups, counts } = grouped(order, (a, b) => values[a] === values[b])
  return results(
    pickRows(m, source, 0, Int32Array.from(firsts)),
    // PyTorch needs them for counts.
    inverse || (sorts && counted) ? fromIntegers(m, groups, tensor.sizes) : fromIntegers(m, []),
    counted ? fromIntegers(m, counts) : fromIntegers(m, []),
  )
}

/** Different slices of a dimension. */
function uniqueSlices(m: Machine, tensor: Tensor, dim: Int, sorts: boolean): Results {
  const at = wrapDim(m, dim, tensor.dim)
  const length = tensor.sizes[at]!
  const { values } = rowsOf(m, flatten(m, moveDims(m, tensor, [at], [0])), 0)
  const size = tensor.numel / Math.max(length, 1)
  const compare = (a: number, b: number): number => {
    for (let i = 0; i < size; i++) {
      const [left, right] = [values[a * size + i]!, values[b * size + i]!]
      if (left !== right) return left < right ? -1 : 1
    }
    return 0
  }
  const order = Array.from({ length }, (_, i) => i)
  if (sorts) order.sort(compare)
  const { firsts, groups, counts } = grouped(order, (a, b) => compare(a, b) === 0)
  return results(pickRows(m, tensor, at, Int32Array.from(firsts)), fromIntegers(m, groups), fromIntegers(m, counts))
}

function named(table: OperatorTable): OperatorTable {
  return Object.fromEntries(Object.entries(table).map(([schema, run]) => [`aten::${schema}`, run]))
}

const stable = (run: (m: Machine, tensor: Tensor, dim: Int, descending: boolean) => Tensor | Results): Implementation =>
  (m, tensor: Tensor, _stable: unknown, dim: Int, descending: boolean) => run(m, tensor, dim, descending)

const argsort = (m: Machine, tensor: Tensor, dim: Int, descending: boolean): Tensor => indicesOf(sort(m, tensor, dim, descending))

const family: Family = {
  name: 'sort',
  kernels: [moveKernels],
  operators: {
    ...quantiles,
    ...named({
      'sort(self, dim=-1, descending=False)': sort,
      'sort.stable(self, stable, dim=-1, descending=False)': stable(sort),
      'argsort(self, dim=-1, descending=False)': argsort,
      'argsort.stable(self, stable, dim=-1, descending=False)': stable(argsort),
      'msort(self)': (m, tensor: Tensor) => valuesOf(sort(m, tensor, 0, false)),
      'topk(self, k, dim=-1, largest=True, sorted=True)': topk,
      'kthvalue(self, k, dim=-1, keepdim=False)': (m, tensor: Tensor, k: Int, dim: Int, keep: boolean) =>
        chosen(m, tensor, dim, keep, (values, begin, length) => {
          if (k < 1 || k > length) throw m.fail('selected number k out of range for dimension')
          return orderOf(values, begin, length, false)[Number(k) - 1]!
        }),
      'median(self)': (m, tensor: Tensor) => overall(m, tensor, false),
      'nanmedian(self)': (m, tensor: Tensor) => overall(m, tensor, true),
      'median.dim(self, dim, keepdim=False)': (m, tensor: Tensor, dim: Int, keep: boolean) => chosen(m, tensor, dim, keep, median(false)),
      'nanmedian.dim(self, dim, keepdim=False)': (m, tensor: Tensor, dim: Int, keep: boolean) => chosen(m, tensor, dim, keep, median(true)),
      'mode(self, dim=-1, keepdim=False)': (m, tensor: Tensor, dim: Int, keep: boolean) => chosen(m, tensor, dim, keep, mode),
      '_unique(self, sorted=True, return_inverse=False)': (m, tensor: Tensor, _sorted: boolean, inverse: boolean) =>
        results(...unique(m, tensor, true, inverse, false).values.slice(0, 2)),
      '_unique2(self, sorted=True, return_inverse=False, return_counts=False)':
        (m, tensor: Tensor, _sorted: boolean, inverse: boolean, counts: boolean) => unique(m, tensor, true, inverse, counts),
      'unique_dim(self, dim, sorted=True, return_inverse=False, return_counts=False)':
        (m, tensor: Tensor, dim: Int) => uniqueSlices(m, tensor, dim, true),
      'unique_consecutive(self, return_inverse=False, return_counts=False, dim=None)':
        (m, tensor: Tensor, inverse: boolean, counts: boolean, dim: Int | null) => dim === null
          ? unique(m, tensor, false, inverse, counts)
          : uniqueSlices(m, tensor, dim, false),
      'unique_dim_consecutive(self, dim, return_inverse=False, return_counts=False)': (m, tensor: Tensor, dim: Int) =>
        uniqueSlices(m, tensor, dim, false),
    }),
  },
}

export default family
