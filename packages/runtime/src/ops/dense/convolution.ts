import type { Machine } from '../../machine.ts'
import { isContiguous, numelOf, type Tensor } from '../../tensor.ts'
import { resultSizes, type Triple, triple, withBatch } from './geometry.ts'
import { type Axis, type Job, matrixJob, runJob, writeJob } from './job.ts'
import type { Convolution, Phase } from './packing.ts'

/** Up to so many channels, an input that lies channels-first is copied with its padding, and a whole line of the window is one run. */
const FEW_CHANNELS = 4
/** Room for transformed tiles. */
const WINOGRAD_BYTES = 2 ** 20

/** Convolves `[N, C, ...spatial]`, or `[C, ...spatial]`, with packed weights. The result lies channels-last. */
export function convolve(m: Machine, convolution: Convolution, input: Tensor): Tensor {
  return withBatch(convolution, input, (batched) => convolveBatch(m, convolution, batched))
}

function convolveBatch(m: Machine, convolution: Convolution, input: Tensor): Tensor {
  if (input.dtype !== 'float32') throw m.fail(`expected an input of float32, got ${input.dtype}`)
  const sizes = resultSizes(m, convolution, input)
  const [batch, channels, ...spatial] = input.sizes as [number, number, ...number[]]
  const lines = linesOf(m, convolution, input)
  const own = lines || isPermuted(input) ? input : m.toChannelsLast(input)
  const result = m.emptyChannelsLast(sizes)
  if (result.numel === 0) return result
  const places = lines ?? { address: m.address(own), size: triple(spatial, 1), channels }
  for (const phase of convolution.phases) runPhase(m, convolution, phase, places, batch, m.address(result), triple(sizes.slice(2), 1), lines !== undefined)
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
