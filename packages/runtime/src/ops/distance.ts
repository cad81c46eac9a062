import { dense } from '../kernels/dense.ts'
import { softmaxKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { type Dtype, numelOf, type Tensor } from '../tensor.ts'
import { broadcast } from './dense/batch.ts'
import { isFloating } from './elements.ts'
import { requireFit, wrapDim } from './nn/arguments.ts'
import { expanded } from './nn/attending.ts'
import { fromNumbers, toNumbers } from './nn/numbers.ts'
import { resultType } from './promotion.ts'

const asIs = (sum: number): number => sum

/** Adds up differences for a norm, and ends it. */
function normOf(p: number): { add: (sum: number, difference: number) => number; end: (sum: number) => number } {
  if (p === 0) return { add: (sum, d) => sum + Number(d !== 0), end: asIs }
  if (p === 1) return { add: (sum, d) => sum + Math.abs(d), end: asIs }
  if (p === 2) return { add: (sum, d) => sum + d * d, end: Math.sqrt }
  if (p === Infinity) return { add: (sum, d) => Math.max(sum, Math.abs(d)), end: asIs }
  return { add: (sum, d) => sum + Math.abs(d) ** p, end: (sum) => sum ** (1 / p) }
}

function commonFloat(m: Machine, a: Tensor, b: Tensor): Dtype {
  const dtype = resultType([a, b])
  if (!isFloating(dtype)) throw m.fail(`expected floating point tensors, got ${a.dtype} and ${b.dtype}`)
  return dtype
}

/** Distances between all rows of both, in each of a batch: `[…, P, M]` and `[…, R, M]` to `[…, P, R]`. */
function cdist(m: Machine, a: Tensor, b: Tensor, p: number): Tensor {
  const dtype = commonFloat(m, a, b)
  requireFit(m, a.dim > 1 && b.dim > 1 && a.sizes.at(-1) === b.sizes.at(-1), a, b)
  if (p < 0) throw m.fail('cdist only supports non-negative p values')
  const batch = broadcast(m, a.sizes.slice(0, -2), b.sizes.slice(0, -2))
  const [rows, width] = a.sizes.slice(-2) as [number, number]
  const columns = b.sizes.at(-2)!
  const x = toNumbers(m, expanded(m, a, [...batch, rows, width]))
  const y = toNumbers(m, expanded(m, b, [...batch, columns, width]))
  const sizes = [...batch, rows, columns]
  const { add, end } = normOf(p)
  const values = new Float64Array(numelOf(sizes))
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor(i / columns)
    const from = (Math.floor(row / rows) * columns + i % columns) * width
    let sum = 0
    for (let k = 0; k < width; k++) sum = add(sum, x[row * width + k]! - y[from + k]!)
    values[i] = end(sum)
  }
  return fromNumbers(m, dtype, sizes, values)
}

/** Both tensors broadcast to one another, as rows along a dimension. */
function rowsOf(
  m: Machine, a: Tensor, b: Tensor, dim: bigint,
): { sizes: number[]; along: number; inner: number; x: Float64Array; y: Float64Array } {
  const sizes = broadcast(m, a.sizes, b.sizes)
  const along = wrapDim(m, dim, sizes.length)
  const [x, y] = [toNumbers(m, expanded(m, a, sizes)), toNumbers(m, expanded(m, b, sizes))]
  return { sizes, along, inner: numelOf(sizes.slice(along + 1)), x, y }
}

/** Visits the first element of every row along a dimension. */
function forEachRow(count: number, size: number, inner: number, visit: (first: number, row: number) => void): void {
  const rows = size === 0 ? 0 : count / size
  for (let row = 0; row < rows; row++) visit(Math.floor(row / inner) * size * inner + row % inner, row)
}

function pairwise(m: Machine, a: Tensor, b: Tensor, p: number, epsilon: number, keep: boolean): Tensor {
  const { sizes, x, y } = rowsOf(m, a, b, -1n)
  const width = sizes.at(-1) ?? 1
  const { add, end } = normOf(p)
  const outer = sizes.slice(0, -1)
  const values = new Float64Array(numelOf(outer))
  forEachRow(x.length, width, 1, (first, row) => {
    let sum = 0
    for (let i = first; i < first + width; i++) sum = add(sum, x[i]! - y[i]! + epsilon)
    values[row] = end(sum)
  })
  return fromNumbers(m, commonFloat(m, a, b), keep ? [...outer, 1] : outer, values)
}

function cosine(m: Machine, a: Tensor, b: Tensor, dim: bigint, epsilon: number): Tensor {
  const { sizes, along, inner, x, y } = rowsOf(m, a, b, dim)
  const size = sizes[along] ?? 1
  const rest = sizes.filter((_, i) => i !== along)
  const values = new Float64Array(numelOf(rest))
  forEachRow(x.length, size, inner, (first, row) => {
    let [product, xx, yy] = [0, 0, 0]
    for (let i = first; i < first + size * inner; i += inner) {
      product += x[i]! * y[i]!
      xx += x[i]! ** 2
      yy += y[i]! ** 2
    }
    values[row] = product / (Math.max(Math.sqrt(xx), epsilon) * Math.max(Math.sqrt(yy), epsilon))
  })
  return fromNumbers(m, commonFloat(m, a, b), rest, values)
}

/** Without a dimension, it is the first one of size 3. */
function cross(m: Machine, a: Tensor, b: Tensor, dim: bigint | null): Tensor {
  const chosen = dim ?? BigInt(a.sizes.indexOf(3))
  requireFit(m, dim !== null || a.sizes.includes(3), a)
  const { sizes, along, inner, x, y } = rowsOf(m, a, b, chosen)
  requireFit(m, sizes[along] === 3, a, b)
  const values = new Float64Array(x.length)
  forEachRow(x.length, 3, inner, (first) => {
    for (let i = 0; i < 3; i++) {
      const [j, k] = [first + (i + 1) % 3 * inner, first + (i + 2) % 3 * inner]
      values[first + i * inner] = x[j]! * y[k]! - x[k]! * y[j]!
    }
  })
  return fromNumbers(m, resultType([a, b]), sizes, values)
}

const operators: OperatorTable = {
  'aten::cdist(x1, x2, p=2., compute_mode=None)': cdist,
  'aten::_cdist_forward(x1, x2, p, compute_mode)': cdist,
  'aten::pairwise_distance(x1, x2, p=2., eps=9.9999999999999995e-07, keepdim=False)': pairwise,
  'aten::cosine_similarity(x1, x2, dim=1, eps=1e-08)': cosine,
  'aten::cross(self, other, dim=None)': cross,
  'aten::linalg_cross(self, other, dim=-1)': cross,
}

const family: Family = { name: 'distance', kernels: [dense, softmaxKernels], operators }

export default family
