import type { Machine } from '../machine.ts'
import type { Family, Implementation, OperatorTable } from '../operator.ts'
import { results, type Scalar } from '../values.ts'
import { toInt64 } from './elements.ts'
import { erf, erfc, gamma, lgamma } from './special.ts'

// Arithmetic of Python's numbers as torch/csrc/jit/runtime/register_prim_ops.cpp does it: ints of 64 bits that wrap, true division of ints
// in floats, quotients and remainders that follow the divisor's sign.

/** Wraps to 64 bits. */
export const wrap = (value: bigint): bigint => BigInt.asIntN(64, value)

/** Python's `round`: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** Like {@link toInt64}, but refuses what does not fit. */
function toIntChecked(m: Machine, value: number): bigint {
  if (!(Math.abs(value) <= 2 ** 63)) throw m.fail(`Cannot convert float ${value} to integer`)
  return toInt64(value)
}

type Binary = (a: Scalar, b: Scalar, m: Machine) => Scalar

/** Ints where both arguments are, else floats. */
const mixed = (int: (a: bigint, b: bigint, m: Machine) => bigint, float: (a: number, b: number) => number): Binary =>
  (a, b, m) => typeof a === 'number' || typeof b === 'number' ? float(Number(a), Number(b)) : wrap(int(BigInt(a), BigInt(b), m))

const floats = (run: (a: number, b: number) => number | boolean): Binary => (a, b) => run(Number(a), Number(b))

const equal: Binary = (a, b) => typeof a === typeof b ? a === b : Number(a) === Number(b)

/** Python's `//` of ints. */
export function floorDivide(a: bigint, b: bigint, m: Machine): bigint {
  if (b === 0n) throw m.fail('division by 0')
  return a % b !== 0n && (a < 0n) !== (b < 0n) ? a / b - 1n : a / b
}

function remainder(a: bigint, b: bigint, m: Machine): bigint {
  if (b === 0n) throw m.fail('ZeroDivisionError: integer division or modulo by zero')
  return (b + a % b) % b
}

/** IEEE 754's remainder, of the quotient that is nearest; ties to even. */
function nearestRemainder(a: number, b: number): number {
  const size = Math.abs(b)
  if (Number.isNaN(b) || b === 0) return NaN
  // Exact: both what is left of two divisors, and what is left of that.
  let rest = Math.abs(size <= Number.MAX_VALUE / 2 ? a % (2 * size) : a)
  if (rest * 2 > size) {
    rest -= size
    if (rest * 2 >= size) rest -= size
  }
  return a < 0 || Object.is(a, -0) ? -rest : rest
}

function power(a: Scalar, b: Scalar, m: Machine): number {
  if (Number(a) === 0 && Number(b) < 0) throw m.fail('0.0 cannot be raised to a negative power')
  // As C has it, other than JavaScript.
  if (Number(a) === 1) return 1
  return Number(a) ** Number(b)
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a < 0n ? -a : a
}

/** Binary operators by name; the overloads that each of them has follow below. */
const BINARY: Readonly<Record<string, Binary>> = {
  'aten::add': mixed((a, b) => a + b, (a, b) => a + b),
  'aten::sub': mixed((a, b) => a - b, (a, b) => a - b),
  'aten::mul': mixed((a, b) => a * b, (a, b) => a * b),
  'aten::div': floats((a, b) => a / b),
  'aten::floordiv': mixed(floorDivide, (a, b) => Math.floor(a / b)),
  'aten::remainder': mixed(remainder, (a, b) => (b + a % b) % b),
  'aten::fmod': floats((a, b) => a % b),
  'aten::mathremainder': floats(nearestRemainder),
  'aten::copysign': floats((a, b) => b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)),
  'aten::eq': equal,
  'aten::ne': (a, b, m) => !equal(a, b, m),
  'aten::lt': (a, b) => a < b,
  'aten::gt': (a, b) => a > b,
  'aten::le': (a, b) => a <= b,
  'aten::ge': (a, b) => a >= b,
  'prim::min': mixed((a, b) => a < b ? a : b, (a, b) => a < b ? a : b),
  'prim::max': mixed((a, b) => a > b ? a : b, (a, b) => a > b ? a : b),
}

const SEPARATE: Readonly<Record<string, Binary>> = {
  'aten::pow': power,
  'aten::atan2': floats(Math.atan2),
}

