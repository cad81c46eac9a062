import { mathKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { isFloating, toInt64 } from './elements.ts'
import { pow } from './powers.ts'
import { divide, fmod, modulo } from './quotients.ts'
import { forms, type Operand, type Operation, pointwise, unaries } from './pointwise.ts'

// The math that networks use beside their layers: at::native's UnaryOps.cpp, BinaryOps.cpp, Pow.cpp, Lerp.cpp and PointwiseOps.cpp.

/** Ints have no fraction. */
const whole = (each: (x: number) => number): Operation => ({ each, ints: (x: bigint) => x })

/** Halves go to the even neighbour. */
export function roundEven(x: number): number {
  const rounded = Math.round(x)
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

function roundDecimals(m: Machine, out: Tensor | undefined, self: Tensor, decimals: bigint): Tensor {
  const scale = 10 ** Math.abs(Number(decimals))
  return pointwise(m, whole(decimals < 0n ? (x) => roundEven(x / scale) * scale : (x) => roundEven(x * scale) / scale), [self], out)
}

function remainder(m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor {
  return pointwise(m, modulo(m), [a, b], out)
}

function cRemainder(m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor {
  return pointwise(m, fmod(m), [a, b], out)
}

const floorDivide = (m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor => divide(m, out, a, b, 'floor')

/** Between a and b, from the nearer end: as exact as Lerp.h. */
const interpolate = (a: number, b: number, weight: number): number => weight < 0.5 ? a + weight * (b - a) : b - (b - a) * (1 - weight)

function lerp(m: Machine, out: Tensor | undefined, a: Tensor, b: Tensor, weight: Operand): Tensor {
  if (a.dtype !== b.dtype || (typeof weight === 'object' && weight.dtype !== a.dtype)) {
    throw m.fail(`expected dtype ${a.dtype} for \`end\` but got dtype ${b.dtype}`)
  }
  return pointwise(m, { each: interpolate }, [a, b, weight], out, a.dtype)
}

function addcmul(m: Machine, out: Tensor | undefined, self: Tensor, a: Tensor, b: Tensor, value: Scalar): Tensor {
  const [factor, int] = [Number(value), toInt64(value)]
  const operation: Operation = {
    each: (x: number, y: number, z: number) => x + factor * y * z,
    ints: (x: bigint, y: bigint, z: bigint) => x + int * y * z,
  }
  return pointwise(m, operation, [self, a, b], out)
}

function addcdiv(m: Machine, out: Tensor | undefined, self: Tensor, a: Tensor, b: Tensor, value: Scalar): Tensor {
  const factor = Number(value)
  if (!isFloating(a.dtype) && !isFloating(b.dtype)) throw m.fail('Integer division with addcdiv is no longer supported')
  return pointwise(m, { each: (x: number, y: number, z: number) => x + factor * y / z }, [self, a, b], out)
}

const family: Family = {
  name: 'math',
  kernels: [mathKernels],
  operators: {
    ...unaries({
      'abs absolute': { each: Math.abs, ints: (x: bigint) => x < 0n ? -x : x, kernel: 'abs' },
      exp: { each: Math.exp, kernel: 'exp', result: 'float' },
      log: { each: Math.log, kernel: 'log', result: 'float' },
      log2: { each: Math.log2, result: 'float' },
      log10: { each: Math.log10, result: 'float' },
      'log1p special_log1p': { each: Math.log1p, result: 'float' },
      'expm1 special_expm1': { each: Math.expm1, result: 'float' },
      sqrt: { each: Math.sqrt, kernel: 'sqrt', result: 'float' },
      rsqrt: { each: (x) => 1 / Math.sqrt(x), kernel: 'rsqrt', result: 'float' },
      reciprocal: { each: (x) => 1 / x, result: 'float' },
      sin: { each: Math.sin, result: 'float' },
      cos: { each: Math.cos, result: 'float' },
      floor: whole(Math.floor),
      ceil: whole(Math.ceil),
      'trunc fix': whole(Math.trunc),
      round: whole(roundEven),
      'sign sgn': { each: (x) => Number(x > 0) - Number(x < 0), ints: (x: bigint) => x < 0n ? -1n : x > 0n ? 1n : 0n },
    }),
    ...forms('round.decimals(self, decimals)', roundDecimals, 'decimals_out'),
    ...forms('neg(self)', negate),
    ...forms('negative(self)', negate),
    ...forms('square(self)', (m, out, self: Tensor) => pow(m, out, self, 2n)),
    ...forms('pow.Tensor_Scalar(self, exponent)', pow, 'Tensor_Scalar_out'),
    ...forms('pow.Tensor_Tensor(self, exponent)', pow, 'Tensor_Tensor_out'),
    'aten::pow_.Scalar(self, exponent)': (m, self, exponent) => pow(m, self, self, exponent),
    'aten::pow_.Tensor(self, exponent)': (m, self, exponent) => pow(m, self, self, exponent),
    'aten::pow.Scalar(self, exponent)': (m, self, exponent) => pow(m, undefined, self, exponent),
    ...forms('remainder.Tensor(self, other)', remainder, 'Tensor_out'),
    ...forms('remainder.Scalar(self, other)', remainder, 'Scalar_out'),
    'aten::remainder.Scalar_Tensor(self, other)': (m, self, other) => remainder(m, undefined, self, other),
    ...forms('fmod.Tensor(self, other)', cRemainder, 'Tensor_out'),
    ...forms('fmod.Scalar(self, other)', cRemainder, 'Scalar_out'),
    ...forms('floor_divide(self, other)', floorDivide),
    'aten::floor_divide_.Tensor(self, other)': (m, self, other) => floorDivide(m, self, self, other),
    ...forms('floor_divide.Scalar(self, other)', floorDivide, ''),
    ...forms('lerp.Scalar(self, end, weight)', lerp, 'Scalar_out'),
    ...forms('lerp.Tensor(self, end, weight)', lerp, 'Tensor_out'),
    ...forms('addcmul(self, tensor1, tensor2, value=1)', addcmul),
    ...forms('addcdiv(self, tensor1, tensor2, value=1)', addcdiv),
  },
}

function negate(m: Machine, out: Tensor | undefined, self: Tensor): Tensor {
  if (self.dtype === 'bool') throw m.fail('Negation, the `-` operator, on a bool tensor is not supported.')
  return pointwise(m, { each: (a, b) => a * b, kernel: 'multiply' }, [self, -1n], out)
}

export default family
