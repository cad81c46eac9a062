import { computedStorage, elements, isDense, MAX_GATHER_BYTES, scaledByChannel, spannedElements } from '../archive/derived-storage.ts'
import type { Tensor } from '../archive/tensor.ts'
import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { tensorValue } from '../ir/ivalue.ts'
import { analyzeLayouts } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { constantBool, constantNumber, constantTensor, insertConstant, isNone, onlyUsedBy, replaceNode, changingConstants } from './rewriting.ts'

/** Convolutions whose weight has its output channels in dimension 0, with the weight's number of dimensions. */
const CONVOLUTIONS: Readonly<Record<string, number>> = { 'aten::conv1d': 3, 'aten::conv2d': 4, 'aten::conv3d': 5 }

/**
 * Folds an evaluated batch norm into the convolution before it, on the frozen graph: for scripted and traced models alike, and per
 * call, so that a convolution used with two batch norms is folded into both.
 *
 * The arithmetic is `computeUpdatedConvWeightAndBias` of torch/csrc/jit/passes/fold_conv_bn.cpp in float32, every step rounded, so
 * that the weights equal PyTorch's bit for bit. Nothing is read here: the new weights are computed while they are written.
 *
 * A conv1d, which PyTorch does not fold, is folded only where its input certainly has a batch: BatchNorm1d takes the two dimensions of
 * an unbatched result for batch and channels. BatchNorm2d and 3d refuse what has no batch.
 */
export function foldConvBatchNorm(graph: Graph, log: PassLog): void {
  let changed = 0
  let layoutOf: ReturnType<typeof analyzeLayouts> | undefined
  const changeOf = changingConstants(graph)
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'aten::batch_norm') continue
    const conv = node.input(0).node
    const rank = CONVOLUTIONS[conv.kind]
    if (rank === undefined) continue
    const unbatched = conv.kind === 'aten::conv1d' && (layoutOf ??= analyzeLayouts(graph))(conv.input(0)).rank !== 3
    const plan = unbatched ? 'its input is not certain to have a batch dimension' : planFold(conv, rank, node, changeOf)
    if (typeof plan === 'string') {
      log.declined('conv_bn_fusion', `${conv.kind} + aten::batch_norm`, plan)
      continue
    }
    apply(conv, node, plan)
    changed++
  }
  if (changed > 0) log.changed('conv_bn_fusion', changed)
}

interface Fold {
  readonly weight: Tensor
  readonly bias: Tensor | undefined
  readonly gamma: Tensor | undefined
  readonly beta: Tensor | undefined
  readonly mean: Tensor
  readonly variance: Tensor
  readonly eps: number
}

/** What to fold, or the reason why not. */
function planFold(conv: Node, rank: number, norm: Node, changeOf: (value: Value) => string | undefined): Fold | string {
  if (conv.schema?.overload === 'padding') return 'its padding is given as a word'
  if (conv.owningBlock !== norm.owningBlock || !onlyUsedBy(conv.output, norm)) return "the convolution's result is used elsewhere, too"
  const training = constantBool(norm.input(5))
  if (training === undefined) return 'whether the batch norm is in training mode is decided while the model runs'
  if (training) return 'the batch norm is in training mode: it normalizes by the statistics of its input'
  const weight = constantTensor(conv.input(1))
  const mean = constantTensor(norm.input(3))
  const variance = constantTensor(norm.input(4))
  const eps = constantNumber(norm.input(7))
  if (weight === undefined) return "the convolution's weight is not constant"
  if (mean === undefined || variance === undefined || eps === undefined) return 'the batch norm has no constant running statistics'
  const bias = optionalTensor(conv.input(2))
  const gamma = optionalTensor(norm.input(1))
  const beta = optionalTensor(norm.input(2))
  if (bias === 'variable' || gamma === 'variable' || beta === 'variable') return 'a bias or gain is not constant'
  const change = [...conv.inputs, ...norm.inputs].map(changeOf).find((why) => why !== undefined)
  if (change !== undefined) return `a weight ${change}`
  const channels = weight.sizes[0]!
  if (weight.sizes.length !== rank) return `the weight has ${weight.sizes.length} dimensions`
  for (const vector of [bias, gamma, beta, mean, variance]) {
    if (vector !== undefined && (vector.sizes.length !== 1 || vector.sizes[0] !== channels)) return 'a bias, gain or statistic has another number of channels'
  }
  for (const tensor of [weight, bias, gamma, beta, mean, variance]) {
    if (tensor !== undefined && (tensor.scalarType !== 'Float' || tensor.quantizer !== undefined)) return `a tensor is ${tensor.scalarType}, not Float`
    if (tensor !== undefined && tensor !== weight && spannedElements(tensor) * 4 > MAX_GATHER_BYTES) return 'a bias, gain or statistic is spread too far in memory'
  }
  if (!isDense(weight) && spannedElements(weight) * 4 > MAX_GATHER_BYTES) return 'the weight is a view of scattered elements of a large tensor'
  return { weight, bias, gamma, beta, mean, variance, eps }
}

