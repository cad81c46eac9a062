import { resizeKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { requireFit } from './nn/arguments.ts'
import { fromNumbers, requireFloats, toNumbers } from './nn/numbers.ts'
import { cubicWeights } from './nn/resizing.ts'

/** How an axis is sampled at a coordinate of -1 … 1: the inputs that count, by index, and their weights. */
interface Sampling {
  readonly size: number
  readonly mode: number
  readonly padding: number
  readonly aligned: boolean
  readonly round: (x: number) => number
  /** Ties go to the even neighbour, as they do in two dimensions; in three, PyTorch 1.13 takes the one further from 0. */
  readonly even: boolean
}

// Numbers of modes and paddings, from ATen/native/GridSamplerUtils.h.
const BILINEAR = 0
const NEAREST = 1
const BORDER = 1
const REFLECTION = 2

const clip = (x: number, size: number): number => Math.min(Math.max(x, 0), size - 1)

/** Reflects at the borders until the coordinate is inside. */
function reflect(x: number, { size, aligned }: Sampling): number {
  const [low, span] = aligned ? [0, size - 1] : [-0.5, size]
  if (span === 0) return 0
  const distance = Math.abs(x - low)
  const rest = distance % span
  return Math.floor(distance / span) % 2 === 0 ? rest + low : span - rest + low
}

function padded(x: number, sampling: Sampling): number {
  if (sampling.padding === BORDER) return clip(x, sampling.size)
  return sampling.padding === REFLECTION ? clip(reflect(x, sampling), sampling.size) : x
}

function toWhole(x: number, even: boolean): number {
  const size = Math.floor(Math.abs(x) + 0.5)
  return Math.sign(x) * (even && size - Math.abs(x) === 0.5 && size % 2 !== 0 ? size - 1 : size)
}

function sample(coordinate: number, sampling: Sampling): [index: number, weight: number][] {
  const { size, mode, aligned, round, even } = sampling
  const scaled = aligned ? round(round(coordinate + 1) * ((size - 1) / 2)) : round(round(round(coordinate + 1) * (size / 2)) - 0.5)
  if (mode === NEAREST) return [[toWhole(padded(scaled, sampling), even), 1]]
  if (mode === BILINEAR) {
    const x = padded(scaled, sampling)
    const begin = Math.floor(x)
    return [[begin, 1 - (x - begin)], [begin + 1, x - begin]]
  }
  const begin = Math.floor(scaled)
  return cubicWeights(scaled - begin).map((weight, tap) => [padded(begin - 1 + tap, sampling), weight])
}

/** Samples `[N, C, ...spatial]` at `[N, ...outputs, coordinates]`, whose last coordinate is that of the first spatial dimension. */
function gridSample(m: Machine, input: Tensor, grid: Tensor, mode: bigint, padding: bigint, aligned: boolean): Tensor {
  requireFloats(m, input)
  const dims = input.dim - 2
  const fits = grid.dim === input.dim && grid.sizes.at(-1) === dims && grid.sizes[0] === input.sizes[0] && input.dtype === grid.dtype
  const known = dims === 2 || dims === 3 && Number(mode) <= NEAREST
  requireFit(m, known && fits && !input.sizes.slice(2).includes(0), input, grid)
  const [batch, channels, ...spatial] = input.sizes as [number, number, ...number[]]
  const round = input.dtype === 'float32' ? Math.fround : (x: number): number => x
  const axes = spatial.map((size) => ({ size, mode: Number(mode), padding: Number(padding), aligned, round, even: dims === 2 }))
  const outputs = grid.sizes.slice(1, -1)
  const [places, pixels] = [numelOf(outputs), numelOf(spatial)]
  const [from, coordinates] = [toNumbers(m, input), toNumbers(m, grid)]
  const values = new Float64Array(batch * channels * places)
  for (let n = 0; n < batch; n++) {
    for (let place = 0; place < places; place++) {
      let taps: [index: number, weight: number][] = [[0, 1]]
      for (const [dim, axis] of axes.entries()) {
        const coordinate = coordinates[(n * places + place) * dims + dims - 1 - dim]!
        const own = sample(coordinate, axis).filter(([index]) => index >= 0 && index < axis.size)
        taps = taps.flatMap(([offset, product]) =>
          own.map(([index, weight]): [number, number] => [offset * axis.size + index, product * weight]))
      }
      for (let channel = 0; channel < channels; channel++) {
        const begin = (n * channels + channel) * pixels
        let sum = 0
        for (const [offset, weight] of taps) sum += from[begin + offset]! * weight
        values[(n * channels + channel) * places + place] = sum
      }
    }
  }
  return fromNumbers(m, input.dtype, [batch, channels, ...outputs], values)
}

/** Coordinates of every pixel of an image of sizes `[N, C, ...spatial]`, moved by the matrices `theta`. */
function affineGrid(m: Machine, theta: Tensor, size: readonly bigint[], aligned: boolean): Tensor {
  requireFloats(m, theta)
  const [batch, , ...spatial] = size.map(Number) as [number, number, ...number[]]
  const dims = spatial.length
  requireFit(m, theta.sizes.join() === [batch, dims, dims + 1].join(), theta, size)
  const matrices = toNumbers(m, theta)
  const places = numelOf(spatial)
  const values = new Float64Array(batch * places * dims)
  const at = new Float64Array(dims + 1).fill(1)
  for (let place = 0; place < places; place++) {
    let rest = place
    for (let dim = dims - 1; dim >= 0; dim--) {
      const count = spatial[dim]!
      const index = rest % count
      rest = Math.floor(rest / count)
      // The matrix counts dimensions from the last one on.
      const even = count > 1 ? 2 * index / (count - 1) - 1 : 0
      at[dims - 1 - dim] = aligned ? even : (2 * index + 1) / count - 1
    }
    for (let n = 0; n < batch; n++) {
      for (let row = 0; row < dims; row++) {
        let sum = 0
        for (let column = 0; column <= dims; column++) sum += matrices[(n * dims + row) * (dims + 1) + column]! * at[column]!
        values[(n * places + place) * dims + row] = sum
      }
    }
  }
  return fromNumbers(m, theta.dtype, [batch, ...spatial, dims], values)
}

const operators: OperatorTable = {
  'aten::grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)': gridSample,
  'aten::grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners)': gridSample,
  'aten::_grid_sampler_2d_cpu_fallback(input, grid, interpolation_mode, padding_mode, align_corners)': gridSample,
  'aten::grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners)': gridSample,
  'aten::affine_grid_generator(theta, size, align_corners)': affineGrid,
}

const family: Family = { name: 'grid', kernels: [resizeKernels], operators }

export default family
