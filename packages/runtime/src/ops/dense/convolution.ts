import type { Machine } from '../../machine.ts'
import { isContiguous, numelOf, type Tensor } from '../../tensor.ts'
import { type Axis, type DenseKernel, type Job, matrixJob, panelBytes, runJob, writeJob } from './job.ts'

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

/** Weights packed for the kernels, with what has to be known of them. */
export interface Convolution {
  readonly options: ConvolutionOptions
  readonly weightSizes: readonly number[]
  readonly inputChannels: number
  readonly outputChannels: number
  readonly kernel: DenseKernel
  readonly phases: readonly Phase[]
  readonly low: number
  readonly high: number
}

/** Outputs `begin, begin + step, …` of an axis, all of which have the same taps. A convolution that is not transposed has one phase. */
interface PhaseAxis {
  readonly begin: number
  readonly step: number
  readonly stride: number
  readonly offsets: readonly number[]
  /** Which of the kernel's taps these are. */
  readonly taps: readonly number[]
}

interface Phase {
  readonly axes: readonly [PhaseAxis, PhaseAxis, PhaseAxis]
  readonly panels: Tensor
}

type Triple = readonly [number, number, number]

/** Up to so many channels, an input that lies channels-first is copied with its padding, and a whole line of the window is one run. */
const FEW_CHANNELS = 4
/** Winograd's 16 numbers for each weight pay from so many channels on; more weights than the caches hold are better streamed as the 9 they are. */
const WINOGRAD_CHANNELS = 16
const WINOGRAD_WEIGHTS = 256 * 256
/** Room for transformed tiles. */
const WINOGRAD_BYTES = 2 ** 20

/** An offset at which there is no input. */
const NOWHERE = -(2 ** 30)

/** Three spatial dimensions of fewer. */
function triple(list: readonly number[], filler: number): Triple {
  return [...Array.from({ length: 3 - list.length }, () => filler), ...list] as unknown as Triple
}

/**
 * Packs weights `[out, in / groups, ...kernel]`, or `[in, out / groups, ...kernel]` of a transposed convolution.
 * @param low limit of results, -Infinity for none
 */
export function packConvolution(
  m: Machine, weight: Tensor, bias: Tensor | null, options: ConvolutionOptions, low: number = -Infinity, high: number = Infinity,
): Convolution {
  const dims = weight.dim - 2
  if (weight.dtype !== 'float32' || (bias && bias.dtype !== 'float32')) throw m.unsupported(`a convolution of ${weight.dtype}`)
  if (dims < 1 || dims > 3) throw m.fail(`a convolution has 1 to 3 spatial dimensions, not ${dims}`)
  if (weight.numel === 0) throw m.unsupported(`a convolution with weights of sizes [${weight.sizes.join(', ')}]`)
  const { groups, transposed } = options
  const [first, second] = weight.sizes as [number, number]
  const inputChannels = transposed ? first : second * groups
  const outputChannels = transposed ? second * groups : first
  if (outputChannels % groups !== 0 || inputChannels % groups !== 0) throw m.fail(`${groups} groups do not divide the channels of weights [${weight.sizes.join(', ')}]`)
  if (bias && bias.numel !== outputChannels) throw m.fail(`${bias.numel} biases for ${outputChannels} output channels`)
  const kernel = kernelFor(weight.sizes, options)
  m.plain(weight)
  const ownBias = bias && m.contiguous(bias)
  const axes = [0, 1, 2].map((dim) => {
    const pick = (list: readonly number[], filler: number): number => triple(list, filler)[dim]!
    const size = pick(weight.sizes.slice(2), 1)
    const [stride, padding, dilation] = [pick(options.stride, 1), pick(options.padding, 0), pick(options.dilation, 1)]
    return transposed ? transposedPhases(size, stride, padding, dilation) : [plainPhase(size, stride, padding, dilation)]
  })
  const phases: Phase[] = []
  for (const d of axes[0]!) {
    for (const h of axes[1]!) {
      for (const w of axes[2]!) {
        const panels = PACK[kernel](m, weight, ownBias, options, [d, h, w])
        phases.push({ axes: [d, h, w], panels })
      }
    }
  }
  return { options, weightSizes: weight.sizes, inputChannels, outputChannels, kernel, phases, low, high }
}

/** Which kernel computes a convolution. */
function kernelFor([first, second, ...size]: readonly number[], { stride, dilation, groups, transposed }: ConvolutionOptions): DenseKernel {
  if (transposed) return 'product'
  if (second === 1 && groups > 1 && first === groups) return 'depthwise'
  const channels = [first!, second!]
  const small = size.length === 2 && size.every((each) => each === 3) && [...stride, ...dilation].every((each) => each === 1)
  const fits = channels.every((each) => each % 4 === 0 && each >= WINOGRAD_CHANNELS) && first! * second! <= WINOGRAD_WEIGHTS
  return groups === 1 && small && fits ? 'winograd' : 'product'
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
    return taps.length > 0 ? { begin, step: stride, stride: 1, offsets, taps } : { begin, step: stride, stride: 1, offsets: [NOWHERE], taps: [0] }
  })
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
  m.kernels['dense']!['packWinograd']!(m.address(weight), to, bias ? m.address(bias) : 0, columns, columnStep, depth, valueStep, rowStep, tapStep)
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

/** Sizes of the result's spatial dimensions. */
function outputSizes({ options, weightSizes }: Convolution, spatial: readonly number[]): number[] {
  const { stride, padding, paddingAfter = padding, dilation, transposed, outputPadding } = options
  return spatial.map((size, dim) => {
    const reach = dilation[dim]! * (weightSizes[dim + 2]! - 1)
    const pads = padding[dim]! + paddingAfter[dim]!
    if (transposed) return (size - 1) * stride[dim]! - pads + reach + outputPadding[dim]! + 1
    return Math.floor((size + pads - reach - 1) / stride[dim]!) + 1
  })
}

