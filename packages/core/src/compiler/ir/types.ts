import type { ClassType } from './class-type.ts'

/**
 * TorchScript types, named as in aten/src/ATen/core/jit_type.h. Immutable and compared by {@link sameType};
 * class types are compared by reference. Ops' `ScalarType`, `Layout` and `MemoryFormat` arguments are IntType, as in PyTorch.
 */
export type Type =
  | { readonly kind: SimpleKind }
  | { readonly kind: 'OptionalType' | 'ListType' | 'FutureType' | 'RRefType' | 'AwaitType'; readonly element: Type }
  | { readonly kind: 'DictType'; readonly key: Type; readonly value: Type }
  | TupleType
  | { readonly kind: 'UnionType'; readonly elements: readonly Type[] }
  /** A type variable in an op schema, `t` in `aten::append.t(t[](a!) self, t(c -> *) el)`. */
  | { readonly kind: 'VarType'; readonly name: string }
  | EnumType
  | InterfaceType
  | { readonly kind: 'FunctionType'; readonly name: string }
  | ClassType

/** Kinds of types that have no parts. */
export type SimpleKind =
  | 'TensorType' | 'IntType' | 'FloatType' | 'ComplexType' | 'BoolType' | 'StringType' | 'NoneType' | 'NumberType'
  | 'DeviceObjType' | 'StreamObjType' | 'GeneratorType' | 'QSchemeType' | 'StorageType' | 'CapsuleType' | 'PyObjectType'
  | 'AnyType' | 'AnyListType' | 'AnyTupleType' | 'AnyClassType' | 'AnyEnumType'

/** A tuple; a NamedTuple when `name` (qualified) and `fields` are set. */
export interface TupleType {
  readonly kind: 'TupleType'
  readonly elements: readonly Type[]
  readonly name?: string
  readonly fields?: readonly string[]
}

/** An enum by its qualified name; all members have values of one type. */
export interface EnumType {
  readonly kind: 'EnumType'
  readonly name: string
  readonly value: Type
  readonly members: readonly string[]
}

/** What a module or object must be able to do, without saying which it is. */
export interface InterfaceType {
  readonly kind: 'InterfaceType'
  readonly name: string
  readonly isModule: boolean
}

export const TensorType: Type = { kind: 'TensorType' }
export const IntType: Type = { kind: 'IntType' }
export const FloatType: Type = { kind: 'FloatType' }
export const ComplexType: Type = { kind: 'ComplexType' }
export const BoolType: Type = { kind: 'BoolType' }
export const StringType: Type = { kind: 'StringType' }
export const NoneType: Type = { kind: 'NoneType' }
export const NumberType: Type = { kind: 'NumberType' }
export const DeviceObjType: Type = { kind: 'DeviceObjType' }
export const AnyType: Type = { kind: 'AnyType' }

export function listOf(element: Type): Type {
  return { kind: 'ListType', element }
}
export function optionalOf(element: Type): Type {
  return element.kind === 'OptionalType' || element.kind === 'NoneType' ? element : { kind: 'OptionalType', element }
}
export function dictOf(key: Type, value: Type): Type {
  return { kind: 'DictType', key, value }
}
export function tupleOf(elements: readonly Type[]): TupleType {
  return { kind: 'TupleType', elements }
}

/** Structural equality; classes, enums and interfaces by qualified name. */
export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  switch (a.kind) {
    case 'OptionalType': case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType':
      return sameType(a.element, (b as typeof a).element)
    case 'DictType':
      return sameType(a.key, (b as typeof a).key) && sameType(a.value, (b as typeof a).value)
    case 'TupleType': {
      const other = b as TupleType
      return a.name === other.name && (a.name !== undefined || sameFields(a, other)) && sameTypes(a.elements, other.elements)
    }
    case 'UnionType': {
      const other = (b as typeof a).elements
      return a.elements.length === other.length && a.elements.every((type) => other.some((o) => sameType(type, o)))
    }
    case 'VarType': case 'EnumType': case 'InterfaceType': case 'FunctionType': case 'ClassType':
      return a.name === (b as typeof a).name
    default:
      return true
  }
}

/** Both plain, or NamedTuples with the same field names. */
function sameFields(a: TupleType, b: TupleType): boolean {
  if (a.fields === undefined || b.fields === undefined) return a.fields === b.fields
  return a.fields.length === b.fields.length && a.fields.every((field, i) => field === b.fields![i])
}

function sameTypes(a: readonly Type[], b: readonly Type[]): boolean {
  return a.length === b.length && a.every((type, i) => sameType(type, b[i]!))
}

