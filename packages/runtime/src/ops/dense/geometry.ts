import type { Machine } from '../../machine.ts'
import type { Tensor } from '../../tensor.ts'
import { listed } from './listed.ts'

/** What a convolution is called with. Lists have one number for each spatial dimension. */
export interface ConvolutionOptions {
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly groups: number
  readonly transposed: boolean
  readonly outputPadding: readonly number[]
  /** Zeros after the last input, where they are not as many as before the first one. */
  readonly paddingAfter?: readonly number[]
}

/** What follows from sizes of weights: `[out, in / groups, ...kernel]`, or of a transposed convolution `[in, out / groups, ...kernel]`. */
export interface Geometry {
  readonly options: ConvolutionOptions
  readonly weightSizes: readonly number[]
  readonly inputChannels: number
  readonly outputChannels: number
  /** Of depth, height and width: outputs that have the same taps. */
  readonly axes: readonly (readonly PhaseAxis[])[]
}

/** Outputs `begin, begin + step, …` of an axis, all of which have the same taps. A convolution that is not transposed has one phase. */
export interface PhaseAxis {
  readonly begin: number
  readonly step: number
  readonly stride: number
  readonly offsets: readonly number[]
  /** Which of the kernel's taps these are. */
  readonly taps: readonly number[]
}

/** Depth, height and width. */
export type Triple = readonly [number, number, number]

/** An offset at which there is no input. */
const NOWHERE = -(2 ** 30)

/** Three spatial dimensions of fewer. */
export function triple(list: readonly number[], filler: number): Triple {
  return [...Array.from({ length: 3 - list.length }, () => filler), ...list] as unknown as Triple
}

/** Checks weights and options against each other. */
export function geometryOf(m: Machine, weight: Tensor, bias: Tensor | null, options: ConvolutionOptions): Geometry {
  const dims = weight.dim - 2
  if (dims < 1 || dims > 3) throw m.fail(`a convolution has 1 to 3 spatial dimensions, not ${dims}`)
  if (weight.numel === 0) throw m.unsupported(`a convolution with weights of sizes ${listed(weight.sizes)}`)
  if (bias && bias.dtype !== weight.dtype) throw m.fail(`weights are ${weight.dtype}, biases ${bias.dtype}`)
  const { groups, transposed } = options
  const [first, second] = weight.sizes as [number, number]
  const [inputChannels, outputChannels] = transposed ? [first, second * groups] : [second * groups, first]
  if (first % groups !== 0) throw m.fail(`${groups} groups do not divide the channels of weights ${listed(weight.sizes)}`)
  if (bias && bias.numel !== outputChannels) throw m.fail(`${bias.numel} biases for ${outputChannels} output channels`)
  const axes = [0, 1, 2].map((dim) => {
    const pick = (list: readonly number[], filler: number): number => triple(list, filler)[dim]!
    const size = pick(weight.sizes.slice(2), 1)
    const [stride, padding, dilation] = [pick(options.stride, 1), pick(options.padding, 0), pick(options.dilation, 1)]
    return transposed ? transposedPhases(size, stride, padding, dilation) : [plainPhase(size, stride, padding, dilation)]
  })
  return { options, weightSizes: weight.sizes, inputChannels, outputChannels, axes }
}

function plainPhase(kernel: number, stride: number, padding: number, dilation: number): PhaseAxis {
  const taps = Array.from({ length: kernel }, (_, tap) => tap)
  return { begin: 0, step: 1, stride, offsets: taps.map((tap) => tap * dilation - padding), taps }
}

/**
 * Output `o` of a transposed convolution is the sum over taps of input `(o + padding - tap * dilation) / stride`, where that is whole. So
 * outputs `stride` apart have the same taps and are a convolution of stride 1.
 */
function transposedPhases(kernel: number, stride: number, padding: number, dilation: number): PhaseAxis[] {
  return Array.from({ length: stride }, (_, begin) => {
    const taps = Array.from({ length: kernel }, (_, tap) => tap).filter((tap) => (begin + padding - tap * dilation) % stride === 0)
    const offsets = taps.map((tap) => (begin + padding - tap * dilation) / stride)
    // The kernels want one tap at least: one that reads zeros.
    const found = taps.length > 0 ? { offsets, taps } : { offsets: [NOWHERE], taps: [0] }
    return { begin, step: stride, stride: 1, ...found }
  })
}

/** Sizes of the result for an input with a batch. Throws for inputs that do not fit. */
export function resultSizes(m: Machine, { options, weightSizes, inputChannels, outputChannels }: Geometry, { sizes }: Tensor): number[] {
  const [batch, channels, ...spatial] = sizes as [number, number, ...number[]]
  if (sizes.length !== weightSizes.length || channels !== inputChannels) {
    throw m.fail(`input of sizes ${listed(sizes)} does not fit weights of sizes ${listed(weightSizes)} for ${inputChannels} channels`)
  }
  if (spatial.includes(0)) throw m.fail(`an input of sizes ${listed(sizes)} has no pixels`)
  const { stride, padding, paddingAfter = padding, dilation, transposed, outputPadding } = options
  const result = spatial.map((size, dim) => {
    const reach = dilation[dim]! * (weightSizes[dim + 2]! - 1)
    const pads = padding[dim]! + paddingAfter[dim]!
    if (transposed) return (size - 1) * stride[dim]! - pads + reach + outputPadding[dim]! + 1
    return Math.floor((size + pads - reach - 1) / stride[dim]!) + 1
  })
  // Only a transposed convolution of no images may have no pixels.
  const least = transposed && batch === 0 ? 0 : 1
  const kernel = weightSizes.slice(2)
  if (result.some((size) => size < least)) throw m.fail(`input of sizes ${listed(sizes)} is smaller than the kernel ${listed(kernel)}`)
  return [batch, outputChannels, ...result]
}

/** Calls `compute` with an input that has a batch, and takes the batch from the result where the input had none. */
export function withBatch(geometry: Geometry, input: Tensor, compute: (input: Tensor) => Tensor): Tensor {
  if (input.dim !== geometry.weightSizes.length - 1) return compute(input)
  const result = compute(input.view([1, ...input.sizes], [input.numel, ...input.strides]))
  return result.view(result.sizes.slice(1), result.strides.slice(1))
}
