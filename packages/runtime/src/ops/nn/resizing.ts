import type { Machine } from '../../machine.ts'
import { numelOf, type Tensor } from '../../tensor.ts'
import { fromNumbers, toNumbers } from './numbers.ts'

/** An element of a resized axis: the first input that it takes, and the weights of that one and its followers. */
export interface Mix {
  readonly begin: number
  readonly weights: readonly number[]
}

/** One axis to be resized. */
export interface ResizeAxis {
  readonly inputs: number
  readonly outputs: number
  /** Corners stay where they are, instead of edges. */
  readonly aligned: boolean
  /** The factor that was asked for; it counts even where sizes were rounded. */
  readonly factor: number | null
  /** Rounds to the precision that PyTorch computes in, which decides which inputs are taken. */
  readonly round: (x: number) => number
}

/** How a mode mixes inputs, for each output. */
export type Mode = (axis: ResizeAxis) => Mix[]

/** Inputs for each output: `area_pixel_compute_scale` of ATen/native/UpSample.h. */
function scaleOf({ inputs, outputs, aligned, factor, round }: ResizeAxis): number {
  if (aligned) return outputs > 1 ? round((inputs - 1) / (outputs - 1)) : 0
  return round(factor !== null && factor > 0 ? 1 / factor : inputs / outputs)
}

function each(outputs: number, mix: (output: number) => Mix): Mix[] {
  return Array.from({ length: outputs }, (_, output) => mix(output))
}

/** Weights of inputs from `begin` on, of which those outside count for the outermost ones. */
function clamped(begin: number, weights: readonly number[], inputs: number): Mix {
  const at = (i: number): number => Math.min(Math.max(begin + i, 0), inputs - 1)
  const first = at(0)
  const sums = Array.from({ length: at(weights.length - 1) - first + 1 }, () => 0)
  for (const [i, weight] of weights.entries()) sums[at(i) - first]! += weight
  return { begin: first, weights: sums }
}

function nearestBy(shift: number): Mode {
  return (axis) => {
    const scale = scaleOf(axis)
    return each(axis.outputs, (output) => {
      const begin = Math.floor(axis.round((output + shift) * scale))
      return { begin: Math.min(begin, axis.inputs - 1), weights: [1] }
    })
  }
}

export const nearest: Mode = nearestBy(0)

export const nearestExact: Mode = nearestBy(0.5)

/** Where an output lies among the inputs. */
function position(axis: ResizeAxis, scale: number, output: number): number {
  return axis.aligned ? scale * output : scale * (output + 0.5) - 0.5
}

export const linear: Mode = (axis) => {
  const scale = scaleOf(axis)
  return each(axis.outputs, (output) => {
    if (axis.inputs === axis.outputs) return { begin: output, weights: [1] }
    const at = Math.max(position(axis, scale, output), 0)
    const begin = Math.min(Math.floor(at), axis.inputs - 1)
    const part = axis.round(at - begin)
    return clamped(begin, [axis.round(1 - part), part], axis.inputs)
  })
}

/** Keys' cubic convolution with the parameter `a`, for a distance. */
function keys(a: number, x: number): number {
  x = Math.abs(x)
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
}

export const CUBIC = -0.75

/** Weights of the inputs before, at, after and after that, for a position between 0 and 1. */
export function cubicWeights(part: number): number[] {
  return [-1, 0, 1, 2].map((tap) => keys(CUBIC, part - tap))
}

export const cubic: Mode = (axis) => {
  const scale = scaleOf(axis)
  return each(axis.outputs, (output) => {
    const at = position(axis, scale, output)
    const begin = Math.floor(at)
    return clamped(begin - 1, cubicWeights(at - begin), axis.inputs)
  })
}

/** With a filter that grows where the image shrinks, as Pillow does: `_compute_weights_aa` of ATen/native/cpu/UpSampleKernel.cpp. */
function antialiased(reach: number, filter: (x: number) => number): Mode {
  return (axis) => {
    const { round, inputs } = axis
    const scale = scaleOf(axis)
    const support = round(reach * Math.max(scale, 1))
    const inverse = round(1 / Math.max(scale, 1))
    return each(axis.outputs, (output) => {
      const center = round(scale * (output + 0.5))
      const begin = Math.max(Math.trunc(round(center - support) + 0.5), 0)
      const end = Math.min(Math.trunc(round(center + support) + 0.5), inputs)
      const weights = Array.from({ length: end - begin }, (_, i) => filter((begin + i - center + 0.5) * inverse))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      return { begin, weights: total === 0 ? weights : weights.map((weight) => weight / total) }
    })
  }
}

