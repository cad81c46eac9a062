import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { isFloating, toInt64, wrapInt } from './elements.ts'
import { forms, type Operation, pointwise, unaries } from './pointwise.ts'
import { resultType } from './promotion.ts'

// Activations that networks for pictures have: at::native's Activation.cpp and TensorCompare.cpp.

const sixth = (x: number): number => Math.min(Math.max(x + 3, 0), 6) / 6

/** Between two limits, either of which may be missing. As operands of tensors do, limits of a higher kind turn an int tensor to floats. */
function clamp(m: Machine, out: Tensor | undefined, self: Tensor, min: Scalar | null, max: Scalar | null): Tensor {
  const limits = [min, max].filter((limit) => limit !== null)
  if (limits.length === 0) throw m.fail('At least one of \'min\' or \'max\' must not be None')
  return within(m, out, self, min, max, resultType([self, ...limits]))
}

function within(
  m: Machine, out: Tensor | undefined, self: Tensor, min: Scalar | null, max: Scalar | null, dtype: Tensor['dtype'] = self.dtype,
): Tensor {
  const isInt = !isFloating(dtype)
  const convert = (limit: Scalar): number | bigint => isInt ? wrapInt(toInt64(limit), dtype) : Number(limit)
  const [low, high] = [convert(min ?? 0), convert(max ?? 0)]
  const each = (x: number | bigint): number | bigint => {
    const raised = min !== null && x < low ? low : x
    return max !== null && raised > high ? high : raised
  }
  // A limit that is NaN makes everything NaN.
  const undefinedLimit = [min, max].some((limit) => typeof limit === 'number' && Number.isNaN(limit))
  const parameters = undefinedLimit ? [NaN, NaN] : [Number(min ?? -Infinity), Number(max ?? Infinity)]
  const operation: Operation = undefinedLimit ? { each: () => NaN } : { each, kernel: 'clamp', parameters }
  return pointwise(m, operation, [self], out, dtype)
}

function hardtanh(m: Machine, out: Tensor | undefined, self: Tensor, min: Scalar, max: Scalar): Tensor {
  if (self.dtype === 'bool' || (self.dtype === 'uint8' && (Number(min) < 0 || Number(max) < 0))) {
    throw m.fail('cannot do hardtanh on an unsigned type with negative limits')
  }
  return within(m, out, self, min, max)
}

const leakyRelu = (m: Machine, out: Tensor | undefined, self: Tensor, slope: Scalar): Tensor =>
  pointwise(m, { each: (x: number) => x > 0 ? x : x * Number(slope), kernel: 'leakyRelu', parameters: [Number(slope)] }, [self], out)

const relu = (m: Machine, out: Tensor | undefined, self: Tensor): Tensor => within(m, out, self, 0n, null)

const relu6 = (m: Machine, out: Tensor | undefined, self: Tensor): Tensor => within(m, out, self, 0n, 6n)

/** Identity, as models are run and not trained. */
function dropout(m: Machine, _: Tensor | undefined, self: Tensor, p: number, train: boolean): Tensor {
  if (train && p > 0) throw m.unsupported('dropout in training mode; call eval() before the model is saved')
  return self
}

const family: Family = {
  name: 'activation',
  operators: {
    ...forms('relu(self)', relu),
    ...forms('relu6(self)', relu6, ''),
    ...forms('hardtanh(self, min_val=-1, max_val=1)', hardtanh),
    ...forms('clamp(self, min=None, max=None)', clamp),
    ...forms('clip(self, min=None, max=None)', clamp),
    ...forms('clamp_min(self, min)', (m, out, self: Tensor, min: Scalar) => clamp(m, out, self, min, null)),
    ...forms('clamp_max(self, max)', (m, out, self: Tensor, max: Scalar) => clamp(m, out, self, null, max)),
    ...forms('leaky_relu(self, negative_slope=0.01)', leakyRelu),
    ...unaries({
      hardswish: { each: (x) => x * sixth(x), kernel: 'hardswish' },
      hardsigmoid: { each: sixth, kernel: 'hardsigmoid' },
    }),
    ...forms('dropout(self, p, train)', dropout, ''),
    ...forms('feature_dropout(self, p, train)', dropout, ''),
    ...forms('alpha_dropout(self, p, train)', dropout, ''),
    ...forms('feature_alpha_dropout(self, p, train)', dropout, ''),
  },
}

export default family
