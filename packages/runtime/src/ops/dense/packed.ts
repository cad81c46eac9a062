import type { Machine } from '../../machine.ts'
import { numelOf, sameSizes, type Tensor } from '../../tensor.ts'
import { listed } from './listed.ts'
import { matrixJob, panelBytes, runJob } from './job.ts'

/** A matrix `[depth, columns]`, packed once, with what is added to and limits the results. */
export interface PackedMatrix {
  readonly panels: Tensor
  readonly depth: number
  readonly columns: number
  readonly low: number
  readonly high: number
}

/** Packs a float32 matrix of any strides. `bias` has as many elements as the matrix has columns. */
export function packMatrix(
  m: Machine, matrix: Tensor, bias: Tensor | null = null, low: number = -Infinity, high: number = Infinity,
): PackedMatrix {
  const [depth, columns] = matrix.sizes as [number, number]
  if (matrix.dtype !== 'float32' || (bias && bias.dtype !== 'float32')) throw m.unsupported(`packed weights of ${matrix.dtype}`)
  if (bias && bias.numel !== columns) throw m.fail(`${bias.numel} biases for ${columns} columns`)
  m.plain(matrix)
  const own = bias && m.contiguous(bias)
  const panels = m.empty([panelBytes(1, columns, depth) / 4])
  const [rowStep, columnStep] = matrix.strides.map((stride) => stride * 4) as [number, number]
  m.kernels['dense']!['pack']!(m.address(matrix), m.address(panels), own ? m.address(own) : 0, columns, columnStep, 1, 0, depth, rowStep)
  return { panels, depth, columns, low, high }
}

/** {@link packMatrix}, once for weights that stay. */
export function packedOnce(m: Machine, matrix: Tensor, bias: Tensor | null = null): PackedMatrix {
  const { offset, sizes, strides } = matrix
  const key = JSON.stringify([offset, sizes, strides, bias && identity(bias)])
  return m.cached(matrix, key, () => packMatrix(m, matrix, bias))
}

/** What tells one tensor that stays from all others, and from itself before it was written to. */
export function identity({ storage, offset, strides }: Tensor): readonly unknown[] {
  return [storage.pointer, storage.version, offset, strides]
}

/** True for what is packed once: weights. */
export function stays({ storage }: Tensor): boolean {
  return storage.born < 0
}

/** `input[..., depth] @ packed`, its bias added and its limits applied. */
export function multiplyPacked(m: Machine, input: Tensor, { panels, depth, columns, low, high }: PackedMatrix): Tensor {
  const { dim, numel } = input
  if (input.dtype !== 'float32') throw m.fail(`expected float32, got ${input.dtype}`)
  if (dim === 0 || input.sizes[dim - 1] !== depth) {
    throw m.fail(`input of sizes ${listed(input.sizes)} does not fit weights of sizes ${listed([columns, depth])}`)
  }
  const rows = numelOf(input.sizes.slice(0, -1))
  const sizes = [...input.sizes.slice(0, -1), columns]
  if (depth === 0) return biasAlone(m, panels, sizes, low, high)
  let address: number
  let rowStep = depth * 4
  if (isNhwcView(input)) address = m.address(input)
  else {
    const strided = dim === 2 && input.strides[1] === 1
    const own = strided ? m.plain(input) : m.contiguous(input)
    if (strided) rowStep = own.strides[0]! * 4
    address = m.address(own)
  }
  const result = m.empty(sizes)
  if (numel > 0) runJob(m, 'product', matrixJob(address, rows, rowStep, depth, m.address(panels), columns, m.address(result), low, high))
  return result
}

/** The result of a product whose depth is 0. */
function biasAlone(m: Machine, panels: Tensor, sizes: readonly number[], low: number, high: number): Tensor {
  const result = m.empty(sizes)
  const columns = sizes.at(-1)!
  const [to, from] = [m.elements(result), m.elements(panels)] as [Float32Array, Float32Array]
  for (let i = 0; i < to.length; i++) to[i] = Math.min(Math.max(from[i % columns]!, low), high)
  return result
}

/**
 * True for `x.permute(0, 2, 3, 1)` of an image that is kept channels-last: its elements lie in row-major order already, and rows of
 * channels can be read as they are.
 */
export function isNhwcView({ storage: { channelsLast }, sizes, strides, offset }: Tensor): boolean {
  if (channelsLast === undefined || offset !== 0) return false
  const [batch, channels, ...spatial] = channelsLast as [number, number, ...number[]]
  if (!sameSizes(sizes, [batch, ...spatial, channels])) return false
  const pixels = numelOf(spatial)
  let stride = pixels
  return strides.at(-1) === pixels && (batch === 1 || strides[0] === pixels * channels) && spatial.every((size, dim) => {
    stride /= size
    return size === 1 || strides[dim + 1] === stride
  })
}

/** True when a tensor can be added as a bias: one element for each column. */
export function isRow({ sizes, numel, dim }: Tensor, columns: number): boolean {
  return dim > 0 && numel === columns && sizes[dim - 1] === columns
}