export const linearAntialiased: Mode = antialiased(1, (x) => Math.max(1 - Math.abs(x), 0))

export const cubicAntialiased: Mode = antialiased(2, (x) => keys(-0.5, x))

/** From so many channels on it pays to bring an image into the layout in which they are neighbours. */
const MANY_CHANNELS = 4

/** Mixes elements along spatial dimensions of `[N, C, ...spatial]`; those without a list stay. */
export function resize(m: Machine, input: Tensor, mixes: readonly (readonly Mix[])[]): Tensor {
  const [batch, channels, ...spatial] = input.sizes as [number, number, ...number[]]
  const sizes = [batch, channels, ...mixes.map((list) => list.length)]
  const order = [...mixes.keys()].filter((dim) => !stays(mixes[dim]!, spatial[dim]!))
  // What shrinks comes first, and of what grows the last dimension, which is the slow one.
  order.sort((a, b) => mixes[a]!.length / spatial[a]! - mixes[b]!.length / spatial[b]! || (mixes[a]!.length > spatial[a]! ? b - a : a - b))
  if (input.dtype !== 'float32') return resizeSlowly(m, input, mixes, order, sizes)
  const channelsLast = m.isChannelsLast(input) || channels >= MANY_CHANNELS
  const from = channelsLast ? m.toChannelsLast(input) : m.contiguous(input)
  const result = channelsLast ? m.emptyChannelsLast(sizes) : m.empty(sizes)
  let address = m.address(from)
  let steps = order.length
  for (const dim of order) {
    const outer = (channelsLast ? batch : batch * channels) * numelOf(spatial.slice(0, dim))
    const inner = numelOf(spatial.slice(dim + 1)) * (channelsLast ? channels : 1)
    const list = mixes[dim]!
    const to = --steps === 0 ? m.address(result) : m.scratch(outer * list.length * inner * 4)
    const { table, taps } = writeTable(m, list)
    m.kernels['vector']!['resample']!(to, address, outer, spatial[dim]!, list.length, inner, table, taps)
    spatial[dim] = list.length
    address = to
  }
  if (order.length === 0) m.u8.copyWithin(m.address(result), address, address + result.numel * 4)
  return result
}

function stays(list: readonly Mix[], inputs: number): boolean {
  return list.length === inputs && list.every(({ begin, weights }, i) => begin === i && weights.length === 1 && weights[0] === 1)
}

function writeTable(m: Machine, list: readonly Mix[]): { table: number; taps: number } {
  const taps = list.reduce((most, { weights }) => Math.max(most, weights.length), 1)
  const table = m.scratch(list.length * (taps + 2) * 4)
  const [ints, floats] = [m.i32, m.f32]
  for (const [i, { begin, weights }] of list.entries()) {
    const at = table / 4 + i * (taps + 2)
    ints[at] = begin
    ints[at + 1] = weights.length
    floats.set(weights, at + 2)
  }
  return { table, taps }
}

function resizeSlowly(
  m: Machine, input: Tensor, mixes: readonly (readonly Mix[])[], order: readonly number[], sizes: readonly number[],
): Tensor {
  let values = toNumbers(m, input)
  const spatial = input.sizes.slice(2)
  for (const dim of order) {
    const inner = numelOf(spatial.slice(dim + 1))
    const [list, inputs] = [mixes[dim]!, spatial[dim]!]
    const next = new Float64Array(values.length / inputs * list.length)
    for (let to = 0; to < next.length; to++) {
      const column = to % inner
      const { begin, weights } = list[Math.floor(to / inner) % list.length]!
      const from = (Math.floor(to / (inner * list.length)) * inputs + begin) * inner + column
      for (let tap = 0; tap < weights.length; tap++) next[to]! += weights[tap]! * values[from + tap * inner]!
    }
    values = next
    spatial[dim] = list.length
  }
  return fromNumbers(m, input.dtype, sizes, values)
}
