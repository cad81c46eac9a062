import { unsqueezed } from '../archive/tensor.ts'
import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { intListValue, intValue, tensorValue } from '../ir/ivalue.ts'
import { analyzeLayouts } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { constantInts, constantTensor, insertConstant, insertOperator, replaceNode } from './rewriting.ts'

/**
 * `conv1d` becomes `conv2d` of height 1, which has a prepacked form. As `transformConv1dToConv2d` of
 * torch/csrc/jit/passes/xnnpack_rewrite.cpp, but the new dimension is counted from the end, so that inputs without a batch
 * dimension stay right. And the input is made contiguous where it may not be, as conv1d does by itself (aten/src/ATen/native/Convolution.cpp):
 * a transposed one would pass for an image in channels_last, and the result would come in another memory order than the model expects.
 */
export function conv1dToConv2d(graph: Graph, log: PassLog): void {
  const layoutOf = analyzeLayouts(graph)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'aten::conv1d') continue
    if (rewrite(node, layoutOf(node.input(0)).rowMajor)) changed++
    else log.declined('conv_1d_to_2d', 'aten::conv1d', 'its stride, padding or dilation is not a constant number')
  }
  if (changed > 0) log.changed('conv_1d_to_2d', changed)
}

function rewrite(node: Node, rowMajor: boolean): boolean {
  const [input, weight, bias, stride, padding, dilation, groups] = node.inputs as [Value, Value, Value, Value, Value, Value, Value]
  const lists = [stride, padding, dilation].map(constantInts)
  if (lists.some((list) => list?.length !== 1)) return false
  const widened = lists.map((list, i) => insertConstant(node, intListValue([i === 1 ? 0 : 1, list![0]!])))
  const height = insertConstant(node, intValue(-2))
  const constant = constantTensor(weight)
  const weight2d = constant?.sizes.length === 3
    ? insertConstant(node, tensorValue(unsqueezed(constant, 2)))
    : insertOperator(node, 'aten::unsqueeze', '', [weight, height])
  const ordered = rowMajor ? input : insertOperator(node, 'aten::contiguous', '', [input, insertConstant(node, intValue(0))])
  const input2d = insertOperator(node, 'aten::unsqueeze', '', [ordered, height])
  const output2d = insertOperator(node, 'aten::conv2d', '', [input2d, weight2d, bias, widened[0]!, widened[1]!, widened[2]!, groups])
  replaceNode(node, insertOperator(node, 'aten::squeeze', 'dim', [output2d, height]))
  return true
}
