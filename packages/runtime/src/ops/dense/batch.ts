import type { Machine } from '../../machine.ts'
import { numelOf, type Tensor } from '../../tensor.ts'
import { listed } from './listed.ts'

/** A contiguous tensor with other sizes. */
export function reshaped(tensor: Tensor, sizes: readonly number[]): Tensor {
  const strides = sizes.map((_, dim) => numelOf(sizes.slice(dim + 1).map((size) => Math.max(size, 1))))
  return tensor.view(sizes, strides)
}

/** Strides of a tensor's batch dimensions as `batch` counts them: 0 where it is broadcast. */
export function batchSteps({ sizes, strides }: Tensor, batch: readonly number[]): number[] {
  const missing = batch.length - (sizes.length - 2)
  return batch.map((_, dim) => (dim < missing || sizes[dim - missing] === 1 ? 0 : strides[dim - missing]!))
}

/** The offset of the `index`th matrix of a batch. */
export function offsetOf(index: number, batch: readonly number[], steps: readonly number[]): number {
  let offset = 0
  for (let dim = batch.length - 1; dim >= 0; dim--) {
    offset += (index % batch[dim]!) * steps[dim]!
    index = Math.floor(index / batch[dim]!)
  }
  return offset
}

/** Sizes of two batches broadcast against each other. */
export function broadcast(m: Machine, a: readonly number[], b: readonly number[]): number[] {
  const dims = Math.max(a.length, b.length)
  return Array.from({ length: dims }, (_, i) => {
    const [x, y] = [a[i - dims + a.length] ?? 1, b[i - dims + b.length] ?? 1]
    if (x !== y && x !== 1 && y !== 1) throw m.fail(`batches ${listed(a)} and ${listed(b)} cannot be broadcast`)
    return x === 1 ? y : x
  })
}
