import type { Machine } from '../../machine.ts'
import { isContiguous, numelOf, type Tensor } from '../../tensor.ts'
import { resultSizes, type Triple, triple, withBatch } from './geometry.ts'
import { type Axis, type Job, matrixJob, runJob, writeJob } from './job.ts'
import type { Convolution, Phase } from './packing.ts'

/** Up to so many channels, a line of the window is made one run. */
const FEW_CHANNELS = 4
/** Rows of outputs for which an image of few channels is brought into that form at once: so many that they stay in the cache. */
const BAND = 16
/** Room for transformed tiles. */
const WINOGRAD_BYTES = 2 ** 20

/** Convolves `[N, C, ...spatial]`, or `[C, ...spatial]`, with packed weights. The result lies channels-last. */
export function convolve(m: Machine, convolution: Convolution, input: Tensor): Tensor {
  return withBatch(convolution, input, (batched) => convolveBatch(m, convolution, batched))
}

function convolveBatch(m: Machine, convolution: Convolution, input: Tensor): Tensor {
  if (input.dtype !== 'float32') throw m.fail(`expected an input of float32, got ${input.dtype}`)
  const sizes = resultSizes(m, convolution, input)
  if (hasLines(convolution)) return convolveLines(m, convolution, input, sizes)
  const own = isPermuted(input) ? input : m.toChannelsLast(input)
  const result = m.emptyChannelsLast(sizes)
  if (result.numel === 0) return result
  const jobs = convolution.phases.map((phase) => phaseJob(m, convolution, phase, input.sizes, m.address(own), sizes, m.address(result)))
  for (const job of jobs) {
    if (convolution.kernel === 'winograd') runWinograd(m, job)
    else runJob(m, convolution.kernel, job)
  }
  return result
}

/** True for `x.permute(0, 3, 1, 2)` of contiguous `[N, H, W, C]`: its elements lie channels-last already. */
function isPermuted({ storage, sizes, strides }: Tensor): boolean {
  if (storage.channelsLast) return false
  const order = [0, ...sizes.slice(2).map((_, dim) => dim + 2), 1]
  return isContiguous({ sizes: order.map((dim) => sizes[dim]!), strides: order.map((dim) => strides[dim]!), numel: numelOf(sizes) })
}

/** All outputs that have the same taps. Input and output lie N, D, H, W, C. */
function phaseJob(
  m: Machine, { options: { groups }, kernel, low, high }: Convolution, { axes, panels }: Phase,
  inputShape: readonly number[], input: number, outputShape: readonly number[], output: number,
): Job {
  const [batch, inputChannels, ...inputSize] = inputShape as [number, number, ...number[]]
  const [, outputChannels, ...outputSize] = outputShape as [number, number, ...number[]]
  const [inputSizes, outputSizes] = [triple(inputSize, 1), triple(outputSize, 1)]
  const [inputSteps, outputSteps] = [steps(inputSizes, inputChannels), steps(outputSizes, outputChannels)]
  let first = output
  const jobAxes = axes.map(({ begin, step, stride, offsets }, dim): Axis => {
    first += begin * outputSteps[dim + 1]!
    const count = Math.max(0, Math.ceil((outputSizes[dim]! - begin) / step))
    return { size: inputSizes[dim]!, inputStep: inputSteps[dim + 1]!, count, outputStep: step * outputSteps[dim + 1]!, stride, offsets }
  })
  return {
    low, high, panels: m.address(panels), run: inputChannels / groups, groups,
    columns: kernel === 'depthwise' ? outputChannels : outputChannels / groups,
    input, output: first, batch, inputBatchStep: inputSteps[0], outputBatchStep: outputSteps[0],
    axes: jobAxes as unknown as [Axis, Axis, Axis],
  }
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

/** True when the pixels under a line of the window can be one run of floats: few channels, neighbouring taps. */
function hasLines({ options: { groups, transposed, dilation }, weightSizes, inputChannels }: Convolution): boolean {
  const neighbours = weightSizes.length < 5 && weightSizes.at(-1) !== 1 && dilation.at(-1) === 1
  return inputChannels <= FEW_CHANNELS && groups === 1 && !transposed && neighbours
}

/** Convolves images that lie channels-first, as pictures arrive: some rows at a time are copied, pixel by pixel, with their padding. */
function convolveLines(m: Machine, convolution: Convolution, input: Tensor, sizes: readonly number[]): Tensor {
  const own = m.contiguous(input)
  const result = m.emptyChannelsLast(sizes)
  if (result.numel === 0) return result
  const [batch, channels, ...spatial] = own.sizes as [number, number, ...number[]]
  const [, height, width] = triple(spatial, 1)
  const { padding, paddingAfter = padding } = convolution.options
  const [left, right] = [padding.at(-1)!, paddingAfter.at(-1)!]
  const full = left + width + right
  const whole = phaseJob(m, convolution, convolution.phases[0]!, own.sizes, 0, sizes, m.address(result))
  const [depth, rows, columns] = whole.axes
  const reach = rows.offsets.at(-1)! - rows.offsets[0]!
  const lineBytes = full * channels * 4
  const buffer = m.scratch(Math.min(height, (BAND - 1) * rows.stride + reach + 1) * lineBytes)
  const run = channels * columns.offsets.length
  for (let image = 0; image < batch; image++) {
    for (let first = 0; first < rows.count; first += BAND) {
      const count = Math.min(BAND, rows.count - first)
      const top = first * rows.stride
      const begin = Math.max(0, top + rows.offsets[0]!)
      const size = Math.max(0, Math.min(height, top + (count - 1) * rows.stride + rows.offsets.at(-1)! + 1) - begin)
      const from = m.address(own) + (image * channels * height + begin) * width * 4
      m.kernels['dense']!['interleave']!(from, buffer, channels, height * width * 4, size, width, left, right)
      runJob(m, 'product', {
        ...whole, run, batch: 1, input: buffer, output: whole.output + image * whole.outputBatchStep + first * rows.outputStep,
        axes: [
          depth, { ...rows, size, inputStep: lineBytes, count, offsets: rows.offsets.map((offset) => offset + top - begin) },
          { ...columns, size: full, inputStep: channels * 4, offsets: [0] },
        ],
      })
    }
  }
  return result
}
