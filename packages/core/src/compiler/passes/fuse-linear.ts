import type { Tensor } from '../archive/tensor.ts'
import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import { NONE, tensorValue } from '../ir/ivalue.ts'
import { NoneType } from '../ir/types.ts'
import type { PassLog } from './pass.ts'
import { constantNumber, constantTensor, insertConstant, insertOperator, replaceNode } from './rewriting.ts'

/**
 * `matmul(x, t(w))` and `addmm(bias, x, t(w))` with a constant weight become `linear`, which has a packed form. As
 * torch/csrc/jit/passes/fuse_linear.cpp, which looks for a `t` that freezing has already computed; here the constant's strides tell.
 */
export function fuseLinear(graph: Graph, log: PassLog): void {
  let changed = 0
  for (const node of allNodes(graph.block)) {
    const made = node.kind === 'aten::matmul' ? fromMatmul(node) : node.kind === 'aten::addmm' ? fromAddmm(node) : false
    if (made) changed++
  }
  if (changed > 0) log.changed('fuse_linear', changed)
}

function fromMatmul(node: Node): boolean {
  const weight = node.schema?.overload === '' ? transposedWeight(node, 1) : undefined
  if (weight === undefined) return false
  const bias = insertConstant(node, NONE, NoneType)
  replaceNode(node, insertOperator(node, 'aten::linear', '', [node.input(0), insertConstant(node, tensorValue(weight)), bias]))
  return true
}

function fromAddmm(node: Node): boolean {
  if (node.schema?.overload !== '' || constantNumber(node.input(3)) !== 1 || constantNumber(node.input(4)) !== 1) return false
  const weight = transposedWeight(node, 2)
  const bias = constantTensor(node.input(0))
  // Only a bias of one element per output means the same in both; addmm also takes whatever broadcasts.
  if (weight === undefined || bias?.sizes.length !== 1 || bias.sizes[0] !== weight.sizes[0]) return false
  replaceNode(node, insertOperator(node, 'aten::linear', '', [node.input(1), insertConstant(node, tensorValue(weight)), node.input(0)]))
  return true
}

/** The weight whose transpose an argument is: by a `t` in the graph, or a constant matrix stored column by column. */
function transposedWeight(node: Node, offset: number): Tensor | undefined {
  const value = node.input(offset)
  const constant = constantTensor(value)
  if (constant !== undefined) {
    const [rows, columns] = constant.strides
    return isPlainMatrix(constant) && rows === 1 && columns! > 1 ? transposed(constant) : undefined
  }
  const weight = value.node.kind === 'aten::t' ? constantTensor(value.node.input(0)) : undefined
  return weight !== undefined && isPlainMatrix(weight) ? weight : undefined
}

function isPlainMatrix(tensor: Tensor): boolean {
  return tensor.sizes.length === 2 && tensor.scalarType === 'Float' && tensor.quantizer === undefined
}

function transposed(tensor: Tensor): Tensor {
  return { ...tensor, sizes: [tensor.sizes[1]!, tensor.sizes[0]!], strides: [tensor.strides[1]!, tensor.strides[0]!] }
}
