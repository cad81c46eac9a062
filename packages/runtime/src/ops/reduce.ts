import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import type { Dtype, Tensor } from '../tensor.ts'
import { type Results, results, type Scalar } from '../values.ts'
import { isFloating } from './elements.ts'
import { fold, foldedCount, reducedDims, reducedSizes, type State, type Step, toTensor, write } from './fold.ts'
import { dtypeOf, floatType } from './promotion.ts'

// Reductions other than sums: at::native's ReduceOps.cpp and ReduceAllOps.cpp.

/** Adds to a slot of floats. */
function addTo(value: State['value'], at: number, x: number): void {
  (value as Float64Array)[at]! += x
}

type Dims = readonly bigint[] | null

/** The first greatest or smallest element and its position; the first NaN where there is one. */
const EXTREMES: Readonly<Record<'max' | 'min', Step>> = {
  max: (state, at, x, position) => {
    const known = state.value[at]!
    if (position === 0 || (known === known && !(x <= known))) setExtreme(state, at, x, position)
  },
  min: (state, at, x, position) => {
    const known = state.value[at]!
    if (position === 0 || (known === known && !(x >= known))) setExtreme(state, at, x, position)
  },
}

function setExtreme(state: State, at: number, x: number | bigint, position: number): void {
  state.value[at] = x
  state.other[at] = position
}

function needElements(m: Machine, self: Tensor, reduced: readonly boolean[]): void {
  if (foldedCount(self, reduced) === 0) {
    throw m.fail('Expected reduction dim to be specified, and to have elements.')
  }
}

function extreme(m: Machine, step: Step, self: Tensor, dims: Dims, keep: boolean): { sizes: number[]; state: State } {
  const reduced = reducedDims(m, dims, self.dim)
  needElements(m, self, reduced)
  return { sizes: reducedSizes(self.sizes, reduced, keep), state: fold(m, self, reduced, self.dtype, step) }
}

/** `max`, `max.dim`, `amax` and `argmax`, or those of `min`. */
function extremes(name: 'max' | 'min'): OperatorTable {
  const step = EXTREMES[name]
  const values = (m: Machine, self: Tensor, dims: Dims, keep: boolean, out?: Tensor): Tensor => {
    const { sizes, state } = extreme(m, step, self, dims, keep)
    return toTensor(m, state.value, sizes, self.dtype, out)
  }
  const both = (m: Machine, self: Tensor, dim: bigint, keep: boolean): Results => {
    const { sizes, state } = extreme(m, step, self, [dim], keep)
    return results(toTensor(m, state.value, sizes, self.dtype), toTensor(m, state.other, sizes, 'int64'))
  }
  const position = (m: Machine, self: Tensor, dim: bigint | null, keep: boolean, out?: Tensor): Tensor => {
    const { sizes, state } = extreme(m, step, self, dim === null ? null : [dim], keep && dim !== null)
    // Without a dimension, keepdim keeps all of them.
    return toTensor(m, state.other, keep && dim === null ? self.sizes.map(() => 1) : sizes, 'int64', out)
  }
  return {
    [`aten::${name}(self)`]: (m, self: Tensor) => {
      if (self.numel === 0) {
        throw m.fail(`${name}(): Expected reduction dim to be specified for input.numel() == 0.`)
      }
      return values(m, self, null, false)
    },
    [`aten::${name}.dim(self, dim, keepdim=False)`]: both,
    [`aten::${name}.dim_${name}(self, dim, keepdim=False, ${name}!, indices!)`]: (m, self, dim, keep, out: Tensor, indices: Tensor) => {
      const [a, b] = both(m, self, dim, keep).values as [Tensor, Tensor]
      return results(write(m, a, out), write(m, b, indices))
    },
    [`aten::a${name}(self, dim=[], keepdim=False)`]: values,
    [`aten::a${name}.out(self, dim=[], keepdim=False, out!)`]: values,
    [`aten::arg${name}(self, dim=None, keepdim=False)`]: position,
    [`aten::arg${name}.out(self, dim=None, keepdim=False, out!)`]: position,
  }
}

function smallestAndLargest(m: Machine, self: Tensor, dim: bigint | null, keep: boolean): Results {
  const [low, high] = [EXTREMES.min, EXTREMES.max].map((step) => {
    const { sizes, state } = extreme(m, step, self, dim === null ? null : [dim], keep)
    return toTensor(m, state.value, sizes, self.dtype)
  })
  return results(low!, high!)
}

/** A reduction to another type; `finish` makes the result of a slot. */
function reduce(
  m: Machine, self: Tensor, dims: Dims, keep: boolean, dtype: Dtype, step: Step,
  finish?: (state: State, at: number) => number, compute: Dtype = dtype,
): Tensor {
  const reduced = reducedDims(m, dims, self.dim)
  const state = fold(m, self, reduced, compute, step)
  if (finish) for (let at = 0; at < state.value.length; at++) state.other[at] = finish(state, at)
  return toTensor(m, finish ? state.other : state.value, reducedSizes(self.sizes, reduced, keep), dtype)
}

