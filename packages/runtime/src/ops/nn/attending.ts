import type { Machine } from '../../machine.ts'
import { contiguousStrides, numelOf, type Tensor } from '../../tensor.ts'
import { batchSteps, offsetOf } from '../dense/batch.ts'
import { matmul } from '../dense/matmul.ts'
import { transposed } from '../matmul.ts'
import { softmax } from '../softmax.ts'
import { requireFit, requireType } from './arguments.ts'
import { fromNumbers, toNumbers } from './numbers.ts'

/** A tensor seen with sizes that it is broadcast to; new dimensions come first. */
export function expanded(m: Machine, tensor: Tensor, sizes: readonly number[]): Tensor {
  const missing = sizes.length - tensor.dim
  const fits = missing >= 0 && tensor.sizes.every((size, dim) => size === 1 || size === sizes[dim + missing])
  requireFit(m, fits, tensor, sizes)
  const strides = sizes.map((_, dim) => (dim < missing || tensor.sizes[dim - missing] === 1 ? 0 : tensor.strides[dim - missing]!))
  return m.plain(tensor).view(sizes, strides)
}

/** A mask to be added: 0 where `mask` has the value `visible`, -infinity elsewhere. */
export function additive(m: Machine, mask: Tensor, visible: boolean, dtype: Tensor['dtype']): Tensor {
  return fromNumbers(m, dtype, mask.sizes, toNumbers(m, mask).map((value) => (value !== 0) === visible ? 0 : -Infinity))
}

/** `[queries, keys]`: a query sees the keys up to its own place. */
export function causalMask(m: Machine, queries: number, keys: number, dtype: Tensor['dtype']): Tensor {
  const values = Float64Array.from({ length: queries * keys }, (_, i) => i % keys > Math.floor(i / keys) ? -Infinity : 0)
  return fromNumbers(m, dtype, [queries, keys], values)
}

/** Softmax of `scores * scale + mask`, over contiguous scores of float32 in place. */
function weigh(m: Machine, scores: Tensor, scale: number, mask: Tensor | null): Tensor {
  const batch = scores.sizes.slice(0, -2)
  const [rows, columns] = scores.sizes.slice(-2) as [number, number]
  requireType(m, scores.dtype, mask)
  if (scores.numel === 0) return scores
  if (scores.dtype !== 'float32') {
    const values = toNumbers(m, scores)
    const added = mask && toNumbers(m, expanded(m, mask, scores.sizes))
    for (let i = 0; i < values.length; i++) values[i] = values[i]! * scale + (added ? added[i]! : 0)
    return softmax(m, fromNumbers(m, scores.dtype, scores.sizes, values), -1, false)
  }
  const kernel = m.kernels['vector']!['softmaxRows']!
  const address = m.address(scores)
  if (!mask) {
    kernel(address, address, numelOf(batch) * rows, columns, 0, scale, 0, 0)
    return scores
  }
  // Rows of the mask have all their elements; what else is broadcast is walked with steps of 0.
  const outer = mask.dim < 2 ? [1, ...mask.sizes].slice(-2, -1) : mask.sizes.slice(0, -1)
  const own = m.contiguous(expanded(m, mask, [...outer, columns]))
  const steps = batchSteps(own, batch)
  const rowBytes = outer.at(-1) === 1 ? 0 : columns * 4
  expanded(m, own, scores.sizes)
  for (let i = 0; i < numelOf(batch); i++) {
    const scoresAt = address + i * rows * columns * 4
    kernel(scoresAt, scoresAt, rows, columns, 0, scale, m.address(own) + offsetOf(i, batch, steps) * 4, rowBytes)
  }
  return scores
}

/** Attention of queries `[…, L, E]` to keys `[…, S, E]` and values `[…, S, V]`; `mask` is added to the scores `[…, L, S]`. */
export function attend(
  m: Machine, query: Tensor, key: Tensor, value: Tensor, scale: number, mask: Tensor | null,
): { output: Tensor; weights: Tensor } {
  const weights = weigh(m, matmul(m, query, transposed(key)), scale, mask)
  return { output: matmul(m, weights, value), weights }
}

/** Each key's head for several heads of queries: `[…, heads, S, E]` with heads repeated. */
export function repeatHeads(m: Machine, tensor: Tensor, heads: number): Tensor {
  const own = tensor.sizes.at(-3)!
  if (tensor.dim < 3 || own === heads) return tensor
  requireFit(m, own > 0 && heads % own === 0, tensor, [heads])
  const [sizes, strides] = [[...tensor.sizes], [...tensor.strides]]
  sizes.splice(-2, 0, heads / own)
  strides.splice(-2, 0, 0)
  const repeated = m.contiguous(m.plain(tensor).view(sizes, strides))
  const result = [...tensor.sizes.slice(0, -3), heads, ...tensor.sizes.slice(-2)]
  return repeated.view(result, contiguousStrides(result))
}
