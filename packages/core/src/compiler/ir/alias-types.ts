import { typeString, type Type } from './types.ts'

/** The wildcard class of values of which only the value at run time tells the type. It overlaps with all others. */
export const ANY_MEMORY = 'Any'

const memo = new WeakMap<Type, string | false>()

/**
 * The class of memory that a value of `type` may refer to: two values may share memory only when their classes are equal, or
 * one is {@link ANY_MEMORY}. Undefined for values that are never written to and hold nothing that is (`AliasDb::isMutableType`).
 * Optional and tuple types are seen through, as `Optional[T]` refines to `T` and tuples are covariant.
 */
export function memoryClass(type: Type): string | undefined {
  let known = memo.get(type)
  if (known === undefined) memo.set(type, known = compute(type) ?? false)
  return known === false ? undefined : known
}

function compute(type: Type): string | undefined {
  switch (type.kind) {
    case 'TensorType': return 'Tensor'
    case 'ListType': case 'DictType': return typeString(type)
    case 'ClassType': return `class ${type.name}`
    case 'OptionalType': return memoryClass(type.element)
    case 'FutureType': case 'RRefType': case 'AwaitType': return `${type.kind}(${memoryClass(type.element) ?? ''})`
    case 'TupleType': {
      const inner = type.elements.map(memoryClass).filter((each) => each !== undefined)
      if (inner.length === 0) return undefined
      return inner.includes(ANY_MEMORY) ? ANY_MEMORY : `(${inner.join(', ')})`
    }
    case 'UnionType': return type.elements.some((each) => memoryClass(each) !== undefined) ? ANY_MEMORY : undefined
    case 'AnyType': case 'AnyListType': case 'AnyTupleType': case 'AnyClassType': case 'InterfaceType': case 'VarType': case 'PyObjectType':
    case 'CapsuleType': case 'StorageType': case 'GeneratorType': case 'StreamObjType':
      return ANY_MEMORY
    default: return undefined
  }
}

/** `AliasDb::isMutableType`: true when a value of the type can be written to, or hold something that can. */
export function isMutableType(type: Type): boolean {
  return memoryClass(type) !== undefined
}

/** The types of what a value of `type` holds, one level down. */
export function containedTypes(type: Type): readonly Type[] {
  switch (type.kind) {
    case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType': return [type.element]
    case 'OptionalType': return containedTypes(type.element)
    case 'DictType': return [type.key, type.value]
    case 'TupleType': return type.elements
    case 'ClassType': return type.attributes.map((attribute) => attribute.type)
    default: return []
  }
}