/** `a <: b` as in PyTorch's `Type::isSubtypeOf`. */
export function isSubtype(a: Type, b: Type): boolean {
  if (b.kind === 'AnyType' || sameType(a, b)) return true
  if (a.kind === 'UnionType') return a.elements.every((type) => isSubtype(type, b))
  switch (b.kind) {
    case 'OptionalType':
      return a.kind === 'NoneType' || isSubtype(a.kind === 'OptionalType' ? a.element : a, b.element)
    case 'UnionType':
      if (a.kind === 'OptionalType') return isSubtype(NoneType, b) && isSubtype(a.element, b)
      if (a.kind === 'NumberType') return [IntType, FloatType, ComplexType].every((type) => isSubtype(type, b))
      return b.elements.some((type) => isSubtype(a, type))
    case 'NumberType':
      return a.kind === 'IntType' || a.kind === 'FloatType' || a.kind === 'ComplexType'
    case 'TupleType':
      return a.kind === 'TupleType' && ((b.fields === undefined && b.name === undefined) || a.name === b.name || sameFields(a, b))
        && a.elements.length === b.elements.length && a.elements.every((type, i) => isSubtype(type, b.elements[i]!))
    case 'FutureType': case 'RRefType': case 'AwaitType': return a.kind === b.kind && isSubtype(a.element, b.element)
    case 'AnyListType': return a.kind === 'ListType'
    case 'AnyTupleType': return a.kind === 'TupleType'
    case 'AnyClassType': return a.kind === 'ClassType'
    case 'AnyEnumType': return a.kind === 'EnumType'
    default: return false
  }
}

const SIMPLE_NAMES: Record<SimpleKind, string> = {
  TensorType: 'Tensor', IntType: 'int', FloatType: 'float', ComplexType: 'complex', BoolType: 'bool', StringType: 'str',
  NoneType: 'NoneType', NumberType: 'Scalar', DeviceObjType: 'Device', StreamObjType: 'Stream', GeneratorType: 'Generator',
  QSchemeType: 'QScheme', StorageType: 'Storage', CapsuleType: 'Capsule', PyObjectType: 'PyObject',
  AnyType: 'Any', AnyListType: 'list', AnyTupleType: 'tuple', AnyClassType: 'AnyClassType', AnyEnumType: 'AnyEnumType',
}

/** What `annotation_str` writes for the simple types whose name differs from the one in graphs. */
const ANNOTATION_NAMES: Partial<Record<SimpleKind, string>> = { NumberType: 'number', DeviceObjType: 'Device' }

/**
 * PyTorch's `annotation_str`: `Optional[List[int]]`. Used in code, pickles and bytecode.
 * `dictSeparator` is `, ` in schemas and `,` in the bytecode's type table (as PyTorch 1.13 writes them).
 */
export function annotationString(type: Type, dictSeparator = ', '): string {
  const inner = (t: Type): string => annotationString(t, dictSeparator)
  switch (type.kind) {
    case 'OptionalType': return `Optional[${inner(type.element)}]`
    case 'ListType': return `List[${inner(type.element)}]`
    case 'FutureType': return `Future[${inner(type.element)}]`
    case 'RRefType': return `RRef[${inner(type.element)}]`
    case 'AwaitType': return `Await[${inner(type.element)}]`
    case 'DictType': return `Dict[${inner(type.key)}${dictSeparator}${inner(type.value)}]`
    case 'TupleType':
      if (type.name !== undefined) return type.name
      return type.elements.length === 0 ? 'Tuple[()]' : `Tuple[${type.elements.map(inner).join(', ')}]`
    case 'UnionType': return `Union[${type.elements.map(inner).join(', ')}]`
    case 'VarType': case 'EnumType': case 'InterfaceType': case 'FunctionType': case 'ClassType': return type.name
    default: return ANNOTATION_NAMES[type.kind] ?? SIMPLE_NAMES[type.kind]
  }
}

/** PyTorch's `Type::str`, as graphs print it: `int[]`, `Tensor?`, `Dict(str, Tensor)`, `(int, Tensor)`. */
export function typeString(type: Type): string {
  switch (type.kind) {
    case 'OptionalType': return `${typeString(type.element)}?`
    case 'ListType': return `${typeString(type.element)}[]`
    case 'FutureType': return `Future(${typeString(type.element)})`
    case 'RRefType': return `RRef(${typeString(type.element)})`
    case 'AwaitType': return `Await(${typeString(type.element)})`
    case 'DictType': return `Dict(${typeString(type.key)}, ${typeString(type.value)})`
    case 'TupleType': {
      const elements = type.elements.map(typeString)
      if (type.name === undefined) return `(${elements.join(', ')})`
      return `NamedTuple(${type.name})(${elements.map((t, i) => `${type.fields?.[i] ?? i}: ${t}`).join(', ')})`
    }
    case 'UnionType': return `Union(${type.elements.map(typeString).join(', ')})`
    case 'VarType': return type.name
    case 'EnumType': return `Enum<${type.name}>`
    case 'InterfaceType': return `InterfaceType<${type.name}>`
    case 'FunctionType': return 'Function'
    case 'ClassType': return type.name
    default: return SIMPLE_NAMES[type.kind]
  }
}
