import { fromHalf } from '../half.ts'
import type { Machine, View } from '../machine.ts'
import type { Dtype, Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { createElements, gather, scatter, toInt64 } from './elements.ts'

/**
 * All elements as numbers, in row-major order; int64 lose what a double does not hold. Not to be written to, and stale after the next
 * allocation.
 */
export function numbers(m: Machine, tensor: Tensor): Float64Array | Exclude<View, BigInt64Array> {
  const view = m.elements(m.contiguous(tensor))
  if (view instanceof BigInt64Array) return Float64Array.from(view, Number)
  return tensor.dtype === 'float16' ? Float64Array.from(view as Uint16Array, fromHalf) : view
}

/** The elements of a tensor of integers; what does not fit 32 bits becomes the nearest that does. */
export function integers(m: Machine, tensor: Tensor): Int32Array {
  const plain = m.contiguous(tensor)
  if (tensor.dtype !== 'int64') return Int32Array.from(m.elements(plain) as Int32Array)
  const words = m.i32.subarray(m.address(plain) / 4, m.address(plain) / 4 + plain.numel * 2)
  const result = new Int32Array(plain.numel)
  for (let i = 0; i < result.length; i++) {
    const low = words[2 * i]!
    result[i] = words[2 * i + 1] === low >> 31 ? low : words[2 * i + 1]! < 0 ? -(2 ** 31) : 2 ** 31 - 1
  }
  return result
}

/** A tensor of int64 that holds these integers. */
export function fromIntegers(m: Machine, values: ArrayLike<number>, sizes: readonly number[] = [values.length]): Tensor {
  const result = m.empty(sizes, 'int64')
  const words = m.i32.subarray(m.address(result) / 4, m.address(result) / 4 + result.numel * 2)
  for (let i = 0; i < result.numel; i++) {
    words[2 * i] = values[i]!
    words[2 * i + 1] = values[i]! >> 31
  }
  return result
}

/** The tensor with elements of another type: itself, where it has them. */
export function cast(m: Machine, tensor: Tensor, dtype: Dtype): Tensor {
  if (tensor.dtype === dtype) return tensor
  const from = m.contiguous(tensor)
  const to = m.empty(tensor.sizes, dtype)
  const elements = createElements(dtype, tensor.numel)
  gather(m, tensor.dtype, m.index(from), 1, elements, tensor.numel)
  scatter(m, dtype, m.index(to), 1, elements, tensor.numel)
  return to
}

/** A tensor of one number. */
export function filled(m: Machine, sizes: readonly number[], dtype: Dtype, value: Scalar): Tensor {
  const result = m.empty(sizes, dtype)
  if (result.numel === 0) return result
  const one = createElements(dtype, 1)
  one[0] = (one instanceof BigInt64Array ? toInt64(value) : Number(value)) as never
  const begin = m.index(result)
  scatter(m, dtype, begin, 1, one, 1)
  const view = m.viewOf(dtype)
  view.fill(view[begin] as never, begin, begin + result.numel)
  return result
}
