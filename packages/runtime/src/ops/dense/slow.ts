import type { Machine } from '../../machine.ts'
import { DTYPES, type Dtype, type Tensor } from '../../tensor.ts'
import { batchSteps, offsetOf } from './batch.ts'

/** `sum + x * y` by type: integers wrap. Those of 64 bits are bigints, which wrap when they are stored. */
const madd = (sum: number, x: number, y: number): number => sum + x * y
const maddInt = (sum: number, x: number, y: number): number => (sum + Math.imul(x, y)) | 0

function arithmetic(m: Machine, dtype: Dtype): typeof madd {
  if (dtype === 'float16' || dtype === 'bool') throw m.unsupported(`a matrix product of ${dtype}`)
  return DTYPES[dtype].kind === 1 && dtype !== 'int64' ? maddInt : madd
}

/** Matrix products of types that are rare, and of nothing: `result` is contiguous, its batch is what `a` and `b` are broadcast to. */
export function slowProducts(m: Machine, a: Tensor, b: Tensor, result: Tensor): void {
  const batch = result.sizes.slice(0, -2)
  const [rows, columns] = result.sizes.slice(-2) as [number, number]
  const depth = b.sizes.at(-2)!
  const [aSteps, bSteps] = [batchSteps(a, batch), batchSteps(b, batch)]
  const [aRow, aStep, bStep, bColumn] = [...a.strides.slice(-2), ...b.strides.slice(-2)] as [number, number, number, number]
  const add = arithmetic(m, result.dtype)
  // All numbers or all bigints.
  const view = m.viewOf(result.dtype) as Float32Array
  const zero = (result.dtype === 'int64' ? 0n : 0) as number
  const [first, aFirst, bFirst] = [m.index(result), m.index(a), m.index(b)]
  for (let i = 0; i < result.numel; i++) {
    const column = i % columns
    const row = Math.floor(i / columns) % rows
    const image = Math.floor(i / (columns * rows))
    let x = aFirst + offsetOf(image, batch, aSteps) + row * aRow
    let y = bFirst + offsetOf(image, batch, bSteps) + column * bColumn
    let sum = zero
    for (let k = 0; k < depth; k++, x += aStep, y += bStep) sum = add(sum, view[x]!, view[y]!)
    view[first + i] = sum
  }
}