/** What is not 0 is true, NaN included. */
const counts: Step = (state, at, x) => { if (x != 0) state.other[at]!++ }

/** `all` and `any`; of uint8 they are uint8. */
function logic(name: string, finish: (count: number, all: number) => boolean): OperatorTable {
  const run = (m: Machine, self: Tensor, dims: Dims, keep: boolean): Tensor => {
    const all = foldedCount(self, reducedDims(m, dims, self.dim))
    const dtype = self.dtype === 'uint8' ? 'uint8' : 'bool'
    return reduce(m, self, dims, keep, dtype, counts, ({ other }, at) => Number(finish(other[at]!, all)), self.dtype)
  }
  return {
    [`aten::${name}(self)`]: (m, self) => run(m, self, null, false),
    [`aten::${name}.dim(self, dim, keepdim=False)`]: (m, self, dim: bigint, keep) => run(m, self, [dim], keep),
    [`aten::${name}.dims(self, dim=None, keepdim=False)`]: run,
    [`aten::${name}.out(self, dim, keepdim=False, out!)`]: (m, self, dim: bigint, keep, out) => write(m, run(m, self, [dim], keep), out),
  }
}

const times: Step = (state, at, x, position) => { state.value[at] = position === 0 ? x : x * (state.value[at] as number) }

function product(m: Machine, self: Tensor, dims: Dims, keep: boolean, code: bigint | null): Tensor {
  const dtype = dtypeOf(m, code, isFloating(self.dtype) ? self.dtype : 'int64')
  return reduce(m, self, dims, keep, dtype, times, self.numel > 0 ? undefined : () => 1)
}

/** Mean and sum of squared distances from it, by Welford's recurrence. */
const spread: Step = ({ value, other }, at, x: number, position) => {
  const known = other[at]!
  const mean = known + (x - known) / (position + 1)
  other[at] = mean
  addTo(value, at, (x - known) * (x - mean))
}

function moments(m: Machine, self: Tensor, dims: Dims, correction: number, keep: boolean, root: boolean): [Tensor, Tensor] {
  if (!isFloating(self.dtype)) throw m.fail(`std and var only support floating point and complex dtypes`)
  const reduced = reducedDims(m, dims, self.dim)
  const { value, other } = fold(m, self, reduced, self.dtype, spread)
  const count = foldedCount(self, reduced)
  const variance = (value as Float64Array).map((sum) => count === 0 ? NaN : sum / Math.max(count - correction, 0))
  const sizes = reducedSizes(self.sizes, reduced, keep)
  if (count === 0) other.fill(NaN)
  return [toTensor(m, root ? variance.map(Math.sqrt) : variance, sizes, self.dtype), toTensor(m, other, sizes, self.dtype)]
}

type Deviation = (m: Machine, self: Tensor, dims: Dims, correction: number, keep: boolean) => Tensor | Results

const deviationForms = (run: Deviation, name: string): OperatorTable => ({
  [`aten::${name}(self, unbiased=True)`]: (m, self, unbiased) => run(m, self, null, Number(unbiased), false),
  [`aten::${name}.dim(self, dim, unbiased=True, keepdim=False)`]: (m, self, dims, unbiased, keep) =>
    run(m, self, dims, Number(unbiased), keep),
  [`aten::${name}.correction(self, dim=None, correction=None, keepdim=False)`]: (m, self, dims, correction: Scalar | null, keep) =>
    run(m, self, dims, Number(correction ?? 1), keep),
})

/** `var` and `var_mean`, or those of `std`. */
function deviations(name: string, root: boolean): OperatorTable {
  return {
    ...deviationForms((m, self, dims, correction, keep) => moments(m, self, dims, correction, keep, root)[0], name),
    ...deviationForms((m, self, dims, correction, keep) => results(...moments(m, self, dims, correction, keep, root)), `${name}_mean`),
  }
}