const UNARY: Readonly<Record<string, (value: number) => number>> = {
  log10: Math.log10, log1p: Math.log1p, exp: Math.exp, expm1: Math.expm1, sqrt: Math.sqrt, fabs: Math.abs,
  sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos, atan: Math.atan, log: Math.log,
  sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, asinh: Math.asinh, acosh: Math.acosh, atanh: Math.atanh,
  degrees: (value) => value * 180 / Math.PI, radians: (value) => value * Math.PI / 180,
  angle: (value) => value < 0 || Object.is(value, -0) ? Math.PI : 0, round: roundHalfEven, erf, erfc, gamma, lgamma,
}

const BITS: Readonly<Record<string, (a: bigint, b: bigint, m: Machine) => bigint>> = {
  __and__: (a, b) => a & b,
  __or__: (a, b) => a | b,
  __xor__: (a, b) => a ^ b,
  __lshift__: (a, b) => a << (b & 63n),
  __rshift__: (a, b) => a >> (b & 63n),
  __round_to_zero_floordiv: (a, b) => a / b,
  gcd: greatestDivisor,
}

const MIXED = ['.int', '.float', '.int_float', '.float_int']

function binary(named: Readonly<Record<string, Binary>>, overloads: readonly string[]): OperatorTable {
  return table(Object.entries(named).flatMap(([name, run]) =>
    overloads.map((overload) => [`${name}${overload}(a, b)`, (m, a: Scalar, b: Scalar) => run(a, b, m)])))
}

function unary(name: string, run: (value: Scalar, m: Machine) => Scalar): OperatorTable {
  return {
    ...table(['.int', '.float'].map((overload) => [`${name}${overload}(a)`, (m, value: Scalar) => run(value, m)])),
    // PyTorch casts what these give to C++'s `float` and `int`, of 32 bits.
    [`${name}.Scalar(a)`]: (m, value: Scalar) => {
      const result = run(value, m)
      return typeof result === 'number' ? Math.fround(result) : BigInt.asIntN(32, BigInt(result))
    },
  }
}

function table(entries: readonly (readonly [string, Implementation])[]): OperatorTable {
  return Object.fromEntries(entries)
}

function abs(value: Scalar): Scalar {
  if (typeof value === 'number') return Math.abs(value)
  return wrap(BigInt(value) < 0n ? -BigInt(value) : BigInt(value))
}

/** Fraction in [0.5, 1) and exponent of a float. */
function fraction(value: number): [number, number] {
  if (value === 0 || !Number.isFinite(value)) return [value, 0]
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(value))) + 1)
  let mantissa = value * 2 ** -exponent
  while (Math.abs(mantissa) < 0.5) { mantissa *= 2; exponent-- }
  while (Math.abs(mantissa) >= 1) { mantissa /= 2; exponent++ }
  return [mantissa, exponent]
}

/** Of an int and a float, which PyTorch holds in 32 bits here. */
function divmodMixed(m: Machine, a: number, b: number): [number, number] {
  if (b === 0) throw m.fail('ZeroDivisionError: float divmod()')
  const quotient = Number(toIntChecked(m, Math.floor(Math.fround(Math.fround(a) / Math.fround(b)))))
  return [quotient, a - quotient * b]
}

function divmod(m: Machine, a: number, b: number): [number, number] {
  if (b === 0) throw m.fail('ZeroDivisionError: float divmod()')
  let rest = a % b
  if (rest !== 0 && (a < 0) !== (b < 0)) rest += b
  return [(a - rest) / b, rest]
}

