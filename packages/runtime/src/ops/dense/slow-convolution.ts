import type { Machine } from '../../machine.ts'
import { numelOf, type Tensor } from '../../tensor.ts'
import { type ConvolutionOptions, type Geometry, geometryOf, type PhaseAxis, resultSizes, triple, withBatch } from './geometry.ts'

/** A convolution of float64, which is rare: one output after the other. */
export function slowConvolution(m: Machine, input: Tensor, weight: Tensor, bias: Tensor | null, options: ConvolutionOptions): Tensor {
  if (weight.dtype !== input.dtype) throw m.fail(`the input is ${input.dtype}, weights are ${weight.dtype}`)
  if (weight.dtype !== 'float64') throw m.unsupported(`a convolution of ${weight.dtype}`)
  const geometry = geometryOf(m, weight, bias, options)
  return withBatch(geometry, input, (batched) => compute(m, geometry, batched, weight, bias))
}

function compute(m: Machine, geometry: Geometry, input: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const own = m.contiguous(input)
  const biases = bias && m.contiguous(bias)
  const result = m.empty(resultSizes(m, geometry, input), 'float64')
  m.plain(weight)
  const view = m.viewOf('float64') as Float64Array
  const plane = numelOf(result.sizes.slice(2))
  for (let image = 0; image < result.sizes[0]!; image++) {
    for (let channel = 0; channel < geometry.outputChannels; channel++) {
      const out = view.subarray(m.index(result) + (image * geometry.outputChannels + channel) * plane).subarray(0, plane)
      out.fill(biases ? view[m.index(biases) + channel]! : 0)
      const pixels = { view, begin: m.index(own) + image * (own.numel / own.sizes[0]!), sizes: own.sizes }
      addChannel(geometry, pixels, { begin: m.index(weight), strides: weight.strides }, channel, out, result.sizes)
    }
  }
  return result
}

/** Adds all inputs of one output channel. */
function addChannel(
  { options: { groups, transposed }, inputChannels, outputChannels, axes }: Geometry,
  { view, begin: image, sizes }: { view: Float64Array; begin: number; sizes: readonly number[] },
  { begin: weights, strides }: { begin: number; strides: readonly number[] },
  channel: number, out: Float64Array, outSizes: readonly number[],
): void {
  const [depth, height, width] = triple(sizes.slice(2), 1)
  const [outDepth, outHeight, outWidth] = triple(outSizes.slice(2), 1)
  const [first, second, ...rest] = strides as [number, number, ...number[]]
  const [stepD, stepH, stepW] = triple(rest, 0)
  const inputs = inputChannels / groups
  const outputs = outputChannels / groups
  const group = Math.floor(channel / outputs)
  const [inputStep, base] = transposed
    ? [first, weights + group * inputs * first + (channel - group * outputs) * second] : [second, weights + channel * first]
  for (const [od, id, td] of meetings(axes[0]!, outDepth, depth)) {
    for (const [oh, ih, th] of meetings(axes[1]!, outHeight, height)) {
      for (const [ow, iw, tw] of meetings(axes[2]!, outWidth, width)) {
        let sum = 0
        for (let i = 0; i < inputs; i++) {
          const at = image + (((group * inputs + i) * depth + id) * height + ih) * width + iw
          sum += view[at]! * view[base + i * inputStep + td * stepD + th * stepH + tw * stepW]!
        }
        out[(od * outHeight + oh) * outWidth + ow]! += sum
      }
    }
  }
}

/** Which outputs and inputs of an axis meet at which tap. */
function meetings(phases: readonly PhaseAxis[], outputs: number, inputs: number): [output: number, input: number, tap: number][] {
  const result: [number, number, number][] = []
  for (const { begin, step, stride, offsets, taps } of phases) {
    for (let output = begin, position = 0; output < outputs; output += step, position++) {
      for (const [i, offset] of offsets.entries()) {
        const input = position * stride + offset
        if (input >= 0 && input < inputs) result.push([output, input, taps[i]!])
      }
    }
  }
  return result
}
