import type { Graph, SourceRange, Value } from '../ir/graph.ts'
import { isSubtype, NumberType, sameType, type TupleType, type Type } from '../ir/types.ts'

/** An operator call that conversions make; given by the caller, as overload resolution itself needs conversions. */
export type EmitCall = (kind: string, args: readonly Value[]) => Value

/** A value, or how to make one: nothing is put into the graph before it is known that the whole call matches. */
export interface Plan {
  readonly type: Type
  /** The value itself, when it is there already. */
  readonly value?: Value
  emit(): Value
}

/** What conversions are made with. */
export interface ConversionContext {
  readonly graph: Graph
  readonly range: SourceRange | undefined
  readonly allowConversions: boolean
  readonly call: EmitCall
}

/** Implicit conversions of a Tensor and of a Scalar to a concrete number type. */
const FROM_TENSOR: Readonly<Record<string, string>> = {
  FloatType: 'aten::FloatImplicit', ComplexType: 'aten::ComplexImplicit', IntType: 'aten::IntImplicit', NumberType: 'aten::ScalarImplicit',
}
const FROM_NUMBER: Readonly<Record<string, string>> = { FloatType: 'aten::Float', ComplexType: 'aten::Complex', IntType: 'aten::Int' }

/** A value that is there already. */
export function planValue(value: Value): Plan {
  return { type: value.type, value, emit: () => value }
}

/** A `prim::ListConstruct` of the elements. */
export function planList(context: ConversionContext, element: Type, elements: readonly Plan[]): Plan {
  const type: Type = { kind: 'ListType', element }
  return { type, emit: () => construct(context, 'prim::ListConstruct', elements.map((plan) => plan.emit()), type) }
}

/** A tuple whose elements all fit the list's element type, or a list that is one already. */
export function convertibleToList(type: Type, list: Type): boolean {
  if (list.kind !== 'ListType') return false
  return isSubtype(type, list) || (type.kind === 'TupleType' && type.elements.every((element) => isSubtype(element, list.element)))
}

/** `T` of `Optional[T]`; any other type itself. */
export function unwrapOptional(type: Type): Type {
  return type.kind === 'OptionalType' ? type.element : type
}

/**
 * Turns a value into `wanted` as far as TorchScript's implicit conversions go; the caller checks whether they went far
 * enough (tryConvertToType in torch/csrc/jit/frontend/schema_matching.cpp).
 */
export function planConversion(context: ConversionContext, wanted: Type, plan: Plan): Plan {
  if (wanted.kind === 'OptionalType' && plan.type.kind !== 'OptionalType' && plan.type.kind !== 'NoneType') {
    return planConversion(context, wanted.element, plan)
  }
  let result = plan
  if (plan.value?.node.kind === 'prim::EmptyListLiteral' && wanted.kind === 'ListType') result = planList(context, wanted.element, [])
  if (result.type.kind === 'TupleType') result = planTupleConversion(context, wanted, result, result.type)
  return context.allowConversions ? planNumberConversion(context, wanted, result) : result
}

function planTupleConversion(context: ConversionContext, wanted: Type, plan: Plan, tuple: TupleType): Plan {
  const list = unwrapOptional(wanted)
  if (list.kind === 'ListType' && convertibleToList(tuple, list)) {
    return planList(context, list.element, unpacked(context, plan, tuple))
  }
  if (wanted.kind !== 'TupleType' || isSubtype(tuple, wanted) || wanted.elements.length !== tuple.elements.length) return plan
  const elements = unpacked(context, plan, tuple).map((element, i) => planConversion(context, wanted.elements[i]!, element))
  const type: Type = { kind: 'TupleType', elements: elements.map((element) => element.type) }
  return { type, emit: () => construct(context, 'prim::TupleConstruct', elements.map((element) => element.emit()), type) }
}

/** The tuple's elements: the inputs of its construction, or outputs of one `prim::TupleUnpack` made when first needed. */
function unpacked(context: ConversionContext, plan: Plan, tuple: TupleType): Plan[] {
  if (plan.value?.node.kind === 'prim::TupleConstruct') return plan.value.node.inputs.map(planValue)
  let outputs: readonly Value[] | undefined
  const unpack = (): readonly Value[] => {
    const node = context.graph.create('prim::TupleUnpack', [plan.emit()])
    node.range = context.range
    context.graph.insert(node)
    for (const element of tuple.elements) node.addOutput(element)
    return node.outputs
  }
  return tuple.elements.map((type, i) => ({ type, emit: () => (outputs ??= unpack())[i]! }))
}

function planNumberConversion(context: ConversionContext, wanted: Type, plan: Plan): Plan {
  const convert = (kind: string, type: Type): Plan => ({ type, emit: () => context.call(kind, [plan.emit()]) })
  if (plan.type.kind === 'TensorType') {
    const kind = FROM_TENSOR[wanted.kind]
    if (kind !== undefined) return convert(kind, wanted)
  } else if (isNumber(plan.type)) {
    const kind = FROM_NUMBER[wanted.kind]
    if (kind !== undefined) return convert(kind, wanted)
  }
  if (plan.type.kind === 'StringType' && sameType(wanted, { kind: 'DeviceObjType' })) return convert('aten::device', wanted)
  return plan
}

/** `Scalar`, also as the union that it is. */
function isNumber(type: Type): boolean {
  return type.kind === 'NumberType' || (type.kind === 'UnionType' && type.elements.length === 3 && isSubtype(NumberType, type))
}

function construct(context: ConversionContext, kind: string, inputs: readonly Value[], type: Type): Value {
  const value = context.graph.insertOp(kind, inputs, type)
  value.node.range = context.range
  return value
}
