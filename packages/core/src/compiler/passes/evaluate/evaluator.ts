import type { Node } from '../../ir/graph.ts'
import { boolValue, doubleValue, intValue, type IValue } from '../../ir/ivalue.ts'

/**
 * What an operator gives for constant inputs: one value, several (an array), or undefined when that is not known for certain
 * or when the operator would raise an error, which it must then do at run time.
 */
export type Evaluator = (inputs: readonly IValue[], node: Node) => IValue | readonly IValue[] | undefined

/** By operator. */
export type Evaluators = Readonly<Record<string, Evaluator>>

const INT_MIN = -(2n ** 63n)
const INT_MAX = 2n ** 63n - 1n

/** An int, or undefined when it does not fit 64 bits: what then happens is undefined in C++. */
export function int(value: bigint): IValue | undefined {
  return value < INT_MIN || value > INT_MAX ? undefined : intValue(value)
}

export function float(value: number): IValue {
  return doubleValue(value)
}

export function bool(value: boolean): IValue {
  return boolValue(value)
}

/** A finite float as an int, when its integral part fits 64 bits. */
export function floatToInt(value: number): IValue | undefined {
  return Number.isFinite(value) && Math.abs(value) < 2 ** 63 ? intValue(BigInt(Math.trunc(value))) : undefined
}

/** The number of an Int or Double, as C++ converts it to double. */
export function asDouble(value: IValue): number | undefined {
  return value.tag === 'Double' ? value.value : value.tag === 'Int' ? Number(value.value) : undefined
}

/** A small int that may serve as an index or a dimension. */
export function asIndex(value: IValue | undefined): number | undefined {
  if (value?.tag !== 'Int') return undefined
  const index = Number(value.value)
  return Number.isSafeInteger(index) ? index : undefined
}

/** Strings whose bytes are their characters: TorchScript counts bytes. */
export function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return !/[^\u0000-\u007f]/.test(text)
}

/** Equality of constants by content, as `aten::eq` has it; undefined where it would not be a plain comparison (tensors, objects). */
export function sameValue(a: IValue, b: IValue): boolean | undefined {
  const [x, y] = [asDouble(a), asDouble(b)]
  if (a.tag === 'Int' && b.tag === 'Int') return a.value === b.value
  if (x !== undefined && y !== undefined) return x === y
  if (a.tag !== b.tag) return undefined
  switch (a.tag) {
    case 'None': return true
    case 'Bool': case 'String': case 'Device': return a.value === (b as typeof a).value
    default: return undefined
  }
}
