import type { Tensor } from '../archive/tensor.ts'
import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import { intListValue, intValue, NONE, tensorValue, type IValue } from '../ir/ivalue.ts'
import { analyzeLayouts, type Layout } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { packedContext } from './prepacked-context.ts'
import { constantInts, constantNumber, constantTensor, insertConstant, insertOperator, isNone, replaceNode, changingConstants } from './rewriting.ts'

/** What an operator becomes: the packed operator and the plain arguments of its packed weights; or the reason to leave it. */
type Plan = { readonly run: string; readonly state: readonly IValue[] } | string

/**
 * `linear`, `conv2d` and `conv_transpose2d` of constant weights become their XNNPACK forms, packed weights and all: what
 * `insertPrePackedOps` of torch/csrc/jit/passes/xnnpack_rewrite.cpp and FoldPrePackingOps do together.
 * PyTorch packs by running the operator; here its conditions (`available` in aten/src/ATen/native/xnnpack/Convolution.cpp and
 * Linear.cpp) are checked on the constants, and what fails them stays as it is.
 */
export function insertPrePackedOps(graph: Graph, log: PassLog): void {
  const layoutOf = analyzeLayouts(graph)
  const changeOf = changingConstants(graph)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    const planner = PLANS[node.kind]
    if (planner === undefined) continue
    const change = node.inputs.map(changeOf).find((why) => why !== undefined)
    const plan = change === undefined ? planner(node, layoutOf(node.input(0))) : `its weight ${change}`
    if (typeof plan === 'string') {
      log.declined('insert_fold_prepack_ops', node.kind, plan)
      continue
    }
    const context = insertConstant(node, packedContext(plan.run, plan.state, { min: NONE, max: NONE }))
    replaceNode(node, insertOperator(node, plan.run, '', [node.input(0), context]))
    changed++
  }
  makeInputsRowMajor(graph)
  if (changed > 0) log.changed('insert_fold_prepack_ops', changed)
}

const PLANS: Readonly<Record<string, (node: Node, input: Layout) => Plan>> = {
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
  const common = planWindow(node, input, { stride: 3, padding: 4, dilation: 5, groups: 6 })
  if (typeof common === 'string') return common
  const { weight, stride, padding, dilation, groups } = common
  const bias = biasOf(node.input(2), weight.sizes[0]!)
  if (typeof bias === 'string') return bias
  return { run: 'prepacked::conv2d_clamp_run', state: [tensorValue(weight), bias, stride.value, padding.value, dilation.value, groups.value] }
}

function planTransposed(node: Node, input: Layout): Plan {
  const common = planWindow(node, input, { stride: 3, padding: 4, dilation: 7, groups: 6 })
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

interface Pair {
  readonly ints: readonly [number, number]
  readonly value: IValue
}

/** The arguments that both convolutions have, checked. */
function planWindow(node: Node, input: Layout, at: { stride: number; padding: number; dilation: number; groups: number }):
  { weight: Tensor; stride: Pair; padding: Pair; dilation: Pair; groups: { number: number; value: IValue } } | string {
  if (node.schema?.overload === 'padding') return 'its padding is given as a word'
  if (input.rank !== undefined && input.rank !== 4) return `its input has ${input.rank} dimensions; the packed form takes 4`
  const weight = plainFloat(node.input(1), 4)
  if (typeof weight === 'string') return weight
  const stride = pair(node.input(at.stride))
  const padding = pair(node.input(at.padding))
  const dilation = pair(node.input(at.dilation))
  const groups = constantNumber(node.input(at.groups))
  if (!stride || !padding || !dilation || groups === undefined) return 'its stride, padding, dilation or groups are not constant'
  if (stride.ints.some((n) => n < 1) || dilation.ints.some((n) => n < 1) || padding.ints.some((n) => n < 0)) return 'its stride, padding or dilation is out of range'
  if (groups < 1 || weight.sizes[0]! % groups !== 0) return `its ${weight.sizes[0]} channels do not divide into ${groups} groups`
  return { weight, stride, padding, dilation, groups: { number: groups, value: intValue(groups) } }
}

/** Two numbers per argument; a list of one stands for two (`expand_param_if_needed`). */
function pair(value: Value): Pair | undefined {
  const ints = constantInts(value)
  if (ints === undefined || ints.length < 1 || ints.length > 2) return undefined
  return { ints: [ints[0]!, ints[1] ?? ints[0]!], value: intListValue(ints) }
}

/** A constant float32 tensor of `rank` dimensions and no empty one, or what it is in place. */
function plainFloat(value: Value, rank: number): Tensor | string {
  const tensor = constantTensor(value)
  if (tensor === undefined) return 'its weight is not constant'
  if (tensor.scalarType !== 'Float' || tensor.quantizer !== undefined) return `its weight is ${tensor.scalarType}; XNNPACK takes Float`
  if (tensor.sizes.length !== rank) return `its weight has ${tensor.sizes.length} dimensions, not ${rank}`
  if (tensor.sizes.some((size) => size < 1)) return 'its weight is empty'
  return withoutGradient(tensor)
}

function biasOf(value: Value, channels: number): IValue | string {
  if (isNone(value)) return NONE
  const constant = toIValue(value)
  if (constant?.tag !== 'Tensor') return 'its bias is not constant'
  const { scalarType, sizes, quantizer } = constant.value
  if (scalarType !== 'Float' || quantizer !== undefined) return `its bias is ${scalarType}; XNNPACK takes Float`
  return sizes.length === 1 && sizes[0] === channels ? tensorValue(withoutGradient(constant.value)) : `its bias does not have ${channels} elements`
}

/** Packing refuses tensors that require gradients. */
function withoutGradient(tensor: Tensor): Tensor {
  return tensor.requiresGrad ? { ...tensor, requiresGrad: false } : tensor
}
