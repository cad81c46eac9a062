import { dense } from '../kernels/dense.ts'
import { resizeKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { listed } from './dense/listed.ts'
import { matmul } from './dense/matmul.ts'
import { cast, numbers } from './reading.ts'
import { type Int, select, view } from './views.ts'

/** Numbers and weights of the elements that one sum takes. */
const TAPS = 4

interface Plan {
  /** Of the input's planes, the kernel, and the result's planes. */
  readonly input: readonly [height: number, width: number]
  readonly kernel: readonly [height: number, width: number]
  readonly output: readonly [height: number, width: number]
  readonly stride: readonly [number, number]
  readonly pad: readonly [number, number]
  readonly dilation: readonly [number, number]
}

/** Writes taps of every element of the kernel at every place of the result, moved by offsets: `[kernel elements, y and x, places]`. */
function writeTaps(plan: Plan, offsets: Float32Array, mask: Float32Array | undefined, to: Uint32Array, weights: Float32Array): void {
  const { input: [height, width], kernel, output, stride, pad, dilation } = plan
  const places = numelOf(output)
  for (let element = 0; element < numelOf(kernel); element++) {
    const [row, column] = [Math.floor(element / kernel[1]), element % kernel[1]]
    for (let place = 0; place < places; place++) {
      const bin = element * places + place
      const y = Math.floor(place / output[1]) * stride[0] - pad[0] + row * dilation[0] + offsets[2 * element * places + place]!
      const x = place % output[1] * stride[1] - pad[1] + column * dilation[1] + offsets[(2 * element + 1) * places + place]!
      const [top, left] = [Math.floor(y), Math.floor(x)]
      const scale = mask ? mask[bin]! : 1
      for (let tap = 0; tap < TAPS; tap++) {
        const [down, across] = [tap >> 1, tap & 1]
        const inside = top + down >= 0 && top + down < height && left + across >= 0 && left + across < width
        to[bin * TAPS + tap] = inside ? (top + down) * width + left + across : 0
        weights[bin * TAPS + tap] = inside ? scale * (down ? y - top : 1 - y + top) * (across ? x - left : 1 - x + left) : 0
      }
    }
  }
}

const extent = (size: number, kernel: number, stride: Int, pad: Int, dilation: Int): number =>
  Math.floor((size + 2 * Number(pad) - Number(dilation) * (kernel - 1) - 1) / Number(stride)) + 1

/** Convolution whose kernel is moved at each place, and weighted by a mask (torchvision/csrc/ops/cpu/deform_conv2d_kernel.cpp). */
function deformConvolution(
  m: Machine, input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor,
  strideY: Int, strideX: Int, padY: Int, padX: Int, dilationY: Int, dilationX: Int, groupCount: Int, offsetGroups: Int, useMask: boolean,
): Tensor {
  const source = m.contiguous(cast(m, input, 'float32'))
  const [batch, channels, height, width] = input.sizes as [number, number, number, number]
  const [outputs, inputs, rows, columns] = weight.sizes as [number, number, number, number]
  const [groups, moved] = [Number(groupCount), Number(offsetGroups)]
  const plan: Plan = {
    input: [height, width], kernel: [rows, columns], stride: [Number(strideY), Number(strideX)], pad: [Number(padY), Number(padX)],
    dilation: [Number(dilationY), Number(dilationX)],
    output: [extent(height, rows, strideY, padY, dilationY), extent(width, columns, strideX, padX, dilationX)],
  }
  const [elements, places] = [rows * columns, numelOf(plan.output)]
  if (offset.numel !== batch * moved * 2 * elements * places) {
    throw m.fail(`offset ${listed(offset.sizes)} does not fit the result's ${listed(plan.output)}`)
  }
  const [offsets, masks] = [Float32Array.from(numbers(m, offset)), useMask ? Float32Array.from(numbers(m, mask)) : undefined]
  const result = m.empty([batch, outputs, ...plan.output])
  const matrices = view(m, m.contiguous(cast(m, weight, 'float32')), [groups, outputs / groups, inputs * elements])
  // What the kernel's elements see, as matrices to multiply by.
  const seen = m.empty([groups, inputs * elements, places])
  const bins = elements * places
  const at = m.scratch(bins * TAPS * 8)
  for (let n = 0; n < batch; n++) {
    for (let part = 0; part < moved; part++) {
      const begin = (n * moved + part) * bins
      const [to, weights] = [new Uint32Array(bins * TAPS), new Float32Array(bins * TAPS)]
      writeTaps(plan, offsets.subarray(2 * begin), masks?.subarray(begin), to, weights)
      m.i32.set(to, at / 4)
      m.f32.set(weights, at / 4 + to.length)
      const planes = channels / moved
      const from = m.address(source) + (n * channels + part * planes) * height * width * 4
      const into = m.address(seen) + part * planes * bins * 4
      m.kernels['vector']!['weightedTaps']!(into, from, at, at + to.length * 4, planes, height * width, bins, TAPS)
    }
    const product = matmul(m, matrices, seen)
    m.assign(view(m, select(m, result, 0, n), [groups, outputs / groups, places]), product)
  }
  addBias(m, result, Float32Array.from(numbers(m, bias)))
  return cast(m, result, input.dtype)
}

function addBias(m: Machine, result: Tensor, bias: Float32Array): void {
  const elements = m.elements(result) as Float32Array
  const plane = numelOf(result.sizes.slice(2))
  for (let i = 0; i < elements.length; i++) elements[i]! += bias[Math.floor(i / plane) % bias.length]!
}

const OPTIONS = 'stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups, offset_groups, use_mask'

const deformable: Family = {
  name: 'deformable',
  kernels: [dense, resizeKernels],
  operators: {
    [`torchvision::deform_conv2d(input, weight, offset, mask, bias, ${OPTIONS})`]: deformConvolution,
  },
}

export default deformable
