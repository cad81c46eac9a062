import { dense } from '../kernels/dense.ts'
import { normKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { contiguousStrides, numelOf, type Tensor } from '../tensor.ts'
import { type Results, results } from '../values.ts'
import { requireFit } from './nn/arguments.ts'
import { type Moments, momentsOf, normalizeRows, normalizing, scaleChannels } from './nn/normalization.ts'
import { fromNumbers, requireFloats, toNumbers } from './nn/numbers.ts'

type Optional = Tensor | null

/** float32's and float64's smallest difference from 1. */
const EPSILON = { float32: 2 ** -23, float64: 2 ** -52, float16: 2 ** -10 } as Readonly<Record<string, number>>

function requireChannels(m: Machine, input: Tensor, others: readonly Optional[]): void {
  const { sizes } = input
  requireFloats(m, input)
  requireFit(m, sizes.length > 1, sizes)
  for (const each of others) if (each) requireFit(m, each.numel === sizes[1], sizes, each)
}

/** Normalizes by statistics that the model brings; what follows from them is computed once. */
function byRunning(
  m: Machine, input: Tensor, weight: Optional, bias: Optional, mean: Optional, variance: Optional, epsilon: number,
): Tensor {
  if (!mean || !variance) throw m.fail('expected running_mean and running_var outside of training')
  const all = [weight, bias, mean, variance]
  const channels = input.sizes[1]!
  const make = (): ReturnType<typeof normalizing> => {
    const moments = { means: toNumbers(m, mean), variances: toNumbers(m, variance) }
    return normalizing(m, moments, epsilon, channels, channels, weight, bias, input.dtype === 'float32')
  }
  const stay = all.every((each) => !each || each.storage.born < 0)
  const key = JSON.stringify([epsilon, input.dtype, all.map((each) => each && [each.storage.pointer, each.storage.version, each.offset])])
  const { scale, shift } = stay ? m.cached(variance, key, make) : make()
  return scaleChannels(m, input, scale, shift)
}

/** Moves running statistics, which have one number for each channel, towards those of this input. */
function follow(m: Machine, running: Optional, batch: Float64Array, momentum: number): void {
  if (!running) return
  m.writing(running)
  const known = toNumbers(m, running)
  const channels = known.length
  const images = batch.length / channels
  const next = known.map((value, channel) => {
    let sum = 0
    for (let i = channel; i < batch.length; i += channels) sum += batch[i]!
    return (1 - momentum) * value + momentum * sum / images
  })
  m.assign(running, fromNumbers(m, running.dtype, running.sizes, next))
}

/** Normalizes by the statistics of the input itself, of each image or of all together. */
function byOwn(
  m: Machine, input: Tensor, groups: number, together: boolean, weight: Optional, bias: Optional, epsilon: number,
): { result: Tensor; moments: Moments } {
  const moments = momentsOf(m, input, groups, together)
  const { scale, shift } = normalizing(m, moments, epsilon, input.sizes[1]!, groups, weight, bias, input.dtype === 'float32')
  return { result: scaleChannels(m, input, scale, shift), moments }
}

/** With running statistics, which follow the input's. */
function inTraining(
  m: Machine, input: Tensor, together: boolean, weight: Optional, bias: Optional, mean: Optional, variance: Optional, momentum: number,
  epsilon: number,
): { result: Tensor; moments: Moments } {
  const [batch, channels] = input.sizes as [number, number]
  const normalized = byOwn(m, input, channels, together, weight, bias, epsilon)
  const { means, variances } = normalized.moments
  const count = numelOf(input.sizes.slice(2)) * (together ? batch : 1)
  follow(m, mean, means, momentum)
  follow(m, variance, variances.map((value) => value * count / (count - 1)), momentum)
  return normalized
}

function batchNorm(
  m: Machine, input: Tensor, weight: Optional, bias: Optional, mean: Optional, variance: Optional, training: boolean, momentum: number,
  epsilon: number,
): Tensor {
  requireChannels(m, input, [weight, bias, mean, variance])
  if (!training) return byRunning(m, input, weight, bias, mean, variance, epsilon)
  return inTraining(m, input, true, weight, bias, mean, variance, momentum, epsilon).result
}

/** With what the backward pass would want: of statistics that the model brings, nothing. */
function nativeBatchNorm(
  m: Machine, input: Tensor, weight: Optional, bias: Optional, mean: Optional, variance: Optional, training: boolean, momentum: number,
  epsilon: number,
): Results {
  requireChannels(m, input, [weight, bias, mean, variance])
  const saved = (values: Float64Array): Tensor => fromNumbers(m, input.dtype, [values.length], values)
  if (!training) {
    const none = new Float64Array(0)
    return results(byRunning(m, input, weight, bias, mean, variance, epsilon), saved(none), saved(none))
  }
  const { result, moments } = inTraining(m, input, true, weight, bias, mean, variance, momentum, epsilon)
  return results(result, saved(moments.means), saved(moments.variances.map((value) => 1 / Math.sqrt(value + epsilon))))
}

function instanceNorm(
  m: Machine, input: Tensor, weight: Optional, bias: Optional, mean: Optional, variance: Optional, own: boolean, momentum: number,
  epsilon: number,
): Tensor {
  requireChannels(m, input, [weight, bias, mean, variance])
  if (!own) return byRunning(m, input, weight, bias, mean, variance, epsilon)
  return inTraining(m, input, false, weight, bias, mean, variance, momentum, epsilon).result
}

function requireGroups(m: Machine, channels: number, groups: number): void {
  if (groups < 1 || channels % groups !== 0) throw m.fail(`${groups} groups do not divide ${channels} channels`)
}

function groupNorm(m: Machine, input: Tensor, groups: bigint, weight: Optional, bias: Optional, epsilon: number): Tensor {
  requireChannels(m, input, [weight, bias])
  requireGroups(m, input.sizes[1]!, Number(groups))
  return byOwn(m, input, Number(groups), false, weight, bias, epsilon).result
}

function nativeGroupNorm(
  m: Machine, input: Tensor, weight: Optional, bias: Optional, batch: bigint, channels: bigint, pixels: bigint, groups: bigint,
  epsilon: number,
): Results {
  requireFloats(m, input)
  requireGroups(m, Number(channels), Number(groups))
  const sizes = [Number(batch), Number(channels), Number(pixels)]
  const whole = m.contiguous(input)
  const { result, moments } = byOwn(m, whole.view(sizes, contiguousStrides(sizes)), Number(groups), false, weight, bias, epsilon)
  const saved = (values: Float64Array): Tensor => fromNumbers(m, input.dtype, [Number(batch), Number(groups)], values)
  const factors = moments.variances.map((value) => 1 / Math.sqrt(value + epsilon))
  return results(result.view(input.sizes, contiguousStrides(input.sizes)), saved(moments.means), saved(factors))
}

const operators: OperatorTable = {
  'aten::batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled)': batchNorm,
  'aten::native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)': nativeBatchNorm,
  'aten::_native_batch_norm_legit(input, weight, bias, running_mean, running_var, training, momentum, eps)': nativeBatchNorm,
  'aten::_native_batch_norm_legit.no_stats(input, weight, bias, training, momentum, eps)':
    (m, input: Tensor, weight: Optional, bias: Optional, training: boolean, momentum: number, epsilon: number) =>
      nativeBatchNorm(m, input, weight, bias, null, null, training, momentum, epsilon),
  'aten::_native_batch_norm_legit_no_training(input, weight, bias, running_mean, running_var, momentum, eps)':
    (m, input: Tensor, weight: Optional, bias: Optional, mean: Optional, variance: Optional, momentum: number, epsilon: number) =>
      nativeBatchNorm(m, input, weight, bias, mean, variance, false, momentum, epsilon),
  'aten::instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled)': instanceNorm,
  'aten::group_norm(input, num_groups, weight=None, bias=None, eps=1.0000000000000001e-05, cudnn_enabled=True)': groupNorm,
  'aten::native_group_norm(input, weight, bias, N, C, HxW, group, eps)': nativeGroupNorm,
  'aten::layer_norm(input, normalized_shape, weight=None, bias=None, eps=1.0000000000000001e-05, cudnn_enable=True)':
    (m, input: Tensor, shape: readonly bigint[], weight: Optional, bias: Optional, epsilon: number) =>
      normalizeRows(m, input, shape, weight, bias, epsilon, true).result,
  'aten::native_layer_norm(input, normalized_shape, weight, bias, eps)':
    (m, input: Tensor, shape: readonly bigint[], weight: Optional, bias: Optional, epsilon: number) => {
      const { result, means, factors } = normalizeRows(m, input, shape, weight, bias, epsilon, true)
      return results(result, means, factors)
    },
  'aten::rms_norm(input, normalized_shape, weight=None, eps=None)':
    (m, input: Tensor, shape: readonly bigint[], weight: Optional, epsilon: number | null) =>
      normalizeRows(m, input, shape, weight, null, epsilon ?? EPSILON[input.dtype]!, false).result,
}

const family: Family = { name: 'norm', kernels: [dense, normKernels], operators }

export default family