/** The p-norm of vectors. */
export function norm(m: Machine, self: Tensor, order: Scalar | null, dims: Dims, keep: boolean, code: bigint | null = null): Tensor {
  const p = Number(order ?? 2)
  const dtype = dtypeOf(m, code, self.dtype)
  if (!isFloating(dtype)) throw m.fail(`norm(): input dtype should be either floating point or complex. Got ${dtype} instead.`)
  if (Math.abs(p) === Infinity) {
    if (p < 0 || self.numel === 0) needElements(m, self, reducedDims(m, dims, self.dim))
    const step = EXTREMES[p > 0 ? 'max' : 'min']
    return reduce(m, self, dims, keep, dtype, (state, at, x: number, position) => step(state, at, Math.abs(x), position))
  }
  if (p < 0) needElements(m, self, reducedDims(m, dims, self.dim))
  const powers: Readonly<Record<number, (x: number) => number>> = { 0: (x) => Number(x !== 0), 1: Math.abs, 2: (x) => x * x }
  const power = powers[p] ?? ((x: number): number => Math.abs(x) ** p)
  const step: Step = (state, at, x) => addTo(state.value, at, power(x))
  return reduce(m, self, dims, keep, dtype, step, ({ value }, at) => {
    const sum = value[at] as number
    return p === 2 ? Math.sqrt(sum) : p === 0 || p === 1 ? sum : sum ** (1 / p)
  })
}

/** The largest element and the sum of e^(x - largest), as they come. */
const logSum: Step = ({ value, other }, at, x: number, position) => {
  const largest = position === 0 ? -Infinity : value[at] as number
  if (x > largest) {
    other[at] = other[at]! * Math.exp(largest - x) + 1
    value[at] = x
  } else {
    if (position === 0) value[at] = largest
    other[at]! += x === largest ? Number(x !== -Infinity) : x === -Infinity ? 0 : Math.exp(x - largest)
  }
}

function logSumExp(m: Machine, self: Tensor, dims: Dims, keep: boolean): Tensor {
  if (self.numel === 0) return reduce(m, self, dims, keep, floatType(self.dtype), logSum, () => -Infinity)
  return reduce(m, self, dims, keep, floatType(self.dtype), logSum, ({ value, other }, at) => (value[at] as number) + Math.log(other[at]!))
}

/** Sum and count of what is not NaN. */
const numbersOnly: Step = ({ value, other }, at, x: number) => {
  if (x !== x) return
  addTo(value, at, x)
  other[at]!++
}

const sumOfNumbers = (isMean: boolean) => (m: Machine, self: Tensor, dims: Dims, keep: boolean, code: bigint | null): Tensor => {
  const dtype = dtypeOf(m, code, isFloating(self.dtype) ? self.dtype : 'int64')
  return reduce(m, self, dims, keep, dtype, numbersOnly, isMean ? ({ value, other }, at) => (value[at] as number) / other[at]! : undefined)
}

const family: Family = {
  name: 'reduce',
  operators: {
    ...extremes('max'),
    ...extremes('min'),
    'aten::aminmax(self, dim=None, keepdim=False)': smallestAndLargest,
    ...logic('all', (count, all) => count === all),
    ...logic('any', (count) => count > 0),
    'aten::prod(self, dtype=None)': (m, self, dtype) => product(m, self, null, false, dtype),
    'aten::prod.dim_int(self, dim, keepdim=False, dtype=None)': (m, self, dim: bigint, keep, dtype) => product(m, self, [dim], keep, dtype),
    ...deviations('var', false),
    ...deviations('std', true),
    'aten::norm.Scalar(self, p=2)': (m, self, p) => norm(m, self, p, null, false),
    'aten::norm.ScalarOpt_dtype(self, p, dtype)': (m, self, p, dtype) => norm(m, self, p, null, false, dtype),
    'aten::norm.ScalarOpt_dim(self, p, dim, keepdim=False)': norm,
    'aten::norm.ScalarOpt_dim_dtype(self, p, dim, keepdim, dtype)': norm,
    'aten::linalg_vector_norm(self, ord=2, dim=None, keepdim=False, dtype=None)': norm,
    'aten::linalg_norm(self, ord=None, dim=None, keepdim=False, dtype=None)': (m, self: Tensor, order, dims: Dims, keep, dtype) => {
      if (order !== null && (dims ? dims.length : self.dim) > 1) throw m.unsupported('a norm of matrices')
      return norm(m, self, order, dims, keep, dtype)
    },
    'aten::frobenius_norm(self)': (m, self) => norm(m, self, 2, null, false),
    'aten::frobenius_norm.dim(self, dim, keepdim=False)': (m, self, dims, keep) => norm(m, self, 2, dims, keep),
    'aten::logsumexp(self, dim, keepdim=False)': logSumExp,
    'aten::nansum(self, dim=None, keepdim=False, dtype=None)': sumOfNumbers(false),
    'aten::nanmean(self, dim=None, keepdim=False, dtype=None)': sumOfNumbers(true),
    'aten::count_nonzero(self, dim=None)': (m, self, dim: bigint | null) =>
      reduce(m, self, dim === null ? null : [dim], false, 'int64', counts, ({ other }, at) => other[at]!, self.dtype),
    'aten::count_nonzero.dim_IntList(self, dim)': (m, self, dims) =>
      reduce(m, self, dims, false, 'int64', counts, ({ other }, at) => other[at]!, self.dtype),
  },
}

export default family
