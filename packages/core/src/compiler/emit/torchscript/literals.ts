import { ivalueType, type IValue } from '../../ir/ivalue.ts'
import { floatText } from '../../ir/print-value.ts'
import { annotationString, type Type } from '../../ir/types.ts'
import { unifyTypeList } from '../../ir/unify.ts'
import type { ConstantTable } from './constant-table.ts'

/** Elements of one literal; longer lists go to the table of constants, as readers hold a node for each element that is written out. */
export const MAX_LITERAL_ELEMENTS = 1024

const INT64_MIN = -(2n ** 63n)

/** What a literal needs of the code around it. */
export interface LiteralContext {
  readonly constants: ConstantTable
  /** Takes notice of a type that the text names. */
  readonly use: (type: Type) => void
}

/**
 * A constant as an expression. Tensors, objects of custom classes, long lists and text beyond ASCII become entries of the table of
 * constants (`printConstant` in torch/csrc/jit/serialization/python_print.cpp; IValue::repr in aten/src/ATen/core/ivalue.cpp).
 */
export function literalText(value: IValue, context: LiteralContext): string {
  switch (value.tag) {
    case 'None': return 'None'
    case 'Bool': return value.value ? 'True' : 'False'
    // Readers take the digits before the sign, and these alone do not fit into 64 bits.
    case 'Int': return value.value === INT64_MIN ? context.constants.nameOf(value) : String(value.value)
    case 'Double': return floatText(value.value)
    case 'ComplexDouble': return complexText(value.real, value.imag)
    case 'String': return isAscii(value.value) ? quoted(value.value) : context.constants.nameOf(value)
    case 'Device': return `torch.device(${quoted(value.value)})`
    case 'Enum': {
      context.use(value.type)
      return `${value.type.name}.${value.name}`
    }
    case 'Tensor': case 'Object': case 'CustomObject': return context.constants.nameOf(value)
    case 'List': return value.elements.length > MAX_LITERAL_ELEMENTS ? context.constants.nameOf(value) : listText(value, context)
    case 'Tuple': return tupleText(value, context)
    case 'Dict': {
      const entries = value.entries.map((entry) => entry.map((each) => literalText(each, context)).join(': '))
      return annotated(ivalueType(value), `{${entries.join(', ')}}`, context)
    }
  }
}

/** The type that a reader finds for {@link literalText}: tuples by what is in them. */
export function literalType(value: IValue): Type {
  if (value.tag !== 'Tuple' || value.type.name !== undefined) return ivalueType(value)
  return { kind: 'TupleType', elements: value.elements.map(literalType) }
}

/** `annotate(T, text)`: the text read as a `type`. */
export function annotated(type: Type, text: string, context: LiteralContext): string {
  context.use(type)
  return `annotate(${annotationString(type)}, ${text})`
}

function listText(list: IValue & { tag: 'List' }, context: LiteralContext): string {
  const text = `[${list.elements.map((each) => literalText(each, context)).join(', ')}]`
  return isTold(list.elementType, list.elements.map(literalType)) ? text : annotated(ivalueType(list), text, context)
}

/** True when a reader finds the type `element` from the `types` of what is in a list or dict, whichever release it is of. */
export function isTold(element: Type, types: readonly Type[]): boolean {
  if (UNTOLD.has(element.kind)) return false
  const found = unifyTypeList(types, { defaultToUnion: true })
  return found !== undefined && annotationString(found) === annotationString(element)
}

/** `elementTypeCanBeInferredFromMembers` in aten/src/ATen/core/type.cpp. */
const UNTOLD: ReadonlySet<Type['kind']> = new Set(['OptionalType', 'UnionType', 'AnyType', 'InterfaceType'])

function tupleText(tuple: IValue & { tag: 'Tuple' }, context: LiteralContext): string {
  const elements = tuple.elements.map((each) => literalText(each, context))
  const { name } = tuple.type
  if (name === undefined) return tupleOfTexts(elements)
  context.use(tuple.type)
  return `${name}(${elements.join(', ')})`
}

/** `(a,)`, `(a, b)`. */
export function tupleOfTexts(elements: readonly string[]): string {
  return `(${elements.join(', ')}${elements.length === 1 ? ',' : ''})`
}

function complexText(real: number, imag: number): string {
  const text = floatText(imag)
  return `${floatText(real)}${text.startsWith('-') ? '' : '+'}${text}j`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** ASCII text as a string literal; what is not printable in octal (`printQuotedString` in c10). */
export function quoted(text: string): string {
  const escaped = text.replace(/[^ -~]|["\\]/g, (char) => ESCAPES[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return `"${escaped}"`
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}
