import { isContiguous } from '../archive/tensor.ts'
import { allNodes, toIValue, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { constantInts, constantNumber, constantTensor } from './rewriting.ts'

/** What is certain of a tensor whenever the model runs without an error. */
export interface Layout {
  /** Number of dimensions. */
  readonly rank?: number
  /** True when its elements certainly lie in row-major order. */
  readonly rowMajor: boolean
}

const UNKNOWN: Layout = { rowMajor: false }

/** Layouts of all tensors of a graph whose layout is certain; one pass, front to back. */
export function analyzeLayouts(graph: Graph): (value: Value) => Layout {
  for (const node of allNodes(graph.block)) if (changesShape(node)) return () => UNKNOWN
  const layouts = new Map<Value, Layout>()
  const layoutOf = (value: Value): Layout => layouts.get(value) ?? constantLayout(value)
  visit(graph.block, layouts, layoutOf)
  return layoutOf
}

/** In-place operators that give their input another shape, so that what is known of a value ends there. */
const RESHAPING: ReadonlySet<string> = new Set([
  'resize_', 'resize_as_', 'set_', 'as_strided_', 'unsqueeze_', 'squeeze_', 't_', 'transpose_', 'swapaxes_', 'swapdims_',
].map((name) => `aten::${name}`))

function changesShape(node: Node): boolean {
  return RESHAPING.has(node.kind) || (node.schema?.arguments.some((argument) => argument.isOut || argument.name === 'out') ?? false)
}

function constantLayout(value: Value): Layout {
  const tensor = constantTensor(value)
  return tensor === undefined ? UNKNOWN : { rank: tensor.sizes.length, rowMajor: isContiguous(tensor) }
}

function visit(block: Block, layouts: Map<Value, Layout>, layoutOf: (value: Value) => Layout): void {
  for (const node of block.nodes()) {
    for (const inner of node.blocks) visit(inner, layouts, layoutOf)
    if (node.kind === 'prim::If') {
      const [yes, no] = node.blocks as [Block, Block]
      node.outputs.forEach((output, i) => layouts.set(output, join(layoutOf(yes.outputs[i]!), layoutOf(no.outputs[i]!))))
      continue
    }
    if (node.kind === 'prim::ListUnpack') {
      const { rank } = partsOf(node.input(0), layoutOf)
      for (const output of node.outputs) layouts.set(output, layout(rank, false))
      continue
    }
    const rule = RULES.get(node.kind)
    if (rule === undefined || node.outputs.length !== 1) continue
    layouts.set(node.output, rule(node, layoutOf))
  }
}

/** What is known of the parts of a tensor, in a list that nothing else could have changed. */
function partsOf(list: Value, layoutOf: (value: Value) => Layout): Layout {
  return SPLITS.has(list.node.kind) && list.uses.size === 1 ? layoutOf(list.node.input(0)) : UNKNOWN
}

const SPLITS: ReadonlySet<string> = new Set(['chunk', 'split', 'split_with_sizes', 'tensor_split'].map((name) => `aten::${name}`))

function join(a: Layout, b: Layout): Layout {
  return layout(a.rank === b.rank ? a.rank : undefined, a.rowMajor && b.rowMajor)
}

function layout(rank: number | undefined, rowMajor: boolean): Layout {
  return rank === undefined ? { rowMajor } : { rank, rowMajor }
}

type Rule = (node: Node, layoutOf: (value: Value) => Layout) => Layout

const sameAsInput: Rule = (node, layoutOf) => layoutOf(node.input(0))
const sameRank: Rule = (node, layoutOf) => layout(layoutOf(node.input(0)).rank, false)
/** Further tensors, as the bounds of `clamp.Tensor`, may widen the result. */
const elementwise: Rule = (node, layoutOf) => node.inputs.slice(1).some((value) => value.type.kind === 'TensorType') ? UNKNOWN : layoutOf(node.input(0))
const fixed = (rank: number): Rule => () => ({ rank, rowMajor: false })
const sizedBy = (offset: number): Rule => (node, layoutOf) => layout(listLength(node.input(offset)), layoutOf(node.input(0)).rowMajor)

/** Length of a list that is a constant or built in one piece. */
function listLength(value: Value): number | undefined {
  const constant = toIValue(value)
  if (constant?.tag === 'List') return constant.elements.length
  return value.node.kind === 'prim::ListConstruct' && value.uses.size === 1 ? value.node.inputs.length : undefined
}

const broadcast: Rule = (node, layoutOf) => {
  const [a, b] = [layoutOf(node.input(0)), layoutOf(node.input(1))]
  if (node.input(1).type.kind !== 'TensorType') return a
  return layout(a.rank === undefined || b.rank === undefined ? undefined : Math.max(a.rank, b.rank), a.rowMajor && b.rowMajor)
}

/** As broadcast, in an order that is not known. */
const ranksOfBoth: Rule = (node, layoutOf) => layout(broadcast(node, layoutOf).rank, false)

const flatten: Rule = (node, layoutOf) => {
  const input = layoutOf(node.input(0))
  const start = constantNumber(node.input(1))
  const end = constantNumber(node.input(2))
  if (start === undefined || end === undefined) return layout(undefined, input.rowMajor)
  if (start >= 0 && end === -1) return layout(start + 1, input.rowMajor)
  if (input.rank === undefined) return layout(undefined, input.rowMajor)
  const [from, to] = [start, end].map((dim) => dim < 0 ? dim + input.rank! : dim) as [number, number]
  return layout(Math.max(1, input.rank - Math.max(0, to - from)), input.rowMajor)
}

const reduce: Rule = (node, layoutOf) => {
  const rank = layoutOf(node.input(0)).rank
  const dims = node.schema?.overload === 'dim' || node.schema?.overload === 'dim_IntList' ? constantInts(node.input(1)) : undefined
  if (rank === undefined || dims === undefined || dims.length === 0) return UNKNOWN
  const keepdim = toIValue(node.input(2))
  if (keepdim?.tag !== 'Bool') return UNKNOWN
  return layout(keepdim.value ? rank : rank - dims.length, false)
}

const concatenate: Rule = (node, layoutOf) => {
  const list = node.input(0).node
  if (list.kind !== 'prim::ListConstruct' || node.input(0).uses.size !== 1 || list.inputs.length === 0) return UNKNOWN
  // An empty tensor of one dimension may be concatenated with anything, so all ranks must be known and equal.
  return list.inputs.map(layoutOf).reduce(join)
}

const plusRank = (difference: number, keepsOrder: boolean): Rule => (node, layoutOf) => {
  const input = layoutOf(node.input(0))
  return layout(input.rank === undefined ? undefined : input.rank + difference, keepsOrder && input.rowMajor)
}

/** An index of `rank` dimensions selects rows, which adds one. */
function indexed(rank: number | undefined): number | undefined {
  return rank === undefined ? undefined : rank + 1
}

const ELEMENTWISE = ['relu', 'relu6', 'hardtanh', 'clamp', 'clamp_min', 'clamp_max', 'sigmoid', 'tanh', 'gelu', 'silu', 'hardswish',
  'hardsigmoid', 'leaky_relu', 'elu', 'selu', 'celu', 'softplus', 'mish', 'exp', 'log', 'sqrt', 'rsqrt', 'neg', 'abs', 'dropout',
  'feature_dropout', 'floor', 'ceil', 'round', 'sin', 'cos', 'erf', 'square', 'reciprocal', 'detach']

/** Quantized operators that give as many dimensions as they take. */
const QUANTIZED_SAME_RANK = ['linear', 'linear_relu', 'linear_dynamic', 'linear_relu_dynamic', 'hardswish', 'leaky_relu', 'elu', 'celu', 'prelu', 'sigmoid', 'softmax', 'clamp',
  'threshold', 'relu6', 'dropout', 'batch_norm', 'batch_norm2d', 'batch_norm3d', 'batch_norm_relu', 'batch_norm2d_relu', 'batch_norm3d_relu', 'layer_norm', 'group_norm',
  'instance_norm', 'max_pool2d']

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...ELEMENTWISE.flatMap((name): [string, Rule][] => [[`aten::${name}`, elementwise], [`aten::${name}_`, sameAsInput]]),
  ...['add', 'sub', 'mul', 'div', '_add_relu'].flatMap((name): [string, Rule][] => [[`aten::${name}`, broadcast], [`aten::${name}_`, sameAsInput]]),
  // XNNPACK takes nothing but four dimensions, and answers in its input's memory format.
  ['prepacked::conv2d_clamp_run', (node, layoutOf) => layout(4, layoutOf(node.input(0)).rowMajor)],
  // insert-prepacked-ops sees to it that no input of the next two is in channels_last, in which case the output is new and in order.
  ['prepacked::conv2d_transpose_clamp_run', () => layout(4, true)],
  ['prepacked::linear_clamp_run', (node, layoutOf) => layout(layoutOf(node.input(0)).rank, true)],
  // Nothing on a GPU lies in any order of ours.
  ...['vulkan_prepack::run_conv2d_context', 'vulkan_prepack::run_tconv2d_context', 'metal_prepack::conv2d_run'].map((name): [string, Rule] => [name, fixed(4)]),
  ['vulkan_prepack::run_linear_context', sameRank], ['metal_prepack::linear_run', fixed(2)],
  // Quantized convolutions check the dimensions of their input (ConvDimChecks in aten/src/ATen/native/quantized/cpu/qconv.cpp).
  ...[1, 2, 3].flatMap((n) => [`conv${n}d`, `conv${n}d_relu`, `conv${n}d_dynamic`, `conv_transpose${n}d`].map((name): [string, Rule] => [`quantized::${name}`, fixed(n + 2)])),
  ...QUANTIZED_SAME_RANK.map((name): [string, Rule] => [`quantized::${name}`, sameRank]),
  ...['add', 'add_relu', 'mul', 'mul_relu'].map((name): [string, Rule] => [`quantized::${name}`, ranksOfBoth]),
  ...['aten::quantize_per_tensor', 'aten::quantize_per_tensor_dynamic', 'aten::quantize_per_channel'].map((name): [string, Rule] => [name, sameRank]),
  ['aten::dequantize', sameRank], ['quantized::cat', concatenate], ['quantized::cat_relu', concatenate], ['aten::channel_shuffle', sameRank],
  ['aten::batch_norm', sameAsInput],
  ['aten::contiguous', (node, layoutOf) => layout(layoutOf(node.input(0)).rank, constantNumber(node.input(1)) === 0)],
  ['aten::layer_norm', (node, layoutOf) => layout(layoutOf(node.input(0)).rank, true)],
  ['aten::embedding', (node, layoutOf) => layout(indexed(layoutOf(node.input(1)).rank), true)],
  ['aten::linear', sameRank], ['aten::softmax', sameRank], ['aten::log_softmax', sameRank], ['aten::slice', sameRank],
  ['aten::transpose', sameRank], ['aten::roll', sameRank], ['aten::group_norm', sameRank],
  ['aten::max_pool2d', sameAsInput], ['aten::avg_pool2d', sameAsInput], ['aten::adaptive_avg_pool2d', sameAsInput],
  ['aten::upsample_bilinear2d', fixed(4)], ['aten::upsample_nearest2d', fixed(4)],
  ['aten::mm', fixed(2)], ['aten::addmm', fixed(2)], ['aten::bmm', fixed(3)], ['aten::baddbmm', fixed(3)],
  ['aten::conv_transpose3d', sameRank], ['aten::conv3d', sameRank], ['aten::conv2d', sameRank], ['aten::conv1d', sameRank],
  ['aten::view', sizedBy(1)], ['aten::reshape', sizedBy(1)],
  ['aten::permute', (node) => layout(listLength(node.input(1)), false)], ['aten::expand', (node) => layout(listLength(node.input(1)), false)],
  ['aten::flatten', flatten], ['aten::mean', reduce], ['aten::sum', reduce], ['aten::cat', concatenate],
  ['aten::unsqueeze', plusRank(1, true)], ['aten::squeeze', (node, layoutOf) => layout(undefined, layoutOf(node.input(0)).rowMajor)],
  ['aten::select', plusRank(-1, false)],
])
