import type { Tensor } from '../archive/tensor.ts'
import type { ClassType } from './class-type.ts'
import type { EnumType, TupleType, Type } from './types.ts'

/**
 * A runtime value, tagged as c10::IValue is. What module attributes hold and what `prim::Constant` nodes carry.
 * Lists, dicts and objects have identity (two attributes may share one object); all others compare by content.
 */
export type IValue =
  | { readonly tag: 'None' }
  | { readonly tag: 'Bool'; readonly value: boolean }
  | { readonly tag: 'Int'; readonly value: bigint }
  | { readonly tag: 'Double'; readonly value: number }
  | { readonly tag: 'ComplexDouble'; readonly real: number; readonly imag: number }
  | { readonly tag: 'String'; readonly value: string }
  | { readonly tag: 'Device'; readonly value: string }
  | { readonly tag: 'Tensor'; readonly value: Tensor }
  | ListValue
  | DictValue
  | { readonly tag: 'Tuple'; readonly type: TupleType; readonly elements: readonly IValue[] }
  | { readonly tag: 'Enum'; readonly type: EnumType; readonly name: string; readonly value: IValue }
  | ObjectValue
  | CustomObjectValue

export interface ListValue {
  readonly tag: 'List'
  readonly elementType: Type
  readonly elements: readonly IValue[]
}
export interface DictValue {
  readonly tag: 'Dict'
  readonly keyType: Type
  readonly valueType: Type
  readonly entries: readonly (readonly [IValue, IValue])[]
}
/** A module or an instance of a TorchScript class. */
export interface ObjectValue {
  readonly tag: 'Object'
  readonly type: ClassType
  readonly slots: Map<string, IValue>
  /** What the class's own `__getstate__` gave when it was saved, where that decides the pickle; `slots` is empty then. */
  readonly pickledState?: IValue
}
/** An instance of a custom C++ class (packed weights), known only by its pickled state. */
export interface CustomObjectValue {
  readonly tag: 'CustomObject'
  readonly type: ClassType
  readonly state: IValue
}

export const NONE: IValue = { tag: 'None' }
export function boolValue(value: boolean): IValue {
  return { tag: 'Bool', value }
}
export function intValue(value: bigint | number): IValue {
  return { tag: 'Int', value: BigInt(value) }
}
export function doubleValue(value: number): IValue {
  return { tag: 'Double', value }
}
export function stringValue(value: string): IValue {
  return { tag: 'String', value }
}
export function tensorValue(value: Tensor): IValue {
  return { tag: 'Tensor', value }
}
export function intListValue(values: readonly (bigint | number)[]): ListValue {
  return { tag: 'List', elementType: { kind: 'IntType' }, elements: values.map(intValue) }
}
export function tupleValue(elements: readonly IValue[]): IValue {
  return { tag: 'Tuple', type: { kind: 'TupleType', elements: elements.map(ivalueType) }, elements }
}

/** The static type of a value. */
export function ivalueType(value: IValue): Type {
  switch (value.tag) {
    case 'None': return { kind: 'NoneType' }
    case 'Bool': return { kind: 'BoolType' }
    case 'Int': return { kind: 'IntType' }
    case 'Double': return { kind: 'FloatType' }
    case 'ComplexDouble': return { kind: 'ComplexType' }
    case 'String': return { kind: 'StringType' }
    case 'Device': return { kind: 'DeviceObjType' }
    case 'Tensor': return { kind: 'TensorType' }
    case 'List': return { kind: 'ListType', element: value.elementType }
    case 'Dict': return { kind: 'DictType', key: value.keyType, value: value.valueType }
    default: return value.type
  }
}
