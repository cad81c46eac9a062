import { fromHalf, toHalf } from '../../half.ts'
import type { Machine } from '../../machine.ts'
import { DTYPES, type Dtype, type Tensor } from '../../tensor.ts'

// Element types other than float32 are rare in these operators: they are computed in float64, in JavaScript.

/** The elements in row-major order, as float64. A copy. */
export function toNumbers(m: Machine, tensor: Tensor): Float64Array {
  const elements = m.elements(m.contiguous(tensor))
  if (tensor.dtype === 'float16') return Float64Array.from(elements as Uint16Array, fromHalf)
  return tensor.dtype === 'int64' ? Float64Array.from(elements as BigInt64Array, Number) : Float64Array.from(elements as Float32Array)
}

/** A tensor of numbers that are rounded to its type; integers are cut off. */
export function fromNumbers(m: Machine, dtype: Dtype, sizes: readonly number[], values: Float64Array): Tensor {
  const result = m.empty(sizes, dtype)
  const to = m.elements(result)
  if (dtype === 'int64') for (let i = 0; i < values.length; i++) to[i] = BigInt(Math.trunc(values[i]!))
  else if (dtype === 'float16') for (let i = 0; i < values.length; i++) to[i] = toHalf(values[i]!)
  else (to as Float64Array).set(values)
  return result
}

/** Refuses what PyTorch has no kernel for: integers where floats are wanted. */
export function requireFloats(m: Machine, { dtype }: Tensor): void {
  if (DTYPES[dtype].kind !== 2) throw m.fail(`not implemented for ${dtype}`)
}
