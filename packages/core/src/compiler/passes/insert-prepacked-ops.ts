import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import { intValue, tensorValue } from '../ir/ivalue.ts'
import { analyzeLayouts, type Layout } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { biasOf, CONV2D, CONV_TRANSPOSE2D, insertPacked, pair, plainFloat, planWindow, type Plan, type Planner } from './prepack-plan.ts'
import { insertConstant, insertOperator } from './rewriting.ts'

/**
 * `linear`, `conv2d` and `conv_transpose2d` of constant weights become their XNNPACK forms: `insertPrePackedOps` of
 * torch/csrc/jit/passes/xnnpack_rewrite.cpp. The conditions are those of `available` in
 * aten/src/ATen/native/xnnpack/Convolution.cpp and Linear.cpp.
 */
export function insertPrePackedOps(graph: Graph, log: PassLog): void {
  insertPacked(graph, log, PLANS)
  makeInputsRowMajor(graph)
}

const PLANS: Readonly<Record<string, Planner>> = {
  'aten::linear': planLinear,
  'aten::conv2d': planConv,
  'aten::conv_transpose2d': planTransposed,
}

/**
 * `linear_clamp_run` reads a tensor of four or five dimensions in memory order when its strides are those of channels_last, and so
 * mixes up its rows; `conv2d_transpose_clamp_run` answers in its input's memory format, but `conv_transpose2d` always in row-major
 * order, on which a `view` may rely (PyTorch 1.13, both measured). Where such an input cannot be ruled out it is made contiguous,
 * which is free when it is.
 */
function makeInputsRowMajor(graph: Graph): void {
  const layoutOf = analyzeLayouts(graph)
  for (const node of allNodes(graph.block)) {
    const isLinear = node.kind === 'prepacked::linear_clamp_run'
    if (!isLinear && node.kind !== 'prepacked::conv2d_transpose_clamp_run') continue
    const { rank, rowMajor } = layoutOf(node.input(0))
    if (rowMajor || (isLinear && rank !== undefined && rank !== 4 && rank !== 5)) continue
    const contiguousFormat = insertConstant(node, intValue(0))
    node.replaceInput(0, insertOperator(node, 'aten::contiguous', '', [node.input(0), contiguousFormat]))
  }
}

function planLinear(node: Node): Plan {
  const weight = plainFloat(node.input(1), 2)
  if (typeof weight === 'string') return weight
  const bias = biasOf(node.input(2), weight.sizes[0]!)
  return typeof bias === 'string' ? bias : { run: 'prepacked::linear_clamp_run', state: [tensorValue(weight), bias] }
}

function planConv(node: Node, input: Layout): Plan {
  const common = planWindow(node, input, CONV2D)
  if (typeof common === 'string') return common
  const { weight, stride, padding, dilation, groups } = common
  const bias = biasOf(node.input(2), weight.sizes[0]!)
  if (typeof bias === 'string') return bias
  return { run: 'prepacked::conv2d_clamp_run', state: [tensorValue(weight), bias, stride.value, padding.value, dilation.value, groups.value] }
}

function planTransposed(node: Node, input: Layout): Plan {
  const common = planWindow(node, input, CONV_TRANSPOSE2D)
  if (typeof common === 'string') return common
  const { weight, stride, padding, dilation, groups } = common
  const bias = biasOf(node.input(2), weight.sizes[1]! * groups.number)
  if (typeof bias === 'string') return bias
  const outputPadding = pair(node.input(5))
  if (outputPadding === undefined) return 'its output padding is not constant'
  // XNNPACK fails on it while running; aten also allows what is less than the dilation.
  if (outputPadding.ints.some((extra, i) => extra < 0 || extra >= stride.ints[i]!)) return 'its output padding is not less than its stride'
  return {
    run: 'prepacked::conv2d_transpose_clamp_run',
    state: [tensorValue(weight), bias, stride.value, padding.value, outputPadding.value, dilation.value, groups.value],
  }
}

