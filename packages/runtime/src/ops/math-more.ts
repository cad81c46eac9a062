import { mathKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { forms, type Operand, type Operation, pointwise, unaries } from './pointwise.ts'
import { pow } from './powers.ts'
import { erf, erfc, lgamma } from './special.ts'

// Math that few models have: trigonometry, special functions, and operations with two operands. On doubles, as the standard library does.

const real = (each: (x: number) => number): Operation => ({ each, result: 'float' })

/** Derivative of {@link lgamma}, by recurrence up to where the asymptotic series is exact. */
function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Infinity : -Infinity
  if (x < 0) return Number.isInteger(x) ? NaN : digamma(1 - x) - Math.PI / Math.tan(Math.PI * x)
  let shift = 0
  for (; x < 10; x++) shift -= 1 / x
  const z = 1 / (x * x)
  return shift + Math.log(x) - 0.5 / x - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))
}

/** Inverse of {@link erf}: an approximation by Giles, then steps of Newton's method. */
function erfinv(x: number): number {
  if (!(Math.abs(x) < 1)) return Math.abs(x) === 1 ? x * Infinity : NaN
  const log = Math.log((1 - x) * (1 + x))
  const t = 2 / (Math.PI * 0.147) + log / 2
  let y = Math.sign(x) * Math.sqrt(Math.sqrt(t * t - log / 0.147) - t)
  for (let step = 0; step < 3; step++) y -= (erf(y) - x) / (2 / Math.sqrt(Math.PI) * Math.exp(-y * y))
  return y
}

/** Modified Bessel function of order 0, by its power series; by the asymptotic one where that is long. */
function bessel0(x: number): number {
  const a = Math.abs(x)
  let [sum, term] = [1, 1]
  if (a < 30) {
    for (let k = 1; term > sum * 1e-17; k++) sum += term *= (a / 2 / k) ** 2
    return sum
  }
  for (let k = 1; k < 15; k++) sum += term *= (2 * k - 1) ** 2 / (8 * k * a)
  return Math.exp(a) / Math.sqrt(2 * Math.PI * a) * sum
}

function logAddExp(a: number, b: number): number {
  const largest = Math.max(a, b)
  return Math.abs(largest) === Infinity ? largest : largest + Math.log1p(Math.exp(-Math.abs(a - b)))
}

/** What is left of a number in the type of the result. */
const rounding = ({ dtype }: Tensor): (x: number) => number => dtype === 'float64' ? (x) => x : Math.fround

function sinc(m: Machine, out: Tensor | undefined, self: Tensor): Tensor {
  const round = rounding(self)
  const each = (x: number): number => {
    const angle = round(round(Math.PI) * x)
    return x === 0 ? 1 : Math.sin(angle) / angle
  }
  return pointwise(m, { each, result: 'float' }, [self], out)
}

function logit(m: Machine, out: Tensor | undefined, self: Tensor, eps: number | null): Tensor {
  const round = rounding(self)
  const [low, high] = [round(eps ?? -Infinity), round(1 - round(eps ?? -Infinity))]
  const bounded = (x: number): number => x < low ? low : x > high ? high : x
  return pointwise(m, { each: (x) => Math.log(bounded(x) / (1 - bounded(x))), result: 'float' }, [self], out)
}

const binary = (each: Operation['each'], result?: 'float') => (m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor =>
  pointwise(m, result ? { each, result } : { each }, [a, b], out)
const atan2 = binary(Math.atan2, 'float')
const copySign = binary((a, b) => (b < 0 || Object.is(b, -0)) === (a < 0 || Object.is(a, -0)) ? a : -a, 'float')
const xlogy = binary((a, b) => b !== b ? NaN : a === 0 ? 0 : a * Math.log(b), 'float')

function greatestDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a < 0n ? -a : a
}

function leastMultiple(a: bigint, b: bigint): bigint {
  const multiple = a === 0n ? 0n : a / greatestDivisor(a, b) * b
  return multiple < 0n ? -multiple : multiple
}

function floatPower(m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor {
  return pow(m, out, a, b, 'float64')
}

const family: Family = {
  name: 'math-more',
  kernels: [mathKernels],
  operators: {
    ...unaries({
      tan: real(Math.tan),
      'asin arcsin': real(Math.asin),
      'acos arccos': real(Math.acos),
      'atan arctan': real(Math.atan),
      sinh: real(Math.sinh),
      cosh: real(Math.cosh),
      'asinh arcsinh': real(Math.asinh),
      'acosh arccosh': real(Math.acosh),
      'atanh arctanh': real(Math.atanh),
      'exp2 special_exp2': real((x) => 2 ** x),
      'erf special_erf': { each: erf, kernel: 'erf', result: 'float' },
      'erfc special_erfc': real(erfc),
      'erfinv special_erfinv': real(erfinv),
      'lgamma special_gammaln': real(lgamma),
      'digamma special_digamma': real(digamma),
      'i0 special_i0': real(bessel0),
      deg2rad: real((x) => x * (Math.PI / 180)),
      rad2deg: real((x) => x * (180 / Math.PI)),
      frac: { each: (x) => x - Math.trunc(x), ints: () => 0n },
    }),
    ...forms('sinc(self)', sinc),
    ...forms('special_sinc(self)', sinc),
    ...forms('logit(self, eps=None)', logit),
    ...forms('special_logit(self, eps=None)', logit),
    ...forms('atan2(self, other)', atan2),
    ...forms('arctan2(self, other)', atan2),
    ...forms('hypot(self, other)', binary((a, b) => Math.hypot(a, b))),
    ...forms('copysign.Tensor(self, other)', copySign),
    ...forms('copysign.Scalar(self, other)', copySign, 'Scalar_out'),
    ...forms('xlogy.Tensor(self, other)', xlogy, 'OutTensor'),
    ...forms('xlogy.Scalar_Other(self, other)', xlogy, 'OutScalar_Other'),
    'aten::xlogy.Scalar_Self(self, other)': (m, self, other) => xlogy(m, undefined, self, other),
    ...forms('logaddexp(self, other)', binary(logAddExp)),
    ...forms('logaddexp2(self, other)', binary((a, b) => logAddExp(a * Math.LN2, b * Math.LN2) / Math.LN2)),
    ...forms('heaviside(self, values)', binary((a, b) => a === 0 ? b : a > 0 ? 1 : 0)),
    ...forms('ldexp.Tensor(self, other)', binary((a, b) => a * 2 ** b, 'float')),
    ...forms('float_power.Tensor_Tensor(self, exponent)', floatPower, 'Tensor_Tensor_out'),
    ...forms('float_power.Tensor_Scalar(self, exponent)', floatPower, 'Tensor_Scalar_out'),
    'aten::float_power.Scalar(self, exponent)': (m, self, exponent) => floatPower(m, undefined, self, exponent),
    ...forms('gcd(self, other)', binary(greatestDivisor as never)),
    ...forms('lcm(self, other)', binary(leastMultiple as never)),
  },
}

export default family
