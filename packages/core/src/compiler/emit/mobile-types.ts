import { annotationString, type SimpleKind, type TupleType, type Type } from '../ir/types.ts'
import type { BytecodeForm } from './bytecode-form.ts'

/** What the lite interpreter's type parser knows. Source: aten/src/ATen/core/type_factory.cpp. */
const KNOWN: ReadonlySet<string> = new Set<SimpleKind>([
  'TensorType', 'IntType', 'FloatType', 'BoolType', 'ComplexType', 'StringType', 'DeviceObjType', 'StreamObjType', 'NumberType',
  'NoneType', 'AnyType', 'CapsuleType', 'AnyListType', 'AnyTupleType',
])

/** Types nest as deep as a signature is written; deeper ones are refused, as the runtime's parser recurses. */
const MAX_TYPE_DEPTH = 200

/** The first part of `type` that the lite interpreter has no notion of, if any. */
export function unsupportedPart(type: Type, depth = 0): Type | undefined {
  if (depth > MAX_TYPE_DEPTH) return type
  const first = (types: readonly Type[]): Type | undefined => {
    for (const each of types) {
      const part = unsupportedPart(each, depth + 1)
      if (part) return part
    }
    return undefined
  }
  switch (type.kind) {
    case 'OptionalType': case 'ListType': return first([type.element])
    case 'DictType': return first([type.key, type.value])
    case 'TupleType': return first(type.elements)
    case 'ClassType': return type.torchbind ? undefined : type
    default: return KNOWN.has(type.kind) ? undefined : type
  }
}

/**
 * A type as the bytecode's type table spells it: as annotations, with the fields of named tuples written out, and no
 * blank in an outermost Dict. Source: serialization/export_module.cpp (`get_named_tuple_str_or_default`), which writes
 * out outermost named tuples only, though jit/mobile/type_parser.cpp reads them anywhere and knows them by no other way.
 * Up to bytecode version 7 there is a blank, and to readers of those a named tuple is a tuple.
 */
export function typeTableString(type: Type, { promoted, namedTuples }: Pick<BytecodeForm, 'promoted' | 'namedTuples'>): string {
  return spell(type, namedTuples ? namedTupleString : () => undefined, promoted ? ',' : undefined)
}

/** The type of a list or dict as pickles tag it. */
export function pickledTypeString(type: Type): string {
  return spell(type, namedTupleString)
}

function namedTupleString(type: TupleType): string | undefined {
  if (type.name === undefined) return undefined
  const fields = type.elements.map((element, i) => `[${type.fields?.[i] ?? i}, ${spell(element, namedTupleString)}]`)
  return `${type.name}[NamedTuple, [${fields.join(',')}]]`
}

/**
 * The type of a method's argument. The runtime would take the name of a named tuple for a class and refuse every
 * tuple, and knows no unions: these are widened.
 */
export function argumentTypeString(type: Type): string {
  if (type.kind === 'ClassType') return type.name
  return unsupportedPart(type) ? 'Any' : spell(type, () => undefined)
}

/** The type of a method's result, which the runtime does not check; it only has to parse. */
export function returnTypeString(type: Type): string {
  return type.kind === 'TupleType' && type.name !== undefined ? type.name : argumentTypeString(type)
}

function spell(type: Type, named: (tuple: TupleType) => string | undefined, dictSeparator = ', '): string {
  const inner = (t: Type): string => spell(t, named)
  switch (type.kind) {
    case 'OptionalType': return `Optional[${inner(type.element)}]`
    case 'ListType': return `List[${inner(type.element)}]`
    case 'DictType': return `Dict[${inner(type.key)}${dictSeparator}${inner(type.value)}]`
    case 'TupleType': return named(type) ?? `Tuple[${type.elements.map(inner).join(', ')}]`
    default: return annotationString(type)
  }
}
