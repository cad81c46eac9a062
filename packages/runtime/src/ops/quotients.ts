import type { Machine } from '../machine.ts'
import type { Tensor } from '../tensor.ts'
import { type Operand, type Operation, pointwise } from './pointwise.ts'

// Quotients and remainders of tensors, as BinaryOpsKernel.cpp has them.

const DIVIDE: Operation = { each: (a, b) => a / b, kernel: 'divide', result: 'float' }

/** Makes an operation that can refuse. */
type Refusing = (m: Machine) => Operation

/** Refuses a divisor of 0, as PyTorch does for ints. */
function nonzero(m: Machine, divisor: bigint): bigint {
  if (divisor === 0n) throw m.fail('ZeroDivisionError')
  return divisor
}

/** Python's `//`. */
const divideFloor: Refusing = (m) => ({
  each: floorOfQuotient,
  ints: (a: bigint, b: bigint) => {
    const quotient = a / nonzero(m, b)
    return (a % b !== 0n) && (a < 0n) !== (b < 0n) ? quotient - 1n : quotient
  },
})

/** The quotient without its fraction. */
const divideTruncate: Refusing = (m) => ({
  each: (a: number, b: number) => Math.trunc(a / b),
  ints: (a: bigint, b: bigint) => a / nonzero(m, b),
})

/** Python's `%`, which has the sign of the divisor. */
export const modulo: Refusing = (m) => ({
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
export const fmod: Refusing = (m) => ({ each: (a: number, b: number) => a % b, ints: (a: bigint, b: bigint) => a % nonzero(m, b) })

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

const ROUNDED: Readonly<Record<string, Refusing>> = { floor: divideFloor, trunc: divideTruncate }

/** Quotients that are rounded keep ints ints. */
export function divide(m: Machine, out: Tensor | undefined, a: Operand, b: Operand, rounding: string | null = null): Tensor {
  if (rounding === null) return pointwise(m, DIVIDE, [a, b], out)
  const way = ROUNDED[rounding]
  if (!way) throw m.fail(`div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '${rounding}'`)
  return pointwise(m, way(m), [a, b], out)
}
