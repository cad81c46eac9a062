import type { Machine } from '../../machine.ts'
import { numelOf, type Tensor } from '../../tensor.ts'
import { isNhwcView } from '../dense/packed.ts'
import { requireFit, requireType } from './arguments.ts'
import { fromNumbers, requireFloats, toNumbers } from './numbers.ts'

/** Mean and variance of each group. Variances are biased: divided by the number of elements. */
export interface Moments {
  readonly means: Float64Array
  readonly variances: Float64Array
}

/**
 * Moments of groups of channels of `[N, C, ...]`, for each image, or over all images together. The result has `groups` numbers for each
 * image, or once.
 */
export function momentsOf(m: Machine, input: Tensor, groups: number, together: boolean): Moments {
  const [batch, channels] = input.sizes as [number, number]
  const pixels = numelOf(input.sizes.slice(2))
  const count = groups * (together ? 1 : batch)
  const terms = channels / groups * pixels * (together ? batch : 1)
  const pass = passes(m, input)
  const none = new Float64Array(count)
  const means = pass(groups, together, undefined, none).map((sum) => sum / terms)
  return { means, variances: pass(groups, together, means, none).map((sum) => sum / terms) }
}

type Pass = (groups: number, together: boolean, means: Float64Array | undefined, none: Float64Array) => Float64Array

/** Sums over groups of the elements, or of their squared distances to means. */
function passes(m: Machine, input: Tensor): Pass {
  const [batch, channels] = input.sizes as [number, number]
  const pixels = numelOf(input.sizes.slice(2))
  const image = channels * pixels
  const channelsLast = m.isChannelsLast(input)
  const from = channelsLast || input.dtype !== 'float32' ? input : m.contiguous(input)
  const numbers = input.dtype === 'float32' ? undefined : toNumbers(m, input)
  const { sum, squares, columnSums } = m.kernels['vector']!
  return (groups, together, means, none) => {
    const sums = none.slice()
    const size = channels / groups
    for (let n = 0; n < batch; n++) {
      const begin = together ? 0 : n * groups
      if (numbers) {
        for (let i = 0; i < image; i++) {
          const group = begin + Math.floor(i / (size * pixels))
          const value = numbers[n * image + i]!
          sums[group]! += means ? (value - means[group]!) ** 2 : value
        }
      } else if (channelsLast) {
        const to = m.scratch(channels * 8)
        const centers = m.scratch(channels * 4)
        const columns = m.viewOf('float64').subarray(to / 8, to / 8 + channels) as Float64Array
        columns.fill(0)
        if (means) for (let c = 0; c < channels; c++) m.f32[centers / 4 + c] = means[begin + Math.floor(c / size)]!
        columnSums!(to, m.address(from) + n * image * 4, pixels, channels, means ? centers : 0)
        for (let c = 0; c < channels; c++) sums[begin + Math.floor(c / size)]! += columns[c]!
      } else {
        for (let group = 0; group < groups; group++) {
          const address = m.address(from) + (n * image + group * size * pixels) * 4
          sums[begin + group]! += means ? squares!(address, size * pixels, means[begin + group]!) : sum!(address, size * pixels)
        }
      }
    }
    return sums
  }
}

/** `x * scale + shift` with numbers for each channel, or for each channel of each image: as many as there are. The layout is kept. */
export function scaleChannels(m: Machine, input: Tensor, scale: Float64Array, shift: Float64Array): Tensor {
  const [batch, channels] = input.sizes as [number, number]
  const pixels = numelOf(input.sizes.slice(2))
  if (input.dtype !== 'float32') {
    const values = toNumbers(m, input)
    for (let i = 0; i < values.length; i++) {
      const channel = Math.floor(i / pixels) % scale.length
      values[i] = values[i]! * scale[channel]! + shift[channel]!
    }
    return fromNumbers(m, input.dtype, input.sizes, values)
  }
  const channelsLast = m.isChannelsLast(input)
  const from = channelsLast ? input : m.contiguous(input)
  const result = m.emptyLike(from)
  if (input.numel === 0) return result
  const table = m.scratch(scale.length * 8)
  const floats = m.f32
  floats.set(scale, table / 4)
  floats.set(shift, table / 4 + scale.length)
  const kernel = m.kernels['vector']![channelsLast || pixels === 1 ? 'scaleColumns' : 'scaleRows']!
  const [rows, columns] = channelsLast || pixels === 1 ? [pixels, channels] : [channels, pixels]
  const separate = scale.length > channels
  for (let n = 0; n < batch; n++) {
    const offset = n * channels * pixels * 4
    const row = table + (separate ? n * channels * 4 : 0)
    kernel(m.address(result) + offset, m.address(from) + offset, rows, columns, row, row + scale.length * 4)
  }
  return result
}

