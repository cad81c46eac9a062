import type { ScalarType, Tensor } from '../archive/tensor.ts'
import { type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { PREPACKED_RUNS } from './prepacked-context.ts'
import { constantTensor, isNone } from './rewriting.ts'

type Rule = (node: Node, isFloat: (value: Value) => boolean) => boolean

/**
 * Tensors of a graph that certainly are float32 whenever the model runs without an error; one pass, front to back. `known` are values that
 * are, for reasons that the graph does not tell.
 */
export function analyzeFloats(graph: Graph, known: Iterable<Value> = []): (value: Value) => boolean {
  const floats = new Set<Value>(known)
  const isFloat = (value: Value): boolean => floats.has(value) || constantTensor(value)?.scalarType === 'Float'
  visit(graph.block, floats, isFloat)
  return isFloat
}

function visit(block: Block, floats: Set<Value>, isFloat: (value: Value) => boolean): void {
  for (const node of block.nodes()) {
    for (const inner of node.blocks) visit(inner, floats, isFloat)
    if (node.kind === 'prim::If') {
      node.outputs.forEach((output, i) => { if (node.blocks.every((inner) => isFloat(inner.outputs[i]!))) floats.add(output) })
    } else if (node.outputs.length === 1 && RULES.get(node.kind)?.(node, isFloat)) floats.add(node.output)
  }
}

const always: Rule = () => true
/** `view.dtype` is the one of these that gives another type. */
const likeInput: Rule = (node, isFloat) => node.schema?.overload !== 'dtype' && isFloat(node.input(0))
/** Operators that want one type for all of these inputs, and fail otherwise. */
const likeAny = (...offsets: readonly number[]): Rule => (node, isFloat) => offsets.some((offset) => isFloat(node.input(offset)))
/** Type promotion: two tensors of float32, or one and a real number. */
const arithmetic: Rule = (node, isFloat) => isFloat(node.input(0)) && (isRealOrFloat(node.input(1), isFloat) || isWholeNumber(constantTensor(node.input(1))))
const reduction = (dtype: number): Rule => (node, isFloat) => isFloat(node.input(0)) && node.inputs[dtype] !== undefined && isNone(node.inputs[dtype])
const allInList: Rule = (node, isFloat) => {
  const list = node.input(0).node
  return list.kind === 'prim::ListConstruct' && node.input(0).uses.size === 1 && list.inputs.length > 0 && list.inputs.every(isFloat)
}

/** True for a float32 tensor and for an int or a float, which do not widen one. */
export function isRealOrFloat(value: Value, isFloat: (value: Value) => boolean): boolean {
  return value.type.kind === 'TensorType' ? isFloat(value) : value.type.kind === 'IntType' || value.type.kind === 'FloatType'
}

const LIKE_INPUT = ['relu', 'relu6', 'hardtanh', 'sigmoid', 'tanh', 'gelu', 'silu', 'hardswish', 'hardsigmoid', 'leaky_relu', 'elu', 'selu', 'softplus', 'mish',
  'exp', 'sqrt', 'neg', 'abs', 'dropout', 'feature_dropout', 'batch_norm', 'layer_norm', 'group_norm', 'instance_norm', 'max_pool2d', 'avg_pool2d', 'max_pool3d',
  'adaptive_avg_pool2d', 'adaptive_avg_pool3d', 'adaptive_avg_pool1d', 'max_pool1d', 'avg_pool1d', 'view', 'reshape', 'flatten', 'permute', 'transpose', 'unsqueeze',
  'squeeze', 'select', 'slice', 'narrow', 'expand', 'contiguous', 'clone', 'detach', 'roll', 'constant_pad_nd', 'reflection_pad2d', 'replication_pad2d',
  'upsample_bilinear2d', 'upsample_nearest2d', 'channel_shuffle', 'pixel_shuffle', 't', 'flip']

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...LIKE_INPUT.flatMap((name): [string, Rule][] => [[`aten::${name}`, likeInput], [`aten::${name}_`, likeInput]]),
  ...['add', 'sub', 'mul', 'div', '_add_relu'].flatMap((name): [string, Rule][] => [[`aten::${name}`, arithmetic], [`aten::${name}_`, likeInput]]),
  ...Object.keys(PREPACKED_RUNS).map((name): [string, Rule] => [name, always]),
  ...['conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', 'conv_transpose2d', 'conv_transpose3d', '_convolution', '_convolution_mode', 'linear']
    .map((name): [string, Rule] => [`aten::${name}`, likeAny(0, 1)]),
  ...['matmul', 'mm', 'bmm'].map((name): [string, Rule] => [`aten::${name}`, likeAny(0, 1)]),
  ...['addmm', 'baddbmm'].map((name): [string, Rule] => [`aten::${name}`, likeAny(1, 2)]),
  ['aten::embedding', likeInput], ['aten::softmax', reduction(2)], ['aten::cat', allInList], ['aten::stack', allInList],
  ['aten::mean', (node, isFloat) => reduction(node.schema?.overload === 'dim' ? 3 : 1)(node, isFloat)],
])

/** One whole number in a tensor without dimensions, which does not widen a float32 tensor either. */
function isWholeNumber(tensor: Tensor | undefined): boolean {
  return tensor?.sizes.length === 0 && WHOLE.has(tensor.scalarType)
}

const WHOLE: ReadonlySet<ScalarType> = new Set<ScalarType>(['Bool', 'Byte', 'Char', 'Short', 'Int', 'Long'])
