/** What the specs of matrix products and convolutions share. */
import * as products from '../../kernels/dense.ts'
import { equip } from '../../kernels/instantiate.ts'
import * as walking from '../../kernels/vector.ts'
import { Machine } from '../../machine.ts'
import { completeArguments, type Family, parseSchema } from '../../operator.ts'
import { numelOf, type Tensor } from '../../tensor.ts'
import type { Value } from '../../values.ts'

/** A machine with the kernels that the specs need. */
export async function createMachine(): Promise<Machine> {
  const m = new Machine()
  await equip(m, [...Object.values(walking), ...Object.values(products)])
  return m
}

/** Calls an operator as the interpreter does. */
export function call(m: Machine, family: Family, name: string, ...args: Value[]): Tensor {
  const entry = Object.entries(family.operators).find(([schema]) => schema.startsWith(`${name}(`))
  if (!entry) throw new Error(`no operator ${name}`)
  const operator = parseSchema(...entry)
  completeArguments(operator, args)
  return operator.run(m, ...args) as Tensor
}

/** Numbers that are the same in every run. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** A fraction of 1. */
  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return this.#state / 2 ** 32
  }

  /** A whole number, `low … high`. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!
  }

  tensor(m: Machine, sizes: readonly number[]): Tensor {
    return m.tensor('float32', sizes, Float32Array.from({ length: numelOf(sizes) }, () => this.next() * 2 - 1))
  }
}

/** The elements of a tensor in row-major order; read through its strides from a plain storage. */
export function read(m: Machine, tensor: Tensor): Float64Array {
  const elements = m.elements(m.contiguous(tensor))
  return Float64Array.from(elements as Float32Array, Number)
}

/** The largest difference, relative to the largest number expected. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity
  let worst = 0
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) continue
    if (!Number.isFinite(actual[i]) || !Number.isFinite(expected[i])) return Infinity
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!))
  }
  if (worst === 0) return 0
  const finite = Array.from(expected).filter(Number.isFinite)
  return worst / finite.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30)
}
