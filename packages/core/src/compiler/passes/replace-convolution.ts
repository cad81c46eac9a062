import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import type { PassLog } from './pass.ts'
import { constantBool, constantInts, constantTensor, insertOperator, replaceNode } from './rewriting.ts'

/** Position of an argument of `aten::_convolution`, with or without the trailing `allow_tf32`. */
const ARGUMENT = { input: 0, weight: 1, bias: 2, stride: 3, padding: 4, dilation: 5, transposed: 6, outputPadding: 7, groups: 8 }

/**
 * `aten::_convolution`, which tracing records, becomes the convolution it is: `conv1d`, `conv2d`, `conv3d` or `conv_transpose1d/2d/3d`.
 * As `replaceConvolutionWithAtenConv` of torch/csrc/jit/passes/graph_rewrite_helper.cpp.
 */
export function replaceConvolution(graph: Graph, log: PassLog): void {
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'aten::_convolution') continue
    const why = rewrite(node)
    if (why === undefined) changed++
    else log.declined('replace_convolution', 'aten::_convolution', why)
  }
  if (changed > 0) log.changed('replace_convolution', changed)
}

/** Rewrites one node; gives the reason when it cannot. */
function rewrite(node: Node): string | undefined {
  const at = (name: keyof typeof ARGUMENT) => node.input(ARGUMENT[name])
  const transposed = constantBool(at('transposed'))
  const lists = [at('stride'), at('padding'), at('dilation'), at('outputPadding')].map(constantInts)
  if (transposed === undefined || lists.includes(undefined)) return 'its stride, padding, dilation or direction is not constant'
  const dims = lists[0]!.length
  if (dims < 1 || dims > 3 || lists.some((list) => list!.length !== dims)) return 'its stride, padding and dilation differ in length'
  // A list of one element may stand for any number of dimensions; only the weight tells.
  if (dims === 1 && constantTensor(at('weight'))?.sizes.length !== 3) return 'its number of dimensions is not known'
  const [input, weight, bias] = [at('input'), at('weight'), at('bias')]
  const result = transposed
    ? insertOperator(node, `aten::conv_transpose${dims}d`, dims === 1 ? '' : TRANSPOSE_OVERLOADS[dims]!,
      [input, weight, bias, at('stride'), at('padding'), at('outputPadding'), at('groups'), at('dilation')])
    : insertOperator(node, `aten::conv${dims}d`, '', [input, weight, bias, at('stride'), at('padding'), at('dilation'), at('groups')])
  replaceNode(node, result)
  return undefined
}

const TRANSPOSE_OVERLOADS: Readonly<Record<number, string>> = { 2: 'input', 3: 'input' }
