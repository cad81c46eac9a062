import type { Machine } from '../../machine.ts'
import type { Tensor } from '../../tensor.ts'
import { type ConvolutionOptions, type Geometry, geometryOf, type PhaseAxis, triple } from './geometry.ts'
import { type DenseKernel, panelBytes } from './job.ts'

/** Weights packed for the kernels, with what has to be known of them. */
export interface Convolution extends Geometry {
  readonly kernel: DenseKernel
  readonly phases: readonly Phase[]
  readonly low: number
  readonly high: number
}

/** Outputs that have the same taps. */
export interface Phase {
  readonly axes: readonly [PhaseAxis, PhaseAxis, PhaseAxis]
  readonly panels: Tensor
}

/** Winograd's 16 numbers for 9 weights pay from so many channels on; more weights than caches hold are better streamed as they are. */
const WINOGRAD_CHANNELS = 16
const WINOGRAD_WEIGHTS = 256 * 256
/**
 * Packs float32 weights.
 * @param low limit of results, -Infinity for none
 */
export function packConvolution(
  m: Machine, weight: Tensor, bias: Tensor | null, options: ConvolutionOptions, low: number = -Infinity, high: number = Infinity,
): Convolution {
  const geometry = geometryOf(m, weight, bias, options)
  if (weight.dtype !== 'float32') throw m.unsupported(`packed weights of ${weight.dtype}`)
  const kernel = kernelFor(weight.sizes, options)
  m.plain(weight)
  const ownBias = bias && m.contiguous(bias)
  const phases: Phase[] = []
  for (const d of geometry.axes[0]!) {
    for (const h of geometry.axes[1]!) {
      for (const w of geometry.axes[2]!) phases.push({ axes: [d, h, w], panels: PACK[kernel](m, weight, ownBias, options, [d, h, w]) })
    }
  }
  return { ...geometry, kernel, phases, low, high }
}

/** Which kernel computes a convolution. */
export function kernelFor([first, second, ...size]: readonly number[], { stride, dilation, groups, transposed }: ConvolutionOptions): DenseKernel {
  if (transposed) return 'product'
  if (second === 1 && groups > 1 && first === groups) return 'depthwise'
  const channels = [first!, second!]
  const small = size.length === 2 && size.every((each) => each === 3) && [...stride, ...dilation].every((each) => each === 1)
  const fits = channels.every((each) => each % 4 === 0 && each >= WINOGRAD_CHANNELS) && first! * second! <= WINOGRAD_WEIGHTS
  return groups === 1 && small && fits ? 'winograd' : 'product'
}

function packPanels(
  m: Machine, weight: Tensor, bias: Tensor | null, { groups, transposed }: ConvolutionOptions, [d, h, w]: Phase['axes'],
): Tensor {
  const [first, second] = weight.sizes as [number, number]
  const [firstStep, secondStep, ...kernelSteps] = weight.strides.map((stride) => stride * 4) as [number, number, ...number[]]
  const [stepD, stepH, stepW] = triple(kernelSteps, 0)
  const offsets = d.taps.flatMap((td) => h.taps.flatMap((th) => w.taps.map((tw) => td * stepD + th * stepH + tw * stepW)))
  const columns = transposed ? second : first / groups
  const run = transposed ? first / groups : second
  const groupPanels = panelBytes(1, columns, run * offsets.length)
  const panels = m.empty([groups * groupPanels / 4])
  const table = m.scratch(offsets.length * 4)
  m.i32.set(offsets, table >> 2)
  const [columnStep, valueStep] = transposed ? [secondStep, firstStep] : [firstStep, secondStep]
  const groupStep = (first / groups) * firstStep
  for (let group = 0; group < groups; group++) {
    m.kernels['dense']!['pack']!(
      m.address(weight) + group * groupStep, m.address(panels) + group * groupPanels, bias ? m.address(bias) + group * columns * 4 : 0,
      columns, columnStep, offsets.length, table, run, valueStep,
    )
  }
  return panels
}

/** 16 matrices of transformed weights. */
function packWinograd(m: Machine, weight: Tensor, bias: Tensor | null): Tensor {
  const [columns, depth] = weight.sizes as [number, number]
  const [columnStep, valueStep, rowStep, tapStep] = weight.strides.map((stride) => stride * 4) as [number, number, number, number]
  const panels = m.empty([16 * panelBytes(1, columns, depth) / 4])
  m.elements(panels).fill(0 as never)
  const to = m.address(panels)
  const biases = bias ? m.address(bias) : 0
  m.kernels['dense']!['packWinograd']!(m.address(weight), to, biases, columns, columnStep, depth, valueStep, rowStep, tapStep)
  return panels
}

/** For each four channels: four biases, then four weights for each tap. */
function packDepthwise(m: Machine, weight: Tensor, bias: Tensor | null): Tensor {
  const channels = weight.sizes[0]!
  const taps = weight.numel / channels
  const own = m.contiguous(weight)
  const panels = m.empty([Math.ceil(channels / 4) * (1 + taps) * 4])
  const [from, to] = [m.elements(own) as Float32Array, m.elements(panels) as Float32Array]
  const biases = bias && m.elements(bias) as Float32Array
  to.fill(0)
  for (let channel = 0; channel < channels; channel++) {
    const begin = (channel >> 2) * (1 + taps) * 4 + (channel & 3)
    if (biases) to[begin] = biases[channel]!
    for (let tap = 0; tap < taps; tap++) to[begin + (1 + tap) * 4] = from[channel * taps + tap]!
  }
  return panels
}

const PACK = { product: packPanels, winograd: packWinograd, depthwise: packDepthwise } as const