const scalar: Family = {
  name: 'scalar',
  operators: {
    ...binary(BINARY, [...MIXED, '']),
    ...binary(SEPARATE, [...MIXED, '.Scalar_Scalar']),
    ...binary({ 'aten::log': floats((a, b) => Math.log(a) / Math.log(b)) },
      ['.int_int', '.float_float', '.int_float', '.float_int', '.Scalar_Scalar']),
    ...binary({ 'aten::__and__': (a, b) => a && b, 'aten::__or__': (a, b) => a || b, 'aten::__xor__': (a, b) => a !== b, 'aten::eq': equal,
      'aten::ne': (a, b) => a !== b }, ['.bool']),
    ...table(Object.entries(BITS).map(([name, run]) => [`aten::${name}.int(a, b)`, (m, a: bigint, b: bigint) => wrap(run(a, b, m))])),
    ...table(Object.entries(UNARY).flatMap(([name, run]) => Object.entries(unary(`aten::${name}`, (value) => run(Number(value)))))),
    ...unary('aten::floor', (value, m) => typeof value === 'number' ? toIntChecked(m, Math.floor(value)) : toInt64(value)),
    ...unary('aten::ceil', (value, m) => typeof value === 'number' ? toIntChecked(m, Math.ceil(value)) : toInt64(value)),
    ...unary('aten::neg', (value) => typeof value === 'number' ? -value : wrap(-BigInt(value))),
    ...unary('prim::abs', abs),
    // A float in spite of its name.
    'aten::pow.int_to_int(a, b)': (m, a: bigint, b: bigint) => power(a, b, m),
    'aten::factorial.int(a)': (m, a: bigint) => {
      if (a < 0n) throw m.fail('factorial() not defined for negative values')
      let product = 1n
      for (let factor = 2n; factor <= a && product !== 0n; factor++) product = wrap(product * factor)
      return product
    },
    'aten::modf(a)': (_m, a: number) => results(Math.abs(a) === Infinity ? 0 : a % 1, Math.trunc(a)),
    'aten::frexp(a)': (_m, a: number) => {
      const [mantissa, exponent] = fraction(a)
      return results(mantissa, BigInt(exponent))
    },
    // In two steps, so that subnormal results are reached.
    'aten::ldexp(x, i)': (_m, x: number, i: bigint) => x * 2 ** Math.trunc(Number(i) / 2) * 2 ** (Number(i) - Math.trunc(Number(i) / 2)),
    'aten::isnan.float(a)': (_m, a: number) => Number.isNaN(a),
    'aten::isinf.float(a)': (_m, a: number) => Math.abs(a) === Infinity,
    'aten::isfinite.float(a)': (_m, a: number) => Number.isFinite(a),
    'aten::divmod.int(x, y)': (m, x: bigint, y: bigint) => {
      if (y === 0n) throw m.fail('ZeroDivisionError: integer division or modulo by zero')
      const quotient = floorDivide(x, y, m)
      return results(wrap(quotient), x - quotient * y)
    },
    'aten::divmod.float(x, y)': (m, x: number, y: number) => results(...divmod(m, x, y)),
    'aten::divmod.int_float(x, y)': (m, x: bigint, y: number) => results(...divmodMixed(m, Number(BigInt.asIntN(32, x)), Math.fround(y))),
    'aten::divmod.float_int(x, y)': (m, x: number, y: bigint) => results(...divmodMixed(m, Math.fround(x), Number(BigInt.asIntN(32, y)))),
    'aten::__range_length(lo, hi, step)': (m, lo: bigint, hi: bigint, step: bigint) => {
      if (step === 0n) throw m.fail('range() arg 3 must not be zero')
      const length = step > 0n ? (hi - lo + step - 1n) / step : (lo - hi - step - 1n) / -step
      return length > 0n ? length : 0n
    },
    'aten::__derive_index(index, start, step)': (_m, index: bigint, start: bigint, step: bigint) => wrap(start + index * step),
    'aten::__not__(self)': (_m, value: boolean) => !value,
    'aten::Bool.int(a)': (_m, a: bigint) => a !== 0n,
    'aten::Bool.float(a)': (_m, a: number) => a !== 0,
    ...table(['bool', 'float', 'Scalar'].map((overload) => [`aten::Int.${overload}(a)`, (_m, a: Scalar) => toInt64(a)])),
    ...table(['bool', 'Scalar'].map((overload) => [`aten::Float.${overload}(a)`, (_m, a: Scalar) => Number(a)])),
    // By way of C++'s `float`.
    'aten::Float.int(a)': (_m, a: bigint) => Math.fround(Number(a)),
    'aten::Int.str(a)': (m, a: string) => {
      if (!/^\s*[+-]?\d+$/.test(a)) throw m.fail(`invalid literal for int() with base 10: '${a}'`)
      return wrap(BigInt(a.trim().replace('+', '')))
    },
    'aten::Float.str(a)': (m, a: string) => {
      const infinite = /^\s*([+-]?)inf(inity)?$/i.exec(a)
      if (infinite) return infinite[1] === '-' ? -Infinity : Infinity
      const value = Number(a)
      const valid = a.trim() !== '' && a === a.trimEnd() && (!Number.isNaN(value) || /^\s*[+-]?nan$/i.test(a))
      if (!valid) throw m.fail(`could not convert string to float: '${a}'`)
      return value
    },
  },
}

export default scalar
