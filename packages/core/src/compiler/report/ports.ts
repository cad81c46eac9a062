import type { PortFact } from '../facts.ts'
import type { Argument, FunctionSchema } from '../ir/schema.ts'
import { annotationString, type Type } from '../ir/types.ts'
import { literal } from './literal.ts'

/** What a method takes, without `self`. */
export function inputsOf(schema: FunctionSchema): PortFact[] {
  return schema.arguments.slice(1).map(inputOf)
}

function inputOf({ name, type, defaultValue }: Argument): PortFact {
  return { name, type: annotationString(type), ...defaultValue && { default: literal(defaultValue) } }
}

/** What a method returns: a tuple is several outputs, which have names where it is a named one. */
export function outputsOf(schema: FunctionSchema): PortFact[] {
  return schema.returns.flatMap(({ type }) => outputsOfType(type))
}

/** {@link outputsOf} for the type that is returned. */
export function outputsOfType(type: Type): PortFact[] {
  if (type.kind !== 'TupleType') return [{ name: '', type: annotationString(type) }]
  return type.elements.map((element, i) => ({ name: type.fields?.[i] ?? '', type: annotationString(element) }))
}
