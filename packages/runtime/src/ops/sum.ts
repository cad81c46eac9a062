import { sumsKernels } from '../kernels/vector.ts'
import { forEachOffset, type Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import { contiguousStrides, type Dtype, type Tensor } from '../tensor.ts'
import { isFloating } from './elements.ts'
import { fold, foldedCount, reducedDims, reducedSizes, split, toTensor, write } from './fold.ts'
import { dtypeOf } from './promotion.ts'

// Sums and means: at::native's ReduceOps.cpp.

const FLOAT = 4

function sum(m: Machine, self: Tensor, dims: readonly bigint[] | null, keep: boolean, code: bigint | null, out?: Tensor): Tensor {
  return total(m, self, dims, keep, dtypeOf(m, code, out?.dtype ?? (isFloating(self.dtype) ? self.dtype : 'int64')), false, out)
}

function mean(m: Machine, self: Tensor, dims: readonly bigint[] | null, keep: boolean, code: bigint | null, out?: Tensor): Tensor {
  const dtype = dtypeOf(m, code, self.dtype)
  if (!isFloating(dtype)) {
    throw m.fail(`mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${dtype}`)
  }
  return total(m, self, dims, keep, dtype, true, out)
}

function total(
  m: Machine, self: Tensor, dims: readonly bigint[] | null, keep: boolean, dtype: Dtype, isMean: boolean, out: Tensor | undefined,
): Tensor {
  const reduced = reducedDims(m, dims, self.dim)
  const sizes = reducedSizes(self.sizes, reduced, keep)
  const scale = isMean ? 1 / foldedCount(self, reduced) : 1
  if (dtype === 'float32' && self.dtype === 'float32' && self.numel > 0) {
    const result = m.empty(sizes)
    sumFloats(m, self, reduced, m.address(result), scale)
    return out ? write(m, result, out) : result
  }
  const { value } = fold(m, self, reduced, dtype, (state, at, element) => { state.value[at] += element })
  if (isMean) for (const [at, each] of value.entries()) value[at] = Number(each) * scale
  return toTensor(m, value, sizes, dtype, out)
}

/** Sums float32 to an address. */
function sumFloats(m: Machine, self: Tensor, reduced: readonly boolean[], to: number, scale: number): void {
  const { sumColumns, sumRows } = m.kernels['vector']!
  const [, channels] = self.sizes
  // Over all of each picture, whose channels lie together.
  if (m.isChannelsLast(self) && reduced.every((each, dim) => each === (dim > 1))) {
    const pixels = foldedCount(self, reduced)
    for (let n = 0; n < self.sizes[0]!; n++) {
      sumColumns!(to + FLOAT * n * channels!, m.address(self) + FLOAT * n * pixels * channels!, pixels, channels!, FLOAT * channels!, scale)
    }
    return
  }
  let [kept, gone] = split(m.plain(self), reduced)
  let from = m.address(self)
  const inRows = gone.strides.every((stride) => stride === 1)
  const inColumns = gone.sizes.length === 1 && (kept.strides.at(-1) ?? 1) === 1
  if (gone.sizes.length > 1 || !(inRows || inColumns)) {
    // The reduced dimensions are brought together.
    const order = [...keysOf(reduced, false), ...keysOf(reduced, true)]
    const pick = (list: readonly number[]): number[] => order.map((dim) => list[dim]!)
    const copy = m.copy(self.view(pick(self.sizes), pick(self.strides)))
    from = m.address(copy)
    const count = foldedCount(self, reduced)
    kept = { sizes: [self.numel / count], strides: [count] }
    gone = { sizes: [count], strides: [1] }
  }
  const count = gone.sizes[0] ?? 1
  const length = kept.sizes.at(-1) ?? 1
  const step = FLOAT * (kept.strides.at(-1) ?? 0)
  const outer = kept.sizes.slice(0, -1)
  const slots = contiguousStrides([...outer, length])
  forEachOffset(outer, [kept.strides, slots], ([at, slot]) => {
    const [target, source] = [to + FLOAT * slot!, from + FLOAT * at!]
    if ((gone.strides[0] ?? 1) === 1) sumRows!(target, source, length, count, step, scale)
    else sumColumns!(target, source, count, length, FLOAT * gone.strides[0]!, scale)
  })
}

function keysOf(flags: readonly boolean[], which: boolean): number[] {
  return flags.flatMap((flag, i) => flag === which ? [i] : [])
}

const family: Family = {
  name: 'sum',
  kernels: [sumsKernels],
  operators: {
    'aten::sum(self, dtype=None)': (m, self, dtype) => sum(m, self, null, false, dtype),
    'aten::sum.dim_IntList(self, dim, keepdim=False, dtype=None)': sum,
    'aten::sum.IntList_out(self, dim, keepdim=False, dtype=None, out!)': sum,
    'aten::mean(self, dtype=None)': (m, self, dtype) => mean(m, self, null, false, dtype),
    'aten::mean.dim(self, dim, keepdim=False, dtype=None)': mean,
    'aten::mean.out(self, dim, keepdim=False, dtype=None, out!)': mean,
  },
}

export default family
