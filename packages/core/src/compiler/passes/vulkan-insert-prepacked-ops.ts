import type { Tensor } from '../archive/tensor.ts'
import type { Graph, Node } from '../ir/graph.ts'
import { boolValue, intListValue, tensorValue } from '../ir/ivalue.ts'
import type { Layout } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { biasOf, CONV2D, CONV_TRANSPOSE2D, insertPacked, pair, plainFloat, planWindow, type Plan, type Planner, type Window } from './prepack-plan.ts'

/**
 * `linear`, `conv2d` and `conv_transpose2d` of constant weights become their Vulkan forms: `vulkanInsertPrePackedOps` of
 * torch/csrc/jit/passes/vulkan_rewrite.cpp. The conditions are those of `available` in aten/src/ATen/native/vulkan/ops/Convolution.cpp
 * and Mm.cpp, and, as these let pass what the shaders do not do, those of the shaders. GRU and LSTM stay as they are: the contexts
 * can be loaded from four tensors per layer, but their operators take all steps of a sequence with the first hidden state.
 */
export function vulkanInsertPrePackedOps(graph: Graph, log: PassLog): void {
  insertPacked(graph, log, VULKAN_PLANNERS)
}

const NO_RECURRENCE: Planner = () => "the runtime's form of it does not carry the state from step to step"

/** What can be packed, and why not. */
export const VULKAN_PLANNERS: Readonly<Record<string, Planner>> = {
  'aten::linear': planLinear,
  'aten::conv2d': planConv,
  'aten::conv_transpose2d': planTransposed,
  'aten::gru': NO_RECURRENCE,
  'aten::lstm': NO_RECURRENCE,
}

function planLinear(node: Node, input: Layout): Plan {
  if (input.rank === 1) return 'its input has one dimension; the packed form takes rows'
  const weight = plainFloat(node.input(1), 2)
  if (typeof weight === 'string') return weight
  const bias = biasOf(node.input(2), weight.sizes[0]!)
  return typeof bias === 'string' ? bias : { run: 'vulkan_prepack::run_linear_context', state: [tensorValue(transposed(weight)), bias] }
}

/** The same memory, seen the other way round. */
function transposed(weight: Tensor): Tensor {
  return { ...weight, sizes: weight.sizes.toReversed(), strides: weight.strides.toReversed() }
}

function planConv(node: Node, input: Layout): Plan {
  const window = planWindow(node, input, CONV2D)
  if (typeof window === 'string') return window
  const { weight, stride, padding, dilation, groups } = window
  const bias = biasOf(node.input(2), weight.sizes[0]!)
  if (typeof bias === 'string') return bias
  const flaw = flawOfShader(window)
  if (flaw !== undefined) return flaw
  return {
    run: 'vulkan_prepack::run_conv2d_context',
    state: [tensorValue(weight), bias, stride.value, padding.value, dilation.value, boolValue(false), boolValue(false), intListValue([0]), groups.value],
  }
}

/** What the shaders conv2d, conv2d_dw and conv2d_pw_2x2 (aten/src/ATen/native/vulkan/glsl) compute wrongly without telling. */
function flawOfShader({ weight, stride, padding, dilation, groups }: Window): string | undefined {
  const [outputs, inputs, ...kernel] = weight.sizes as [number, number, number, number]
  const isDepthwise = outputs === groups.number && inputs === 1
  if (groups.number > 1 && !isDepthwise) return `its ${groups.number} groups have more than one channel each; the runtime would take the first group's inputs for all`
  if (!isDepthwise && kernel.every((size) => size === 1)) {
    return padding.ints.some((size) => size > 0) ? 'its kernel of 1x1 is padded; the runtime would read outside of the image' : undefined
  }
  const isSkewed = kernel.some((size, axis) => size > 1 && skewed(stride.ints[axis]!, padding.ints[axis]!, dilation.ints[axis]!))
  return isSkewed ? 'it is dilated and padded; at the borders the runtime would take neighbours of the right elements' : undefined
}

/** At a border the shader skips the kernel's elements in the padding by a division that rounds, but always starts at the image's first. */
function skewed(stride: number, padding: number, dilation: number): boolean {
  for (let outside = padding; outside > 0; outside -= stride) if (outside % dilation !== 0) return true
  return false
}

function planTransposed(node: Node, input: Layout): Plan {
  const window = planWindow(node, input, CONV_TRANSPOSE2D)
  if (typeof window === 'string') return window
  const { weight, stride, padding, dilation, groups } = window
  if (groups.number !== 1) return `it has ${groups.number} groups; the runtime would take the first group's inputs for all`
  if (dilation.ints.some((size) => size !== 1)) return 'it is dilated, which the runtime refuses'
  const bias = biasOf(node.input(2), weight.sizes[1]!)
  if (typeof bias === 'string') return bias
  const outputPadding = pair(node.input(5))
  if (outputPadding === undefined) return 'its output padding is not constant'
  return {
    run: 'vulkan_prepack::run_tconv2d_context',
    state: [
      tensorValue(weight), bias, stride.value, padding.value, dilation.value, boolValue(true), boolValue(false), outputPadding.value, groups.value,
    ],
  }
}
