import type { Machine, View } from '../machine.ts'
import { isContiguous, type Tensor } from '../tensor.ts'
import { numbers } from './reading.ts'
import { transpose, wrapDim } from './views.ts'

/** A tensor as rows along one dimension. */
export interface Rows {
  /** Contiguous, with that dimension last. */
  readonly source: Tensor
  readonly count: number
  readonly length: number
  /** Elements, in a form that compares. */
  readonly values: View
  /** Brings the dimension back to its place in a tensor that has it last. */
  readonly restore: (result: Tensor) => Tensor
}

/** Takes a tensor apart in rows along a dimension. A tensor without dimensions is a row of one. */
export function rowsOf(m: Machine, tensor: Tensor, dim: bigint | number): Rows {
  const at = wrapDim(m, dim, tensor.dim)
  const last = tensor.dim - 1
  const source = m.contiguous(at === last || last < 0 ? tensor : transpose(m, tensor, at, last))
  const length = tensor.sizes[at] ?? 1
  const values = tensor.dtype === 'float16' ? Float32Array.from(numbers(m, source)) : m.elements(source).slice()
  const restore = (result: Tensor): Tensor => {
    const back = at === last || last < 0 ? result : transpose(m, result, at, last)
    return isContiguous(back) ? back : m.copy(back)
  }
  return { source, count: length === 0 ? 0 : tensor.numel / length, length, values, restore }
}

/** As many places fit, with a key of 32 bits, into a double. */
const MOST_PLACES = 2 ** 21

/** Places of a row's elements in ascending or descending order, equal ones as they were; NaN counts as the greatest. */
export function orderOf(values: View, begin: number, length: number, descending: boolean): Int32Array {
  const keys = length <= MOST_PLACES ? keysOf(values, begin, length) : undefined
  if (keys) {
    // Sorting numbers is much quicker than sorting by a function.
    const packed = new Float64Array(length)
    for (let i = 0; i < length; i++) packed[i] = (descending ? 0xFFFF_FFFF - keys[i]! : keys[i]!) * MOST_PLACES + i
    packed.sort()
    const order = new Int32Array(length)
    for (let i = 0; i < length; i++) order[i] = packed[i]! - Math.floor(packed[i]! / MOST_PLACES) * MOST_PLACES
    return order
  }
  const row = values.subarray(begin, begin + length) as Float64Array
  const sign = descending ? -1 : 1
  return Int32Array.from({ length }, (_, i) => i).toSorted((i, j) => {
    const [a, b] = [row[i]!, row[j]!]
    if (a < b) return -sign
    if (a > b) return sign
    return sign * (Number(Number.isNaN(a)) - Number(Number.isNaN(b))) || i - j
  })
}

/** Unsigned numbers of 32 bits in the order of the elements, for types that have no more. */
function keysOf(values: View, begin: number, length: number): Uint32Array | undefined {
  if (values instanceof BigInt64Array || values instanceof Float64Array) return undefined
  const keys = new Uint32Array(length)
  if (!(values instanceof Float32Array)) {
    for (let i = 0; i < length; i++) keys[i] = values[begin + i]! + 2 ** 31
    return keys
  }
  const bits = new Uint32Array(values.buffer, values.byteOffset + begin * 4, length)
  for (let i = 0; i < length; i++) {
    const float = bits[i]!
    // Negative floats count downwards; both zeros are the same.
    keys[i] = Number.isNaN(values[begin + i]!) ? 0xFFFF_FFFF : float > 0x8000_0000 ? ~float : (float | 0x8000_0000)
  }
  return keys
}

