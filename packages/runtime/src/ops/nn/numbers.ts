import type { Machine } from '../../machine.ts'
import type { Dtype, Tensor } from '../../tensor.ts'
import { gather, isFloating, scatter } from '../elements.ts'

// Element types other than float32 are rare in these operators: they are computed in float64, in JavaScript.

/** The elements in row-major order, as float64. A copy. */
export function toNumbers(m: Machine, tensor: Tensor): Float64Array {
  const values = new Float64Array(tensor.numel)
  gather(m, tensor.dtype, m.index(m.contiguous(tensor)), 1, values, values.length)
  return values
}

/** A tensor of numbers that are rounded to its type; integers are cut off. */
export function fromNumbers(m: Machine, dtype: Dtype, sizes: readonly number[], values: Float64Array): Tensor {
  const result = m.empty(sizes, dtype)
  scatter(m, dtype, m.index(result), 1, values, values.length)
  return result
}

/** Refuses what PyTorch has no kernel for: integers where floats are wanted. */
export function requireFloats(m: Machine, { dtype }: Tensor): void {
  if (!isFloating(dtype)) throw m.fail(`not implemented for ${dtype}`)
}
