import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import { constantInts, constantNumber, isNone } from './rewriting.ts'

/**
 * Values that are one row of a matrix whenever the model runs right on Vulkan, whose convolutions compute batches of one image only: what
 * is left of such an image when all but its batch has become one dimension. One pass, front to back.
 */
export function hasOneRow(graph: Graph): (value: Value) => boolean {
  const known = new Map<Value, Batch>()
  for (const node of allNodes(graph.block)) {
    if (node.outputs.length !== 1 || node.blocks.length > 0) continue
    const found = batchOf(node, known)
    if (found !== undefined) known.set(node.output, found)
  }
  return (value) => known.get(value) === 'row'
}

/** Of a batch of one: an image of four dimensions, or a row of two. */
type Batch = 'image' | 'row'

const CONVOLUTIONS: ReadonlySet<string> = new Set(['aten::conv2d', 'aten::conv_transpose2d', 'vulkan_prepack::run_conv2d_context', 'vulkan_prepack::run_tconv2d_context'])

/** Operators that keep the shape of their first input, or its first dimension and the number of dimensions. */
const KEEPING: ReadonlySet<string> = new Set([
  'relu', 'relu6', 'hardtanh', 'clamp', 'sigmoid', 'tanh', 'gelu', 'silu', 'hardswish', 'hardsigmoid', 'leaky_relu', 'elu', 'selu', 'dropout',
  'feature_dropout', 'batch_norm', 'max_pool2d', 'avg_pool2d', 'adaptive_avg_pool2d', 'adaptive_max_pool2d', 'contiguous', 'linear', 'log_softmax', 'softmax',
  'detach', 'clone', 'layer_norm',
].flatMap((name) => [`aten::${name}`, `aten::${name}_`]))

function batchOf(node: Node, known: ReadonlyMap<Value, Batch>): Batch | undefined {
  if (CONVOLUTIONS.has(node.kind)) return 'image'
  if (node.kind === 'aten::cat') return concatenated(node, known)
  const input = node.inputs[0] === undefined ? undefined : known.get(node.inputs[0])
  if (input === undefined) return undefined
  if (KEEPING.has(node.kind) || node.kind === 'vulkan_prepack::run_linear_context') return input
  switch (node.kind) {
    case 'aten::add': case 'aten::add_': case 'aten::mul': case 'aten::mul_':
      return node.input(1).type.kind === 'TensorType' && known.get(node.input(1)) !== input ? undefined : input
    case 'aten::flatten': return constantNumber(node.input(1)) === 1 && constantNumber(node.input(2)) === -1 ? 'row' : undefined
    case 'aten::view': case 'aten::reshape': return flattened(node.input(1), known) ? 'row' : undefined
    case 'aten::mean': return input === 'image' && overImage(node) ? 'row' : undefined
    default: return undefined
  }
}

/** Images side by side in channels, rows or columns. */
function concatenated(node: Node, known: ReadonlyMap<Value, Batch>): Batch | undefined {
  const { kind, inputs } = node.input(0).node
  const isInside = (constantNumber(node.input(1)) ?? 0) > 0
  return kind === 'prim::ListConstruct' && isInside && inputs.length > 0 && inputs.every((each) => known.get(each) === 'image') ? 'image' : undefined
}

/** Sizes of a row: `[x.size(0), -1]`, `[1, n]`. */
function flattened(sizes: Value, known: ReadonlyMap<Value, Batch>): boolean {
  const constant = constantInts(sizes)
  if (constant !== undefined) return constant.length === 2 && constant[0] === 1
  const { kind, inputs } = sizes.node
  if (kind !== 'prim::ListConstruct' || sizes.uses.size !== 1 || inputs.length !== 2) return false
  return constantNumber(inputs[0]!) === 1 || isBatchSize(inputs[0]!, known)
}

/** The first size of such a value, or of the image that a convolution takes. */
function isBatchSize({ node }: Value, known: ReadonlyMap<Value, Batch>): boolean {
  if (node.kind !== 'aten::size' || node.inputs.length !== 2 || constantNumber(node.input(1)) !== 0) return false
  const of = node.input(0)
  return known.has(of) || [...of.uses].some(({ user, offset }) => offset === 0 && CONVOLUTIONS.has(user.kind))
}

/** A mean of height and width that drops both. */
function overImage(node: Node): boolean {
  if (node.schema?.overload !== 'dim' || !isNone(node.input(3))) return false
  const dims = constantInts(node.input(1))?.map((dim) => dim < 0 ? dim + 4 : dim).toSorted()
  const keep = toIValue(node.input(2))
  return dims?.join() === '2,3' && keep?.tag === 'Bool' && !keep.value
}