/** The constant tensor of an optional argument; undefined for None. */
function optionalTensor(value: Value): Tensor | undefined | 'variable' {
  return isNone(value) ? undefined : constantTensor(value) ?? 'variable'
}

function apply(conv: Node, norm: Node, fold: Fold): void {
  const { weight, bias } = folded(fold)
  conv.replaceInput(1, insertConstant(conv, tensorValue(weight)))
  conv.replaceInput(2, insertConstant(conv, tensorValue(bias)))
  replaceNode(norm, conv.output)
}

/** The convolution's new weight and bias, computed when they are read. */
function folded(fold: Fold): { weight: Tensor; bias: Tensor } {
  const channels = fold.weight.sizes[0]!
  const parts = { gamma: fold.gamma, beta: fold.beta, mean: fold.mean, variance: fold.variance, bias: fold.bias }
  const names = Object.values(parts).map((tensor) => tensor === undefined ? '' : tensorIdentity(tensor))
  const identity = `fold_conv_bn[${[...names, fold.eps].join(',')}]`
  let pending: Promise<{ scale: Float32Array; bias: Float32Array }> | undefined
  const compute = () => pending ??= channelValues(fold, channels)
  const storage = computedStorage(`${identity}.bias`, channels * 4, async () => (await compute()).bias)
  return {
    weight: scaledByChannel(fold.weight, async () => (await compute()).scale, identity),
    bias: { scalarType: 'Float', sizes: [channels], strides: [1], storageOffset: 0, storage, requiresGrad: false },
  }
}

function tensorIdentity(tensor: Tensor): string {
  return `${tensor.storage.identity}+${tensor.storageOffset}*${tensor.strides[0]}`
}

/** `gamma * rsqrt(variance + eps)` and `(bias - mean) * rsqrt(variance + eps) * gamma + beta`, per channel. */
async function channelValues(fold: Fold, channels: number): Promise<{ scale: Float32Array; bias: Float32Array }> {
  const read = async (tensor: Tensor | undefined, missing: number): Promise<Float32Array> =>
    tensor === undefined ? new Float32Array(channels).fill(missing) : elements(tensor)
  const gamma = await read(fold.gamma, 1)
  const beta = await read(fold.beta, 0)
  const mean = await read(fold.mean, 0)
  const variance = await read(fold.variance, 1)
  const convBias = await read(fold.bias, 0)
  const { fround, sqrt } = Math
  const eps = fround(fold.eps)
  const scale = new Float32Array(channels)
  const bias = new Float32Array(channels)
  for (let c = 0; c < channels; c++) {
    const inverse = fround(1 / fround(sqrt(fround(variance[c]! + eps))))
    scale[c] = fround(gamma[c]! * inverse)
    bias[c] = fround(fround(fround(convBias[c]! - mean[c]!) * inverse) * gamma[c]!) + beta[c]!
  }
  return { scale, bias }
}
