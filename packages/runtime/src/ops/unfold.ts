import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { type Ints, requireFit, spread } from './nn/arguments.ts'
import { fromNumbers, toNumbers } from './nn/numbers.ts'

/** Where one tap of the kernel lies along one axis: the blocks for which it is inside of the image, and its place for the first of them. */
interface Tap {
  readonly begin: number
  readonly count: number
  readonly at: number
}

interface Blocks {
  readonly taps: readonly Tap[]
  readonly count: number
  readonly stride: number
}

/** Blocks along both axes; what lies in the padding belongs to no tap. */
function blocksOf(m: Machine, sizes: readonly number[], kernel: Ints, dilation: Ints, padding: Ints, stride: Ints): [Blocks, Blocks] {
  const [kernels, dilations] = [spread(m, kernel, 2, 'kernel_size'), spread(m, dilation, 2, 'dilation')]
  const [paddings, strides] = [spread(m, padding, 2, 'padding'), spread(m, stride, 2, 'stride')]
  const positive = [...kernels, ...dilations, ...strides].every((each) => each > 0) && paddings.every((each) => each >= 0)
  requireFit(m, positive, sizes, kernels, dilations, paddings, strides)
  return sizes.map((size, dim): Blocks => {
    const [step, span, pad] = [strides[dim]!, dilations[dim]!, paddings[dim]!]
    const count = Math.floor((size + 2 * pad - span * (kernels[dim]! - 1) - 1) / step) + 1
    requireFit(m, count > 0, sizes, kernels)
    const taps = Array.from({ length: kernels[dim]! }, (_, tap) => {
      const first = tap * span - pad
      const begin = Math.max(Math.ceil(-first / step), 0)
      const end = Math.min(Math.floor((size - 1 - first) / step) + 1, count)
      return { begin, count: Math.max(end - begin, 0), at: first + begin * step }
    })
    return { taps, count, stride: step }
  }) as [Blocks, Blocks]
}

/** Adds the batch that a single image lacks. */
function batched(m: Machine, tensor: Tensor, dims: number): Tensor {
  if (tensor.dim === dims) return tensor
  requireFit(m, tensor.dim === dims - 1, tensor)
  return tensor.view([1, ...tensor.sizes], [0, ...tensor.strides])
}

/** Blocks of `[N, C, H, W]` as columns: `[N, C * taps, blocks]`. */
function imageToColumns(m: Machine, input: Tensor, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints): Tensor {
  const image = batched(m, m.plain(input), 4)
  const [batch, channels, height, width] = image.sizes as [number, number, number, number]
  const [rows, columns] = blocksOf(m, [height, width], kernel, dilation, padding, stride)
  const taps = rows.taps.length * columns.taps.length
  const blocks = rows.count * columns.count
  const result = m.empty([batch, channels * taps, blocks], input.dtype)
  const first = m.address(result)
  m.u8.fill(0, first, first + m.elements(result).byteLength)
  const [n, c, h, w] = image.strides as [number, number, number, number]
  for (const [i, row] of rows.taps.entries()) {
    for (const [j, column] of columns.taps.entries()) {
      if (row.count === 0 || column.count === 0) continue
      const sizes = [batch, channels, row.count, column.count]
      const to = (i * columns.taps.length + j) * blocks + row.begin * columns.count + column.begin
      m.assign(
        result.view(sizes, [channels * taps * blocks, taps * blocks, columns.count, 1], to),
        image.view(sizes, [n, c, h * rows.stride, w * columns.stride], image.offset + row.at * h + column.at * w),
      )
    }
  }
  return input.dim === 4 ? result : result.view(result.sizes.slice(1), result.strides.slice(1))
}

/** The inverse: blocks are added up where they overlap. */
function columnsToImage(m: Machine, input: Tensor, size: Ints, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints): Tensor {
  const [height, width] = spread(m, size, 2, 'output_size') as [number, number]
  const [rows, columns] = blocksOf(m, [height, width], kernel, dilation, padding, stride)
  const [batch, lines, blocks] = batched(m, input, 3).sizes as [number, number, number]
  const taps = rows.taps.length * columns.taps.length
  requireFit(m, lines % taps === 0 && blocks === rows.count * columns.count, input, [height, width])
  const sizes = [batch, lines / taps, height, width]
  const from = toNumbers(m, input)
  const values = new Float64Array(numelOf(sizes))
  for (let image = 0; image < batch * sizes[1]!; image++) {
    for (const [i, row] of rows.taps.entries()) {
      for (const [j, column] of columns.taps.entries()) {
        const line = (image * taps + i * columns.taps.length + j) * blocks
        for (let y = 0; y < row.count; y++) {
          const to = (image * height + row.at + y * rows.stride) * width + column.at
          const begin = line + (row.begin + y) * columns.count + column.begin
          for (let x = 0; x < column.count; x++) values[to + x * columns.stride]! += from[begin + x]!
        }
      }
    }
  }
  return fromNumbers(m, input.dtype, input.dim === 3 ? sizes : sizes.slice(1), values)
}

const operators: OperatorTable = {
  'aten::im2col(self, kernel_size, dilation, padding, stride)': imageToColumns,
  'aten::col2im(self, output_size, kernel_size, dilation, padding, stride)': columnsToImage,
}

const family: Family = { name: 'unfold', operators }

export default family
