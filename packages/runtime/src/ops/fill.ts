import { toHalf } from '../half.ts'
import type { Machine } from '../machine.ts'
import { type Dtype, isContiguous, type Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { createElements, isFloating, scatter, toInt64, wrapInt } from './elements.ts'
import { pointwise } from './pointwise.ts'

/** A number as a typed array of the element type takes it. */
function raw(value: Scalar, dtype: Dtype): number | bigint {
  if (dtype === 'bool') return value ? 1 : 0
  if (dtype === 'float16') return toHalf(Number(value))
  if (isFloating(dtype)) return Number(value)
  return dtype === 'int64' ? toInt64(value) : Number(wrapInt(toInt64(value), dtype))
}

/** Sets all elements of a tensor, which was made for it or has been announced to be written. */
export function fillWith(m: Machine, tensor: Tensor, value: Scalar): Tensor {
  if (!isContiguous(tensor)) return pointwise(m, { each: (x) => x }, [value, tensor], tensor, tensor.dtype)
  if (!m.isChannelsLast(tensor)) m.plain(tensor)
  m.elements(tensor).fill(raw(value, tensor.dtype) as never)
  return tensor
}

/** A tensor of one dimension whose elements are computed from their position. */
export function generate(m: Machine, count: number, dtype: Dtype, at: (i: number) => Scalar): Tensor {
  const result = m.empty([count], dtype)
  const values = createElements(dtype, count)
  if (values instanceof BigInt64Array) for (let i = 0; i < count; i++) values[i] = toInt64(at(i))
  else for (let i = 0; i < count; i++) values[i] = Number(at(i))
  scatter(m, dtype, m.index(result), 1, values, count)
  return result
}
