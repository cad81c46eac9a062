/** What the specs of these operators share. */
import * as products from '../../kernels/dense.ts'
import { equip } from '../../kernels/instantiate.ts'
import { sequence } from '../../kernels/sequence.ts'
import * as walking from '../../kernels/vector.ts'
import { Machine } from '../../machine.ts'
import { completeArguments, type Family, parseSchema } from '../../operator.ts'
import type { Dtype, Tensor } from '../../tensor.ts'
import { Results, type Value } from '../../values.ts'
import { fromNumbers, toNumbers } from './numbers.ts'

/** A machine with the kernels that the specs need. */
export async function createMachine(): Promise<Machine> {
  const m = new Machine()
  await equip(m, [...Object.values(walking), ...Object.values(products), sequence])
  return m
}

/** Calls an operator as the interpreter does; its results as a list. */
export function callAll(m: Machine, family: Family, name: string, ...args: Value[]): Value[] {
  const entry = Object.entries(family.operators).find(([schema]) => schema.startsWith(`${name}(`))
  if (!entry) throw new Error(`no operator ${name}`)
  const operator = parseSchema(...entry)
  completeArguments(operator, args)
  const result = operator.run(m, ...args)
  return result instanceof Results ? [...result.values] : [result as Value]
}

/** Likewise of an operator whose first result is a tensor. */
export function call(m: Machine, family: Family, name: string, ...args: Value[]): Tensor {
  return callAll(m, family, name, ...args)[0] as Tensor
}

/** Of another type, with the same numbers. */
export function converted(m: Machine, tensor: Tensor, dtype: Dtype): Tensor {
  return fromNumbers(m, dtype, tensor.sizes, toNumbers(m, tensor))
}

/** A copy that is kept channels-last. */
export function channelsLast(m: Machine, tensor: Tensor): Tensor {
  return m.toChannelsLast(m.copy(tensor))
}
