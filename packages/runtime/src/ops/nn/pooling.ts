import type { Machine } from '../../machine.ts'
import { contiguousStrides, numelOf, type Tensor } from '../../tensor.ts'
import { requireFit } from './arguments.ts'
import { fromNumbers, toNumbers } from './numbers.ts'
import { type PoolAxis, SINGLE } from './windows.ts'

/** Depth, height and width. */
type Axes = readonly [PoolAxis, PoolAxis, PoolAxis]

/** Bytes of a float, and numbers of a window in the kernels' table. */
const FLOAT = 4
const WINDOW = 3

/** Adds the batch that a single image lacks. */
function batched(tensor: Tensor, dims: number): Tensor {
  return tensor.dim === dims + 2 ? tensor : tensor.view([1, ...tensor.sizes], [0, ...tensor.strides])
}

function triple(axes: readonly PoolAxis[]): Axes {
  return [...[SINGLE, SINGLE].slice(axes.length - 1), ...axes] as unknown as Axes
}

/** The spatial sizes of `[N, C, ...spatial]` or `[C, ...spatial]`. */
export function spatialSizes(m: Machine, { sizes }: Tensor, dims: number): readonly number[] {
  const given = sizes.length - dims
  requireFit(m, (given === 1 || given === 2) && !sizes.slice(1).includes(0), sizes)
  return sizes.slice(given)
}

function undivided(axis: PoolAxis): PoolAxis {
  return { ...axis, windows: axis.windows.map((window) => ({ ...window, divisor: 1 })) }
}

/**
 * Largest values of windows, or means. Of float32, the result lies channels-last.
 * @param divisor what sums are divided by instead of the windows' sizes
 */
export function pool(m: Machine, input: Tensor, list: readonly PoolAxis[], greatest: boolean, divisor?: number): Tensor {
  const axes = divisor === undefined ? list : list.map(undivided)
  if (input.dtype !== 'float32') return poolSlowly(m, input, axes, greatest, divisor).values
  const from = m.toChannelsLast(batched(input, axes.length))
  const [batch, channels] = from.sizes as [number, number]
  const result = m.emptyChannelsLast([batch, channels, ...axes.map(({ windows }) => windows.length)])
  if (result.numel > 0) runKernel(m, from, result, triple(axes), greatest, divisor ?? 1)
  return input.dim === result.dim ? result : result.view(result.sizes.slice(1), result.strides.slice(1))
}

function runKernel(m: Machine, input: Tensor, result: Tensor, [depth, height, width]: Axes, greatest: boolean, divisor: number): void {
  const [batch, channels] = input.sizes as [number, number]
  const pixel = channels * FLOAT
  const line = pixel * width.size
  const plane = line * height.size
  const outputs = width.windows.length
  const table = m.scratch(outputs * WINDOW * FLOAT)
  for (const [i, window] of width.windows.entries()) {
    m.i32.set([window.begin * pixel, window.count], table / FLOAT + i * WINDOW)
    m.f32[table / FLOAT + i * WINDOW + 2] = window.divisor
  }
  const kernel = m.kernels['vector']![greatest ? 'maxPool' : 'averagePool']!
  let to = m.address(result)
  for (let image = 0; image < batch; image++) {
    const first = m.address(input) + image * plane * depth.size
    for (const d of depth.windows) {
      for (const h of height.windows) {
        const begin = first + d.begin * plane + h.begin * line
        kernel(
          to, begin, d.count, plane * depth.step, h.count, line * height.step, pixel * width.step, table, outputs, channels,
          d.divisor * h.divisor * divisor,
        )
        to += outputs * pixel
      }
    }
  }
}

/** {@link pool} of any type, with the indices of the largest values in their images. */
export function poolSlowly(
  m: Machine, input: Tensor, list: readonly PoolAxis[], greatest: boolean, divisor = 1,
): { values: Tensor; indices: Tensor } {
  const axes = triple(list)
  const [depth, height, width] = axes
  const from = toNumbers(m, input)
  const outer = input.sizes.slice(0, -list.length)
  const sizes = [...outer, ...list.map(({ windows }) => windows.length)]
  const values = new Float64Array(numelOf(sizes))
  const indices = new Float64Array(values.length)
  const image = axes.reduce((product, { size }) => product * size, 1)
  let to = 0
  for (let first = 0; first < from.length; first += image) {
    for (const d of depth.windows) {
      for (const h of height.windows) {
        for (const w of width.windows) {
          let sum = 0
          let best = -Infinity
          let at = (d.begin * height.size + h.begin) * width.size + w.begin
          for (let z = 0; z < d.count; z++) {
            for (let y = 0; y < h.count; y++) {
              for (let x = 0; x < w.count; x++) {
                const index = ((d.begin + z * depth.step) * height.size + h.begin + y * height.step) * width.size + w.begin + x * width.step
                const value = from[first + index]!
                sum += value
                if (value > best || value !== value) [best, at] = [value, index]
              }
            }
          }
          values[to] = greatest ? best : sum / (d.divisor * h.divisor * w.divisor * divisor)
          indices[to++] = at
        }
      }
    }
  }
  return { values: fromNumbers(m, input.dtype, sizes, values), indices: fromNumbers(m, 'int64', sizes, indices) }
}

/** A tensor of zeros with values put where indices of their images say: the inverse of {@link poolSlowly}. */
export function unpool(m: Machine, input: Tensor, indices: Tensor, spatial: readonly number[]): Tensor {
  const outer = input.sizes.slice(0, -spatial.length)
  const image = numelOf(spatial)
  const from = toNumbers(m, input)
  const places = toNumbers(m, indices)
  const values = new Float64Array(numelOf(outer) * image)
  const each = numelOf(input.sizes.slice(-spatial.length))
  for (let i = 0; i < from.length; i++) {
    const place = places[i]!
    if (!(place >= 0 && place < image)) throw m.fail(`index ${place} is out of range`)
    values[Math.floor(i / each) * image + place] = from[i]!
  }
  return fromNumbers(m, input.dtype, [...outer, ...spatial], values)
}

/** A contiguous tensor with other sizes. */
export function resized(tensor: Tensor, sizes: readonly number[]): Tensor {
  return tensor.view(sizes, contiguousStrides(sizes))
}
