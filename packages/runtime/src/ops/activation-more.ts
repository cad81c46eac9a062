import { mathKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Dtype, Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { forms, type Operation, pointwise, unaries } from './pointwise.ts'
import { erf } from './special.ts'

// Activations that fewer networks have: at::native's Activation.cpp.

/** SELU's constants, from Klambauer et al. */
const ALPHA = 1.673_263_242_354_377_2
const SCALE = 1.050_700_987_355_480_5

const GELU: Readonly<Record<string, Operation>> = {
  none: { each: (x) => x * 0.5 * (1 + erf(x * Math.SQRT1_2)), kernel: 'gelu' },
  tanh: { each: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044_715 * x ** 3))), kernel: 'geluTanh' },
}

function gelu(m: Machine, out: Tensor | undefined, self: Tensor, approximate: string): Tensor {
  const operation = GELU[approximate]
  if (!operation) throw m.fail(`approximate argument must be either none or tanh.`)
  return pointwise(m, operation, [self], out)
}

function elu(m: Machine, out: Tensor | undefined, self: Tensor, alpha: Scalar, scale: Scalar = 1, inputScale: Scalar = 1): Tensor {
  const [below, above, inner] = [Number(alpha) * Number(scale), Number(scale), Number(inputScale)]
  const each = (x: number): number => x > 0 ? x * above : Math.expm1(x * inner) * below
  return pointwise(m, { each, kernel: 'elu', parameters: [below, above, inner] }, [self], out)
}

function celu(m: Machine, out: Tensor | undefined, self: Tensor, alpha: Scalar): Tensor {
  if (Number(alpha) === 0) throw m.fail('ZeroDivisionError: alpha cannot be 0 for CELU')
  return elu(m, out, self, alpha, 1, 1 / Number(alpha))
}

function softplus(m: Machine, out: Tensor | undefined, self: Tensor, beta: Scalar, threshold: Scalar): Tensor {
  const [b, limit] = [Number(beta), Number(threshold)]
  const each = (x: number): number => x * b > limit ? x : Math.log1p(Math.exp(x * b)) / b
  return pointwise(m, { each, kernel: 'softplus', parameters: [b, limit] }, [self], out)
}

/** Shrinks what lies between -lambd and lambd to 0, and moves the rest there by lambd, or not at all. */
const shrink = (moves: boolean) => (m: Machine, out: Tensor | undefined, self: Tensor, lambd: Scalar): Tensor => {
  const limit = round(Number(lambd), self.dtype)
  const by = moves ? limit : 0
  if (moves && limit < 0) throw m.fail(`lambda must be greater or equal to 0, but found to be ${lambd}.`)
  const each = (x: number): number => x > limit ? x - by : x < -limit ? x + by : moves || x === x ? 0 : x
  return pointwise(m, { each }, [self], out)
}

/** A number as the element type holds it, to compare with. */
function round(value: number, dtype: Dtype): number {
  return dtype === 'float32' ? Math.fround(value) : value
}

function threshold(m: Machine, out: Tensor | undefined, self: Tensor, limit: Scalar, value: Scalar): Tensor {
  return pointwise(m, { each: (x, y, z) => x <= y ? z : x }, [self, limit, value], out, self.dtype)
}

/** One slope for all, or one for each channel. */
function prelu(m: Machine, self: Tensor, weight: Tensor): Tensor {
  if (weight.numel !== 1 && (self.dim < 2 || weight.numel !== self.sizes[1])) {
    throw m.fail(`Mismatch of parameter numbers and input channel size: ${weight.numel} and ${self.sizes[1] ?? 1}`)
  }
  const ones = self.sizes.slice(2).map(() => 1)
  const [sizes, strides] = weight.numel === 1 ? [[], []] : [[weight.numel, ...ones], [1, ...ones]]
  return preluKernel(m, self, m.contiguous(weight).view(sizes, strides))
}

function preluKernel(m: Machine, self: Tensor, weight: Tensor): Tensor {
  return pointwise(m, { each: (x: number, slope: number) => x > 0 ? x : x * slope }, [self, weight], undefined, self.dtype)
}

/** The first half of a dimension, times the sigmoid of the second one. */
function glu(m: Machine, out: Tensor | undefined, self: Tensor, dim: bigint): Tensor {
  const at = Number(dim) < 0 ? Number(dim) + self.dim : Number(dim)
  const size = self.sizes[at]
  if (size === undefined) throw m.fail(`glu does not support dimension ${dim} of a tensor with ${self.dim} dimensions`)
  if (size % 2 !== 0) throw m.fail(`Halving dimension must be even, but dimension ${at} is size ${size}`)
  m.plain(self)
  const sizes = self.sizes.with(at, size / 2)
  const second = self.view(sizes, self.strides, self.offset + size / 2 * self.strides[at]!)
  const gate = pointwise(m, { each: (x: number) => 1 / (1 + Math.exp(-x)), kernel: 'sigmoid' }, [second])
  return pointwise(m, { each: (a, b) => a * b, kernel: 'multiply' }, [self.view(sizes, self.strides), gate], out)
}

/** Between a lower and an upper slope; their mean, as models are run and not trained. */
function rrelu(m: Machine, out: Tensor | undefined, self: Tensor, lower: Scalar, upper: Scalar, training: boolean): Tensor {
  if (training) throw m.unsupported('rrelu in training mode; call eval() before the model is saved')
  const slope = (Number(lower) + Number(upper)) / 2
  return pointwise(m, { each: (x: number) => x > 0 ? x : x * slope, kernel: 'leakyRelu', parameters: [slope] }, [self], out)
}

const logSigmoid = (x: number): number => Math.min(0, x) - Math.log1p(Math.exp(-Math.abs(x)))

const family: Family = {
  name: 'activation-more',
  kernels: [mathKernels],
  operators: {
    ...forms('gelu(self, approximate="none")', gelu),
    ...forms('elu(self, alpha=1, scale=1, input_scale=1)', elu),
    ...forms('celu(self, alpha=1.)', celu, ''),
    ...forms('selu(self)', (m, out, self: Tensor) => elu(m, out, self, ALPHA, SCALE), ''),
    ...forms('softplus(self, beta=1, threshold=20)', softplus),
    ...forms('softshrink(self, lambd=0.5)', shrink(true)),
    ...forms('hardshrink(self, lambd=0.5)', shrink(false)),
    ...forms('threshold(self, threshold, value)', threshold),
    ...forms('rrelu(self, lower=0.125, upper=0.33333333333333331, training=False, generator=None)', rrelu, ''),
    ...forms('glu(self, dim=-1)', glu),
    'aten::prelu(self, weight)': prelu,
    'aten::_prelu_kernel(self, weight)': preluKernel,
    ...unaries({
      'sigmoid special_expit': { each: (x) => 1 / (1 + Math.exp(-x)), kernel: 'sigmoid', result: 'float' },
      silu: { each: (x) => x / (1 + Math.exp(-x)), kernel: 'silu' },
      tanh: { each: Math.tanh, kernel: 'tanh', result: 'float' },
      mish: { each: (x) => x * Math.tanh(Math.log1p(Math.exp(x))), kernel: 'mish' },
      log_sigmoid: { each: logSigmoid },
    }),
  },
}

export default family
