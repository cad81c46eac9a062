import { toIValue, type Node, type Value } from '../ir/graph.ts'
import { schemaName } from '../ir/schema.ts'
import type { Layout } from '../passes/layout-analysis.ts'
import { PREPACKED_RUNS } from '../passes/prepacked-context.ts'
import { constantInts, constantNumber, constantTensor, isNone } from '../passes/rewriting.ts'
import type { Lack } from '../passes/run-on-cpu.ts'
import { VULKAN_PLANNERS } from '../passes/vulkan-insert-prepacked-ops.ts'
import { METAL_OPERATORS } from './metal-operators.generated.ts'
import { VULKAN_OPERATORS } from './vulkan-operators.generated.ts'
import { flawOfMaxima, flawOfMeans } from './vulkan-pooling.ts'

type LayoutOf = (value: Value) => Layout

const CONVOLUTIONS = ['conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', 'conv_transpose2d', 'conv_transpose3d', '_convolution', '_convolution_mode', 'convolution']
  .map((name) => `aten::${name}`)

/**
 * What Vulkan computes wrongly without telling. Convolutions are run through the packed form in any case (`convolution` in
 * aten/src/ATen/native/vulkan/ops/Convolution.cpp), recurrent layers do not carry their state along a sequence (Gru.cpp, Lstm.cpp), a
 * matrix that is computed is taken for a packed one (`pack_weights` in Mm.cpp), pooling has its own idea of padding
 * (vulkan-pooling.ts), and quantized values are not rounded (glsl/quantize_per_tensor.glsl).
 */
const FLAWED: Readonly<Record<string, Lack>> = {
  ...Object.fromEntries([...CONVOLUTIONS, 'aten::gru', 'aten::lstm', 'aten::linear'].map((kind) => [kind, notPackable])),
  'aten::addmm': () => 'the runtime adds its bias to the first row only',
  'aten::quantize_per_tensor': () => 'the runtime cuts decimals off instead of rounding, and does not cut off at the ends of the type',
  'aten::mm': computedMatrix,
  'aten::matmul': computedMatrix,
  'aten::avg_pool2d': flawOfMeans,
  'aten::max_pool2d': flawOfMaxima,
}

/** What is left after packing; the rest is packed as well when it is called. */
function notPackable(node: Node, layoutOf: LayoutOf): string | undefined {
  if (isNone(node.input(2)) && CONVOLUTIONS.includes(node.kind)) return 'the runtime wants a bias'
  const planner = VULKAN_PLANNERS[node.kind]
  const plan = planner === undefined ? 'the runtime has no form of it' : planner(node, layoutOf(node.input(0)))
  return typeof plan === 'string' ? plan : undefined
}

function computedMatrix(node: Node): string | undefined {
  return constantTensor(node.input(1))?.sizes.length === 2 ? undefined : 'the runtime takes a matrix that is computed for a packed one'
}

/** Operators that PyTorch writes in terms of others which Vulkan has; all run on Vulkan 1.13 with the right results. */
const COMPOSITE: ReadonlySet<string> = new Set([
  'relu6', 'relu6_', 'flatten.using_ints', 'reshape', 'adaptive_avg_pool2d', 'chunk', 'split.Tensor', 'narrow', 'unbind.int', 'softmax.int', 'log_softmax.int',
  'upsample_nearest2d.vec', 'dropout', 'feature_dropout', 'contiguous', 'detach', 'to.device', 'to.dtype', 'to.dtype_layout', 'to.other', 'to.prim_Device',
  'to.prim_dtype', 'to.prim_other', 'conv2d', 'conv_transpose2d.input', 'linear', 'matmul', 'type_as', 'cpu',
].map((name) => `aten::${name}`))

const rank = (...allowed: readonly number[]): Lack => (node, layoutOf) =>
  allowed.includes(layoutOf(node.input(0)).rank ?? NaN) ? undefined : `the runtime takes tensors of ${allowed.join(' or ')} dimensions only, as its input is not certain to be`

const dimension = (argument: number, rankWanted: number, ...allowed: readonly number[]): Lack => (node, layoutOf) => {
  const dim = constantNumber(node.input(argument))
  const wanted = rank(rankWanted)(node, layoutOf)
  return wanted ?? (dim !== undefined && allowed.includes(dim < 0 ? dim + rankWanted : dim) ? undefined : `the runtime takes dimension ${allowed.join(' or ')} only`)
}

/** Sizes of more dimensions than an image has. */
const sized = (argument: number): Lack => (node) => {
  const count = listLength(node.input(argument))
  return count !== undefined && count >= 1 && count <= 4 ? undefined : 'its result is not certain to have 1 to 4 dimensions'
}

function listLength(value: Value): number | undefined {
  const constant = toIValue(value)
  if (constant?.tag === 'List') return constant.elements.length
  return value.node.kind === 'prim::ListConstruct' ? value.node.inputs.length : undefined
}