/** Convolves `[N, C, ...spatial]`, or `[C, ...spatial]`, with packed weights. The result lies channels-last. */
export function convolve(m: Machine, convolution: Convolution, input: Tensor): Tensor {
  const { weightSizes, inputChannels, outputChannels } = convolution
  if (input.dim === weightSizes.length - 1) {
    const result = convolve(m, convolution, input.view([1, ...input.sizes], [input.numel, ...input.strides]))
    return result.view(result.sizes.slice(1), result.strides.slice(1))
  }
  const [batch, channels, ...spatial] = input.sizes as [number, number, ...number[]]
  if (input.dtype !== 'float32') throw m.unsupported(`a convolution of ${input.dtype}`)
  if (input.dim !== weightSizes.length || channels !== inputChannels) {
    throw m.fail(`input of sizes [${input.sizes.join(', ')}] does not fit weights of sizes [${weightSizes.join(', ')}], which need ${inputChannels} channels`)
  }
  const sizes = outputSizes(convolution, spatial)
  if (sizes.some((size) => size <= 0)) throw m.fail(`input of sizes [${input.sizes.join(', ')}] is smaller than the kernel [${weightSizes.slice(2).join(', ')}]`)
  const lines = linesOf(m, convolution, input)
  const own = lines || isPermuted(input) ? input : m.toChannelsLast(input)
  const result = m.emptyChannelsLast([batch, outputChannels, ...sizes])
  if (result.numel === 0) return result
  const places = lines ?? { address: m.address(own), size: triple(spatial, 1), channels }
  for (const phase of convolution.phases) runPhase(m, convolution, phase, places, batch, m.address(result), triple(sizes, 1), lines !== undefined)
  return result
}

/** True for `x.permute(0, 3, 1, 2)` of contiguous `[N, H, W, C]`: its elements lie channels-last already. */
function isPermuted({ storage, sizes, strides }: Tensor): boolean {
  if (storage.channelsLast) return false
  const order = [0, ...sizes.slice(2).map((_, dim) => dim + 2), 1]
  return isContiguous({ sizes: order.map((dim) => sizes[dim]!), strides: order.map((dim) => strides[dim]!), numel: numelOf(sizes) })
}

/** Where an input lies: N, D, H, W, C. */
interface Places {
  readonly address: number
  readonly size: Triple
  readonly channels: number
}

function runPhase(
  m: Machine, { options: { groups }, kernel, inputChannels, outputChannels, low, high }: Convolution, { axes, panels }: Phase,
  { address, size, channels }: Places, batch: number, output: number, outputSize: Triple, lines: boolean,
): void {
  const inputSteps = steps(size, channels)
  const outputSteps = steps(outputSize, outputChannels)
  let first = output
  const jobAxes = axes.map(({ begin, step, stride, offsets }, dim): Axis => {
    first += begin * outputSteps[dim + 1]!
    const count = Math.max(0, Math.ceil((outputSize[dim]! - begin) / step))
    const line = lines && dim === 2
    return { size: size[dim]!, inputStep: inputSteps[dim + 1]!, count, outputStep: step * outputSteps[dim + 1]!, stride, offsets: line ? [0] : offsets }
  })
  const job: Job = {
    low, high, panels: m.address(panels), run: lines ? axes[2].taps.length * channels : inputChannels / groups, groups,
    columns: kernel === 'depthwise' ? outputChannels : outputChannels / groups, input: address, output: first, batch,
    inputBatchStep: inputSteps[0]!, outputBatchStep: outputSteps[0]!, axes: jobAxes as unknown as [Axis, Axis, Axis],
  }
  if (kernel === 'winograd') runWinograd(m, job)
  else runJob(m, kernel, job)
}

/** Works on so many tiles at once as there is room for. */
function runWinograd(m: Machine, job: Job): void {
  const [, h, w] = job.axes
  const tileBytes = 16 * 4 * (job.run + job.columns)
  const tiles = job.batch * Math.ceil(h.count / 2) * Math.ceil(w.count / 2)
  const block = Math.min(tiles, Math.max(6, Math.floor(WINOGRAD_BYTES / tileBytes)))
  const scratch = m.scratch(block * tileBytes)
  const inner = writeJob(m, matrixJob(0, block, job.run * 4, job.run, 0, job.columns, 0))
  m.kernels['dense']!['winograd']!(writeJob(m, job), inner, scratch, block)
}

/** Bytes from one image, plane, line and pixel to the next. */
function steps([d, h, w]: Triple, channels: number): readonly [number, number, number, number] {
  const pixel = channels * 4
  return [d * h * w * pixel, h * w * pixel, w * pixel, pixel]
}

/** An input of few channels, copied so that the pixels under a line of the kernel are one run of floats, padding included. */
function linesOf(m: Machine, { options, weightSizes, inputChannels }: Convolution, input: Tensor): Places | undefined {
  const kernel = weightSizes.at(-1)!
  if (inputChannels > FEW_CHANNELS || options.groups > 1 || options.transposed || kernel === 1 || options.dilation.at(-1) !== 1) return undefined
  const own = m.contiguous(input)
  const [batch, channels, ...spatial] = own.sizes as [number, number, ...number[]]
  const [d, h, w] = triple(spatial, 1)
  const before = options.padding.at(-1)!
  const after = (options.paddingAfter ?? options.padding).at(-1)!
  const width = before + w + after
  const address = m.scratch(batch * d * h * width * channels * 4)
  m.kernels['dense']!['padNchw']!(m.address(own), address, batch, channels, d * h, w, before, after)
  return { address, size: [d, h, width], channels }
}
