import { SCALAR_TYPES, type ScalarType } from '../archive/tensor.ts'
import { allNodes, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { constantNumber, constantTensor } from './rewriting.ts'

type TypeOf = (value: Value) => ScalarType | undefined
type Rule = (node: Node, typeOf: TypeOf) => ScalarType | undefined

/** The element types of tensors that certainly are quantized whenever the model runs without an error; one pass, front to back. */
export function analyzeQuantized(graph: Graph): (value: Value) => ScalarType | undefined {
  const types = new Map<Value, ScalarType>()
  const typeOf: TypeOf = (value) => types.get(value) ?? constantType(value)
  for (const node of allNodes(graph.block)) if (node.kind === 'aten::set_') return () => undefined
  visit(graph.block, types, typeOf)
  return typeOf
}

function constantType(value: Value): ScalarType | undefined {
  const tensor = constantTensor(value)
  return tensor?.quantizer && tensor.scalarType
}

function visit(block: Block, types: Map<Value, ScalarType>, typeOf: TypeOf): void {
  const set = (value: Value, type: ScalarType | undefined): void => { if (type !== undefined) types.set(value, type) }
  for (const node of block.nodes()) {
    for (const inner of node.blocks) visit(inner, types, typeOf)
    if (node.kind === 'prim::If') node.outputs.forEach((output, i) => set(output, common(node.blocks.map(({ outputs }) => typeOf(outputs[i]!)))))
    else if (node.kind === 'prim::ListUnpack') for (const output of node.outputs) set(output, unpacked(node.input(0), typeOf))
    else if (node.outputs.length === 1 && node.output.type.kind === 'TensorType') set(node.output, RULES.get(node.kind)?.(node, typeOf))
  }
}

function common(types: readonly (ScalarType | undefined)[]): ScalarType | undefined {
  return types.every((type) => type === types[0]) ? types[0] : undefined
}

/** The type of parts of a quantized tensor, in a list that nothing else could have changed. */
function unpacked(list: Value, typeOf: TypeOf): ScalarType | undefined {
  return PARTS.has(list.node.kind) && list.uses.size === 1 ? typeOf(list.node.input(0)) : undefined
}

const PARTS: ReadonlySet<string> = new Set(['chunk', 'split', 'split_with_sizes', 'tensor_split', 'unbind'].map((name) => `aten::${name}`))

/** `view.dtype` is the one of these that gives another type. */
const likeInput: Rule = (node, typeOf) => node.schema?.overload === 'dtype' ? undefined : typeOf(node.input(0))
const likeBoth: Rule = (node, typeOf) => common(node.inputs.slice(0, 2).map(typeOf))
const likeAll: Rule = (node, typeOf) => {
  const list = node.input(0).node
  return list.kind === 'prim::ListConstruct' && node.input(0).uses.size === 1 && list.inputs.length > 0 ? common(list.inputs.map(typeOf)) : undefined
}
/** The type that an argument names. */
const asAsked = (offset: number): Rule => (node) => {
  const code = constantNumber(node.input(offset))
  return (Object.keys(SCALAR_TYPES) as ScalarType[]).find((type) => SCALAR_TYPES[type].code === code && type.startsWith('Q'))
}

/** Operators of ATen with kernels for quantized tensors that give one of their input's type. */
const ATEN = ['relu', 'hardtanh', 'clamp', 'sigmoid', 'tanh', 'gelu', 'hardsigmoid', 'leaky_relu', 'elu', 'threshold', 'dropout', 'feature_dropout',
  'max_pool1d', 'max_pool2d', 'avg_pool2d', 'avg_pool3d', 'adaptive_avg_pool2d', 'adaptive_avg_pool3d', 'mean', 'upsample_bilinear2d', 'upsample_nearest2d',
  'upsample_nearest3d', 'view', 'reshape', 'flatten', 'permute', 'transpose', 'unsqueeze', 'squeeze', 'select', 'slice', 'expand', 'contiguous', 'clone', 'detach',
  'channel_shuffle', 'index_select', 't', 'flip', 'alias']

const QUANTIZED = ['conv1d', 'conv2d', 'conv3d', 'conv1d_relu', 'conv2d_relu', 'conv3d_relu', 'conv_transpose1d', 'conv_transpose2d', 'conv_transpose3d', 'linear',
  'linear_relu', 'batch_norm', 'batch_norm1d', 'batch_norm2d', 'batch_norm3d', 'batch_norm_relu', 'batch_norm1d_relu', 'batch_norm2d_relu', 'batch_norm3d_relu',
  'layer_norm', 'group_norm', 'instance_norm', 'hardswish', 'leaky_relu', 'elu', 'celu', 'prelu', 'sigmoid', 'softmax', 'clamp', 'threshold', 'relu6', 'dropout',
  'max_pool1d', 'max_pool2d']

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...ATEN.flatMap((name): [string, Rule][] => [[`aten::${name}`, likeInput], [`aten::${name}_`, likeInput]]),
  ...QUANTIZED.map((name): [string, Rule] => [`quantized::${name}`, likeInput]),
  ...['add', 'add_relu', 'mul', 'mul_relu'].map((name): [string, Rule] => [`quantized::${name}`, (node, typeOf) => (node.schema?.overload === '' ? likeBoth : likeInput)(node, typeOf)]),
  ...['quantized::cat', 'quantized::cat_relu', 'aten::cat'].map((name): [string, Rule] => [name, likeAll]),
  ['aten::quantize_per_tensor', asAsked(3)], ['aten::quantize_per_tensor_dynamic', asAsked(1)], ['aten::quantize_per_channel', asAsked(4)],
])