const ofList = (dims: readonly number[]): Lack => (node, layoutOf) => {
  const dim = constantNumber(node.input(1))
  const elements = node.input(0).node.kind === 'prim::ListConstruct' ? node.input(0).node.inputs : []
  const areImages = elements.length > 0 && elements.every((element) => layoutOf(element).rank === 4)
  return areImages && dim !== undefined && dims.includes(dim < 0 ? dim + 4 : dim) ? undefined : 'the runtime does this with images of 4 dimensions, along channels or rows, only'
}

/** What kernels of Vulkan ask of their arguments, and fail without (the checks in aten/src/ATen/native/vulkan/ops). */
const CONDITIONS: Readonly<Record<string, Lack>> = {
  'aten::softmax': dimension(1, 4, 1), 'aten::log_softmax': dimension(1, 4, 1), 'aten::glu': dimension(1, 4, 1), 'aten::cumsum': dimension(1, 4, 2),
  'aten::select': dimension(1, 3, 0), 'aten::unbind': dimension(1, 3, 0), 'aten::cat': ofList([1, 2]), 'aten::stack': () => 'the runtime takes matrices only',
  'aten::mean': (node, layoutOf) => rank(4)(node, layoutOf) ?? (constantInts(node.input(1))?.map((dim) => dim < 0 ? dim + 4 : dim).toSorted().join() === '2,3'
    ? undefined : 'the runtime takes means of whole images only'),
  'aten::linear': rank(2), 'aten::matmul': rank(2), 'aten::mm': rank(2),
  'aten::view': sized(1), 'aten::reshape': sized(1),
  'aten::avg_pool2d': rank(4), 'aten::max_pool2d': rank(4), 'aten::adaptive_avg_pool2d': rank(4), 'aten::upsample_nearest2d': rank(4),
  'aten::batch_norm': (node, layoutOf) => rank(4)(node, layoutOf) ?? (isNone(node.input(1)) || isNone(node.input(2)) ? 'the runtime wants a weight and a bias' : undefined),
  'aten::layer_norm': (node, layoutOf) => rank(4)(node, layoutOf)
    ?? (listLength(node.input(1)) === 3 && !isNone(node.input(2)) && !isNone(node.input(3)) ? undefined : 'the runtime normalizes whole images with a weight and a bias only'),
  'aten::lerp': ({ schema }) => schema?.overload === 'Tensor' ? 'the runtime takes weights on Vulkan only' : undefined,
  'aten::to': toFloat,
  'aten::reflection_pad2d': rank(4), 'aten::replication_pad2d': rank(4),
}

/** ScalarType::Float. */
const FLOAT = 6

function toFloat({ schema, inputs }: Node): string | undefined {
  const dtype = inputs[schema?.arguments.findIndex(({ name }) => name === 'dtype') ?? -1]
  return dtype === undefined || isNone(dtype) || constantNumber(dtype) === FLOAT ? undefined : 'the runtime has tensors of float32 only'
}

const KERNELS: Readonly<Record<'vulkan' | 'metal', ReadonlySet<string>>> = { vulkan: new Set(VULKAN_OPERATORS), metal: new Set(METAL_OPERATORS) }

function hasKernel(node: Node, backend: 'vulkan' | 'metal'): boolean {
  return node.schema === undefined || PREPACKED_RUNS[node.kind] !== undefined || KERNELS[backend].has(schemaName(node.schema))
}

/** Operators that Vulkan computes wrongly. */
export const flawedOnVulkan: Lack = (node, layoutOf) => FLAWED[node.kind]?.(node, layoutOf)

/** Operators that Vulkan computes wrongly, lacks, or refuses in this form. */
export const lackingOnVulkan: Lack = (node, layoutOf) => {
  const flaw = flawedOnVulkan(node, layoutOf)
  if (flaw !== undefined) return flaw
  if (!hasKernel(node, 'vulkan') && !COMPOSITE.has(schemaName(node.schema!))) return 'the runtime lacks it'
  return CONDITIONS[node.kind]?.(node, layoutOf)
}

/** Convolutions that are not packed: Metal has no other kernels for them. */
export const convolutionsOnMetal: Lack = (node) => CONVOLUTIONS.includes(node.kind) ? 'the runtime has no form of it' : undefined

/** Operators that PyTorch writes in terms of others which Metal has. */
const METAL_COMPOSITE: ReadonlySet<string> = new Set([
  'relu6', 'relu6_', 'dropout', 'feature_dropout', 'to.device', 'to.dtype', 'to.dtype_layout', 'to.other', 'to.prim_Device', 'to.prim_dtype', 'to.prim_other', 'cpu',
].map((name) => `aten::${name}`))

/** Operators that Metal lacks; convolutions of any kind run, packed or on the CPU. */
export const lackingOnMetal: Lack = (node) =>
  hasKernel(node, 'metal') || CONVOLUTIONS.includes(node.kind) || METAL_COMPOSITE.has(schemaName(node.schema!)) ? undefined : 'the runtime lacks it'
