import { forEachOffset, type Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import type { Dtype, Tensor } from '../tensor.ts'
import { type Results, results } from '../values.ts'
import { createElements, gather, isFloating, scatter } from './elements.ts'
import { wrapDim, write } from './fold.ts'
import { canCast, dtypeOf } from './promotion.ts'

// Running sums, products and extremes along a dimension: at::native's ReduceOps.cpp.

/** Replaces the elements of one row, which are doubles or bigints, and may note positions. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- numbers or bigints
type Scan = (row: any[] | Float64Array | BigInt64Array, positions: Float64Array) => void

/** Scans all rows along a dimension; also returns the positions that were noted. */
function scan(m: Machine, self: Tensor, dim: bigint, dtype: Dtype, run: Scan, positions: boolean = false): [Tensor, Tensor | undefined] {
  m.plain(self)
  const at = wrapDim(m, dim, self.dim)
  const result = m.empty(self.sizes, dtype)
  const noted = positions ? m.empty(self.sizes, 'int64') : undefined
  const length = self.sizes[at] ?? 1
  const others = <T>(list: readonly T[]): T[] => list.filter((_, i) => i !== at)
  const [from, to] = [self.strides[at] ?? 0, result.strides[at] ?? 0]
  const read = createElements(dtype, length)
  const row = isFloating(dtype) ? new Float64Array(length) : new BigInt64Array(length)
  const places = new Float64Array(length)
  if (self.numel === 0) return [result, noted]
  forEachOffset(others(self.sizes), [others(self.strides), others(result.strides)], ([source, target]) => {
    gather(m, self.dtype, m.index(self) + source!, from, read, length)
    row.set(read as never)
    run(row, places)
    scatter(m, dtype, m.index(result) + target!, to, row, length)
    if (noted) scatter(m, 'int64', m.index(noted) + target!, to, places, length)
  })
  return [result, noted]
}

const SUM: Scan = (row) => { for (let i = 1; i < row.length; i++) row[i] += row[i - 1] }
const PRODUCT: Scan = (row) => { for (let i = 1; i < row.length; i++) row[i] *= row[i - 1] }
const LOG_SUM: Scan = (row) => {
  for (let i = 1; i < row.length; i++) {
    const [a, b] = [row[i - 1] as number, row[i] as number]
    const largest = Math.max(a, b)
    row[i] = Math.abs(largest) === Infinity ? largest : largest + Math.log1p(Math.exp(-Math.abs(a - b)))
  }
}

/** The last of equal extremes, and the last NaN, are the ones whose positions count. */
const extreme = (isBetter: (x: number, known: number) => boolean): Scan => (row, positions) => {
  let best = 0
  for (let i = 0; i < row.length; i++) {
    if (row[i] !== row[i] || isBetter(row[i] as number, row[best] as number)) best = i
    row[i] = row[best]
    positions[i] = best
  }
}

/** A scan whose ints are summed as int64; the result in place has the tensor's own type. */
function sums(name: string, run: Scan): OperatorTable {
  const forward = (m: Machine, self: Tensor, dim: bigint, code: bigint | null): Tensor =>
    scan(m, self, dim, dtypeOf(m, code, isFloating(self.dtype) ? self.dtype : 'int64'), run)[0]
  return {
    [`aten::${name}(self, dim, dtype=None)`]: forward,
    [`aten::${name}.out(self, dim, dtype=None, out!)`]: (m, self, dim, code, out: Tensor) => write(m, forward(m, self, dim, code), out),
    [`aten::${name}_(self, dim, dtype=None)`]: (m, self: Tensor, dim, code: bigint | null) => {
      const dtype = dtypeOf(m, code, self.dtype)
      if (!canCast(dtype, self.dtype) || dtype !== self.dtype) {
        throw m.fail(`provided dtype must match the dtype of self tensor in ${name}. Got ${self.dtype} and ${dtype}.`)
      }
      return write(m, scan(m, self, dim, self.dtype, run)[0], self)
    },
  }
}

const both = (run: Scan) => (m: Machine, self: Tensor, dim: bigint): Results => {
  const [values, positions] = scan(m, self, dim, self.dtype, run, true)
  return results(values, positions!)
}

const family: Family = {
  name: 'scan',
  operators: {
    ...sums('cumsum', SUM),
    ...sums('cumprod', PRODUCT),
    'aten::logcumsumexp(self, dim)': (m, self: Tensor, dim) => scan(m, self, dim, self.dtype, LOG_SUM)[0],
    'aten::cummax(self, dim)': both(extreme((x, known) => x >= known)),
    'aten::cummin(self, dim)': both(extreme((x, known) => x <= known)),
  },
}

export default family
