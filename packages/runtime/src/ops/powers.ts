import type { Machine } from '../machine.ts'
import type { Dtype, Tensor } from '../tensor.ts'
import { isFloating } from './elements.ts'
import { type Operand, type Operation, pointwise } from './pointwise.ts'
import { resultType } from './promotion.ts'

// at::native's Pow.cpp

/** Powers that are quicker than a logarithm; PyTorch takes the same short cuts. */
const POWERS: Readonly<Record<number, Operation>> = {
  0.5: { each: Math.sqrt, kernel: 'sqrt' },
  3: { each: (x) => x * x * x },
  '-2': { each: (x) => 1 / (x * x) },
  '-0.5': { each: (x) => 1 / Math.sqrt(x), kernel: 'rsqrt' },
}

function integerPower(a: bigint, b: bigint): bigint {
  if (b < 0n) return a === 1n ? 1n : a === -1n ? (b % 2n === 0n ? 1n : -1n) : 0n
  let [result, base, rest] = [1n, a, b]
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asIntN(64, result * base)
    base = BigInt.asIntN(64, base * base)
  }
  return result
}

/** Math.pow gives NaN for 1 to the power of NaN or infinity, where C gives 1. */
const power = (a: number, b: number): number => a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b

/** In the common type of base and exponent, or a type of its own. */
export function pow(m: Machine, out: Tensor | undefined, a: Operand, b: Operand, dtype: Dtype = resultType([a, b])): Tensor {
  if (typeof b === 'object' || typeof a !== 'object') return pointwise(m, { each: power, ints: integerPower }, [a, b], out, dtype)
  if (!isFloating(dtype)) {
    if (Number(b) < 0) throw m.fail('Integers to negative integer powers are not allowed.')
    return pointwise(m, { each: power, ints: integerPower }, [a, b], out, dtype)
  }
  const exponent = Number(b)
  if (exponent === 2) return pointwise(m, { each: (x, y) => x * y, kernel: 'multiply' }, [a, a], out, dtype)
  if (exponent === -1) return pointwise(m, { each: (x, y) => x / y, kernel: 'divide' }, [1, a], out, dtype)
  return pointwise(m, POWERS[exponent] ?? { each: (x) => power(x, exponent) }, [a], out, dtype)
}