/** What {@link scaleChannels} needs to normalize by moments, which stand for `channels / groups` channels each. */
export function normalizing(
  m: Machine, { means, variances }: Moments, epsilon: number, channels: number, groups: number, weight: Tensor | null,
  bias: Tensor | null, single: boolean,
): { scale: Float64Array; shift: Float64Array } {
  const [weights, biases] = [weight && toNumbers(m, weight), bias && toNumbers(m, bias)]
  const each = channels / groups
  const scale = new Float64Array(means.length * each)
  const shift = new Float64Array(scale.length)
  for (let i = 0; i < scale.length; i++) {
    const group = Math.floor(i / each)
    const factor = (weights ? weights[i % channels]! : 1) / Math.sqrt(variances[group]! + epsilon)
    // As the kernel will have it, so that what equals the mean becomes exactly 0.
    scale[i] = single ? Math.fround(factor) : factor
    shift[i] = (biases ? biases[i % channels]! : 0) - means[group]! * scale[i]!
  }
  return { scale, shift }
}

/** Normalizes the trailing dimensions, whose sizes are given; what is not centered is divided by its root mean square. */
export function normalizeRows(
  m: Machine, input: Tensor, shape: readonly bigint[], weight: Tensor | null, bias: Tensor | null, epsilon: number, centered: boolean,
): { result: Tensor; means: Tensor; factors: Tensor } {
  requireFloats(m, input)
  const outer = input.dim - shape.length
  const columns = numelOf(input.sizes.slice(outer))
  const fits = outer >= 0 && shape.every((size, i) => input.sizes[outer + i] === Number(size))
  requireFit(m, fits && [weight, bias].every((each) => !each || each.numel === columns), input, shape)
  requireType(m, input.dtype, weight, bias)
  const sizes = [...input.sizes.slice(0, outer), ...shape.map(() => 1)]
  const rows = numelOf(sizes)
  if (input.dtype !== 'float32') return normalizeRowsSlowly(m, input, columns, sizes, weight, bias, epsilon, centered)
  // Rows of channels lie as they are wanted in an image that is kept channels-last.
  const from = shape.length === 1 && isNhwcView(input) ? input : m.contiguous(input)
  const [weights, biases] = [weight && m.contiguous(weight), bias && m.contiguous(bias)]
  const result = m.empty(input.sizes)
  const [means, factors] = [m.empty(sizes), m.empty(sizes)]
  const stats = m.scratch(rows * 8)
  m.kernels['vector']!['layerNorm']!(
    m.address(result), m.address(from), rows, columns, weights ? m.address(weights) : 0, biases ? m.address(biases) : 0,
    epsilon, +centered, stats,
  )
  const floats = m.f32
  const [to, toFactors] = [m.index(means), m.index(factors)]
  for (let row = 0; row < rows; row++) {
    floats[to + row] = floats[stats / 4 + 2 * row]!
    floats[toFactors + row] = floats[stats / 4 + 2 * row + 1]!
  }
  return { result, means, factors }
}

function normalizeRowsSlowly(
  m: Machine, input: Tensor, columns: number, sizes: readonly number[], weight: Tensor | null, bias: Tensor | null, epsilon: number,
  centered: boolean,
): { result: Tensor; means: Tensor; factors: Tensor } {
  const values = toNumbers(m, input)
  const [weights, biases] = [weight && toNumbers(m, weight), bias && toNumbers(m, bias)]
  const rows = numelOf(sizes)
  const [means, factors] = [new Float64Array(rows), new Float64Array(rows)]
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns)
    const mean = centered && columns > 0 ? own.reduce((sum, x) => sum + x, 0) / columns : 0
    const factor = 1 / Math.sqrt(own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / columns + epsilon)
    for (let i = 0; i < columns; i++) own[i] = (own[i]! - mean) * factor * (weights ? weights[i]! : 1) + (biases ? biases[i]! : 0)
    means[row] = mean
    factors[row] = factor
  }
  const { dtype } = input
  return {
    result: fromNumbers(m, dtype, input.sizes, values),
    means: fromNumbers(m, dtype, sizes, means),
    factors: fromNumbers(m, dtype, sizes, factors),
  }
}
