import type { Machine } from '../machine.ts'
import type { Operation } from './pointwise.ts'

// Quotients and remainders of tensors, as BinaryOpsKernel.cpp has them.

/** Makes an operation that can refuse. */
export type Number2 = (m: Machine) => Operation

/** Refuses a divisor of 0, as PyTorch does for ints. */
function nonzero(m: Machine, divisor: bigint): bigint {
  if (divisor === 0n) throw m.fail('ZeroDivisionError')
  return divisor
}

/** Python's `//`. */
export const divideFloor: Number2 = (m) => ({
  each: floorOfQuotient,
  ints: (a: bigint, b: bigint) => {
    const quotient = a / nonzero(m, b)
    return (a % b !== 0n) && (a < 0n) !== (b < 0n) ? quotient - 1n : quotient
  },
})

/** The quotient without its fraction. */
export const divideTruncate: Number2 = (m) => ({
  each: (a: number, b: number) => Math.trunc(a / b),
  ints: (a: bigint, b: bigint) => a / nonzero(m, b),
})

/** Python's `%`, which has the sign of the divisor. */
export const modulo: Number2 = (m) => ({
  each: (a: number, b: number) => {
    const rest = a % b
    return rest !== 0 && (b < 0) !== (rest < 0) ? rest + b : rest
  },
  ints: (a: bigint, b: bigint) => {
    const rest = a % nonzero(m, b)
    return rest !== 0n && (b < 0n) !== (rest < 0n) ? rest + b : rest
  },
})

/** C's `fmod`, which has the sign of the dividend. */
export const fmod: Number2 = (m) => ({ each: (a: number, b: number) => a % b, ints: (a: bigint, b: bigint) => a % nonzero(m, b) })

/** Exact also where the rounded quotient would be a whole number by rounding alone. */
function floorOfQuotient(a: number, b: number): number {
  if (b === 0) return a / b
  const rest = a % b
  let quotient = (a - rest) / b
  if (rest !== 0 && (b < 0) !== (rest < 0)) quotient -= 1
  if (quotient === 0) return Object.is(a / b, -0) || a / b < 0 ? -0 : 0
  const floor = Math.floor(quotient)
  return quotient - floor > 0.5 ? floor + 1 : floor
}
