import { fromHalf, toHalf } from '../half.ts'
import type { Machine } from '../machine.ts'
import { DTYPES, type Dtype, Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'

/** Elements in the form in which JavaScript computes: rounded to float32, doubles, or ints of 64 bits, which wrap. */
export type Elements = Float32Array | Float64Array | BigInt64Array

/** The largest and smallest magnitude that int64 takes: C++ turns anything beyond, and NaN, to the smallest int (on x86). */
const INT64_LIMIT = 2 ** 63

/** C++'s conversion of any number to int64. */
export function toInt64(value: Scalar): bigint {
  if (typeof value !== 'number') return BigInt(value)
  return Math.abs(value) < INT64_LIMIT ? BigInt(Math.trunc(value)) : -(1n << 63n)
}

/** What is left of an int in a type of fewer bits. */
export function wrapInt(value: bigint, dtype: Dtype): bigint {
  if (dtype === 'bool') return value === 0n ? 0n : 1n
  return (dtype === 'uint8' ? BigInt.asUintN : BigInt.asIntN)(8 * DTYPES[dtype].bytes, value)
}

/** True for float16, float32 and float64. */
export function isFloating(dtype: Dtype): boolean {
  return DTYPES[dtype].kind === 2
}

/** Room for elements of a type. Ints and bools that need no 64 bits may be worked on as doubles, which is quicker: `small`. */
export function createElements(dtype: Dtype, count: number, small: boolean = false): Elements {
  if (dtype === 'float64') return new Float64Array(count)
  if (isFloating(dtype)) return new Float32Array(count)
  return small && dtype !== 'int64' ? new Float64Array(count) : new BigInt64Array(count)
}

/** Reads `count` elements of a type, that are `stride` apart, from index `begin` of the type's view. */
export function gather(m: Machine, dtype: Dtype, begin: number, stride: number, to: Elements, count: number): void {
  const view = m.viewOf(dtype)
  if (to instanceof BigInt64Array) {
    if (dtype === 'int64' && stride === 1) to.set((view as BigInt64Array).subarray(begin, begin + count))
    else if (isFloating(dtype)) for (let i = 0; i < count; i++) to[i] = toInt64(number(view[begin + i * stride]!, dtype))
    else for (let i = 0; i < count; i++) to[i] = BigInt(view[begin + i * stride]!)
  } else if (dtype === 'int64') {
    const { i32 } = m
    for (let i = 0; i < count; i++) {
      const at = 2 * (begin + i * stride)
      to[i] = i32[at + 1]! * 2 ** 32 + (i32[at]! >>> 0)
    }
  } else if (dtype === 'float16') {
    for (let i = 0; i < count; i++) to[i] = fromHalf(view[begin + i * stride] as number)
  } else if (stride === 0) {
    to.fill(view[begin] as number, 0, count)
  } else if (stride === 1) {
    to.set(view.subarray(begin, begin + count) as Float32Array)
  } else {
    for (let i = 0; i < count; i++) to[i] = view[begin + i * stride] as number
  }
}

/** Writes `count` elements, converted to a type as C++ does. */
export function scatter(m: Machine, dtype: Dtype, begin: number, stride: number, from: Elements | Uint8Array, count: number): void {
  const view = m.viewOf(dtype)
  const convert = converter(dtype, from)
  if (convert) for (let i = 0; i < count; i++) view[begin + i * stride] = convert(from[i] as never) as never
  else if (stride === 1) view.set((count === from.length ? from : from.subarray(0, count)) as never, begin)
  else for (let i = 0; i < count; i++) view[begin + i * stride] = from[i] as never
}

/** What must be done to values before a typed array takes them as C++ would. */
function converter(dtype: Dtype, from: Elements | Uint8Array): ((value: number | bigint) => number | bigint) | undefined {
  if (dtype === 'bool' && from instanceof Uint8Array) return undefined
  if (dtype === 'bool') return (value) => value ? 1 : Number(Number.isNaN(value))
  if (dtype === 'float16') return (value) => toHalf(Number(value))
  if (from instanceof BigInt64Array) {
    if (dtype === 'int64') return undefined
    return isFloating(dtype) ? Number : (value) => Number(BigInt.asIntN(32, value as bigint))
  }
  return dtype === 'int64' ? toInt64 : undefined
}

function number(value: number | bigint, dtype: Dtype): number {
  return dtype === 'float16' ? fromHalf(value as number) : value as number
}

/** The one element of a tensor, as a Python number. */
export function item(m: Machine, tensor: Tensor): Scalar {
  const { dtype, numel } = tensor
  if (numel !== 1) throw m.fail(`a Tensor with ${numel} elements cannot be converted to Scalar`)
  const value = m.viewOf(dtype)[m.index(tensor)]!
  if (dtype === 'bool') return value !== 0
  return isFloating(dtype) ? number(value, dtype) : BigInt(value)
}
