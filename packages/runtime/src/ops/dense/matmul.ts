import type { Machine } from '../../machine.ts'
import { numelOf, type Tensor } from '../../tensor.ts'
import type { Scalar } from '../../values.ts'
import { batchSteps, broadcast, offsetOf, reshaped } from './batch.ts'
import { matrixJob, panelBytes, writeJob } from './job.ts'
import { listed } from './listed.ts'
import { multiplyPacked, packedOnce, stays } from './packed.ts'
import { slowProducts } from './slow.ts'

/** PyTorch's `matmul`: vectors, matrices, and batches of them, broadcast against each other. */
export function matmul(m: Machine, a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== b.dtype) throw m.fail(`expected matrices of one type, got ${a.dtype} and ${b.dtype}`)
  if (a.dim === 0 || b.dim === 0) throw m.fail('both arguments of matmul need at least one dimension')
  const rowVector = a.dim === 1
  const columnVector = b.dim === 1
  const left = rowVector ? a.view([1, a.numel], [0, a.strides[0]!]) : a
  const right = columnVector ? b.view([b.numel, 1], [b.strides[0]!, 0]) : b
  const depth = right.sizes.at(-2)!
  if (left.sizes.at(-1) !== depth) throw m.fail(`matrices of sizes ${listed(a.sizes)} and ${listed(b.sizes)} cannot be multiplied`)
  const result = multiply(m, left, right)
  if (!rowVector && !columnVector) return result
  const batch = result.sizes.slice(0, -2)
  const sizes = [...batch, ...(rowVector ? [] : result.sizes.slice(-2, -1)), ...(columnVector ? [] : result.sizes.slice(-1))]
  return reshaped(result, sizes)
}

function multiply(m: Machine, a: Tensor, b: Tensor): Tensor {
  if (a.dtype === 'float32' && b.dim === 2 && stays(b)) return multiplyPacked(m, a, packedOnce(m, b))
  // Rows of all batches are rows of one product.
  if (b.dim === 2 && a.dim > 2) {
    const rows = m.contiguous(a)
    const product = batches(m, reshaped(rows, [numelOf(a.sizes.slice(0, -1)), a.sizes.at(-1)!]), b)
    return reshaped(product, [...a.sizes.slice(0, -1), b.sizes[1]!])
  }
  return batches(m, a, b)
}

/** Products of matrices in the last two dimensions; those before are broadcast. */
function batches(m: Machine, a: Tensor, b: Tensor): Tensor {
  const batch = broadcast(m, a.sizes.slice(0, -2), b.sizes.slice(0, -2))
  const [rows, depth] = a.sizes.slice(-2) as [number, number]
  const columns = b.sizes.at(-1)!
  const left = m.plain(a.strides.at(-1) === 1 || depth === 1 ? a : m.contiguous(a))
  m.plain(b)
  const result = m.empty([...batch, rows, columns], a.dtype)
  if (result.numel === 0) return result
  if (a.dtype !== 'float32' || depth === 0) {
    slowProducts(m, left, b, result)
    return result
  }
  const [aSteps, bSteps] = [batchSteps(left, batch), batchSteps(b, batch)]
  const count = numelOf(batch)
  const panels = m.scratch(panelBytes(1, columns, depth))
  const job = writeJob(m, matrixJob(0, rows, left.strides.at(-2)! * 4, depth, panels, columns, 0))
  const list = m.scratch(count * 12)
  const addresses = m.i32.subarray(list >> 2, (list >> 2) + count * 3)
  const [aAddress, bAddress, cAddress] = [m.address(left), m.address(b), m.address(result)]
  for (let i = 0; i < count; i++) {
    addresses[i * 3] = aAddress + offsetOf(i, batch, aSteps) * 4
    addresses[i * 3 + 1] = bAddress + offsetOf(i, batch, bSteps) * 4
    addresses[i * 3 + 2] = cAddress + i * rows * columns * 4
  }
  m.kernels['dense']!['products']!(job, list, count, b.strides.at(-1)! * 4, b.strides.at(-2)! * 4)
  return result
}

/**
 * `alpha * product + beta * self`, written over a contiguous product. As in PyTorch, `self` is not read where beta is 0.
 */
export function combine(m: Machine, product: Tensor, self: Tensor, beta: Scalar, alpha: Scalar): Tensor {
  if (self.dtype !== product.dtype) throw m.fail(`expected ${product.dtype}, got ${self.dtype}`)
  const convert = product.dtype === 'int64' ? BigInt : Number
  const [a, b] = [convert(alpha), convert(beta)] as [number, number]
  m.plain(self)
  // All numbers of the view or all bigints; the arithmetic is written once.
  const view = m.viewOf(product.dtype) as Float32Array
  const columns = product.sizes.at(-1) ?? 1
  const outer = product.sizes.slice(0, -1)
  const strides = product.sizes.map((_, dim) => {
    const own = dim - product.dim + self.dim
    if (own >= 0 && self.sizes[own] !== 1 && self.sizes[own] !== product.sizes[dim]) {
      throw m.fail(`sizes ${listed(self.sizes)} cannot be broadcast to ${listed(product.sizes)}`)
    }
    return own < 0 || self.sizes[own] === 1 ? 0 : self.strides[own]!
  })
  const step = strides.at(-1) ?? 0
  const rows = columns === 0 ? 0 : product.numel / columns
  for (let row = 0; row < rows; row++) {
    let to = m.index(product) + row * columns
    let from = m.index(self) + offsetOf(row, outer, strides)
    for (const end = to + columns; to < end; to++, from += step) {
      // eslint-disable-next-line eqeqeq -- 0n and 0 alike
      view[to] = b == 0 ? a * view[to]! : a * view[to]! + b * view[from]!
    }
  }
  return product
}
