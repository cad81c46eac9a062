import { isContiguous } from '../archive/tensor.ts'
import type { Graph, Node } from '../ir/graph.ts'
import { intListValue, tensorValue, type IValue } from '../ir/ivalue.ts'
import type { Layout } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { biasOf, CONV2D, insertPacked, plainFloat, planWindow, type Plan, type Planner, type Window } from './prepack-plan.ts'

/**
 * `linear` and `conv2d` of constant weights become their Metal forms: `metalInsertPrePackedOps` of
 * torch/csrc/jit/passes/metal_rewrite.cpp. The runtime checks little while it loads, so the conditions are those of its kernels in
 * aten/src/ATen/native/metal/ops/MetalConvolution.mm, MetalAddmm.mm and mpscnn/MPSCNNConvOp.mm.
 */
export function metalInsertPrePackedOps(graph: Graph, log: PassLog): void {
  insertPacked(graph, log, PLANS)
}

const PLANS: Readonly<Record<string, Planner>> = { 'aten::linear': planLinear, 'aten::conv2d': planConv }

function planLinear(node: Node, input: Layout): Plan {
  if (input.rank !== undefined && input.rank !== 2) return `its input has ${input.rank} dimensions; the packed form takes 2`
  const weight = plainFloat(node.input(1), 2)
  if (typeof weight === 'string') return weight
  const bias = denseBias(biasOf(node.input(2), weight.sizes[0]!))
  return typeof bias === 'string' ? bias : { run: 'metal_prepack::linear_run', state: [tensorValue(weight), bias] }
}

function planConv(node: Node, input: Layout): Plan {
  const window = planWindow(node, input, CONV2D)
  if (typeof window === 'string') return window
  const { weight, stride, padding, dilation, groups } = window
  const bias = denseBias(biasOf(node.input(2), weight.sizes[0]!))
  if (typeof bias === 'string') return bias
  const flaw = flawOfKernel(window)
  if (flaw !== undefined) return flaw
  // The kernel reads two numbers of each list, however many there are.
  const lists = [stride, padding, dilation].map(({ ints }) => intListValue(ints))
  return { run: 'metal_prepack::conv2d_run', state: [tensorValue(weight), bias, ...lists, groups.value] }
}

/** The kernels read the bias from its first element on, whatever its strides. */
function denseBias(bias: IValue | string): IValue | string {
  return typeof bias !== 'string' && bias.tag === 'Tensor' && !isContiguous(bias.value) ? 'its bias has gaps in memory' : bias
}

/** What the convolution refuses, or computes wrongly without telling. */
function flawOfKernel({ weight, dilation, groups }: Window): string | undefined {
  const [outputs, inputs] = weight.sizes as [number, number]
  if (dilation.ints.some((size) => size !== 1)) return 'it is dilated; the runtime would leave the dilation out'
  const isDepthwise = outputs === groups.number && inputs === 1
  if (groups.number > 1 && !isDepthwise && inputs % 4 !== 0) return `its ${groups.number} groups have ${inputs} channels each, which is not a multiple of 4`
  return undefined
}
