import { PetalError } from '../errors.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'
import { typeString, type Type } from '../ir/types.ts'

/**
 * Checks that every object below `root` holds what its class declares, so that graphs may trust declared types.
 * Objects are visited once, without recursion.
 */
export function checkObjects(root: ObjectValue): void {
  const todo: { value: IValue; type: Type; where: string }[] = [{ value: root, type: root.type, where: '' }]
  const seen = new Set<IValue>()
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { value, type, where } = next
    const problem = mismatch(value, type)
    if (problem !== undefined) throw invalidAttribute(where, problem, type)
    if (value.tag !== 'Object' || seen.has(value)) continue
    seen.add(value)
    for (const { name, type: declared } of value.type.attributes) {
      const slot = value.slots.get(name)
      const path = where === '' ? name : `${where}.${name}`
      if (slot === undefined) throw invalidAttribute(path, 'missing', declared)
      todo.push({ value: slot, type: declared, where: path })
    }
  }
}

/** Objects below `root` that a `__setstate__` is to restore, inner ones first. */
export function objectsWithState(root: IValue): { object: ObjectValue; where: string }[] {
  const found: { object: ObjectValue; where: string }[] = []
  const todo: { value: IValue; where: string }[] = [{ value: root, where: '' }]
  const seen = new Set<IValue>()
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { value, where } = next
    if (seen.has(value)) continue
    switch (value.tag) {
      case 'Object':
        seen.add(value)
        if (value.pickledState !== undefined) {
          found.push({ object: value, where })
          todo.push({ value: value.pickledState, where })
        }
        for (const [name, slot] of value.slots) todo.push({ value: slot, where: where === '' ? name : `${where}.${name}` })
        break
      case 'Tuple': case 'List':
        seen.add(value)
        for (const element of value.elements) todo.push({ value: element, where })
        break
      case 'Dict':
        seen.add(value)
        for (const [, element] of value.entries) todo.push({ value: element, where })
    }
  }
  return found.toReversed()
}

/** Tags of values by the kind of type that takes exactly these. */
const TAGS: Partial<Record<Type['kind'], readonly IValue['tag'][]>> = {
  TensorType: ['Tensor'], IntType: ['Int'], FloatType: ['Double'], ComplexType: ['ComplexDouble'], BoolType: ['Bool'], StringType: ['String'],
  NoneType: ['None'], NumberType: ['Int', 'Double', 'ComplexDouble'], DeviceObjType: ['Device'], ListType: ['List'], DictType: ['Dict'],
  TupleType: ['Tuple'], EnumType: ['Enum'], InterfaceType: ['Object'], AnyListType: ['List'], AnyTupleType: ['Tuple'], AnyClassType: ['Object'],
}

/** What is wrong with `value` as a `type`, at its outermost level; undefined when it fits. */
function mismatch(value: IValue, type: Type): string | undefined {
  if (type.kind === 'OptionalType') return value.tag === 'None' ? undefined : mismatch(value, type.element)
  if (type.kind === 'ClassType') {
    const isClass = value.tag === (type.torchbind ? 'CustomObject' : 'Object') && 'type' in value && value.type === type
    return isClass ? undefined : described(value)
  }
  const tags = TAGS[type.kind]
  if (tags === undefined || tags.includes(value.tag)) return undefined
  // Parameters and buffers that were None when the model was saved are declared as tensors and are None.
  return value.tag === 'None' && type.kind === 'TensorType' ? undefined : described(value)
}

function described(value: IValue): string {
  return value.tag === 'Object' || value.tag === 'CustomObject' ? `a ${value.type.name}` : `a ${value.tag}`
}

function invalidAttribute(where: string, what: string, type: Type): PetalError {
  return new PetalError({
    code: 'INVALID_ATTRIBUTE',
    message: what === 'missing'
      ? `The model's attribute '${where}', a ${typeString(type)}, is not in the file.`
      : `The model's attribute '${where}' is ${what} in the file and a ${typeString(type)} in its code.`,
    cause: 'The data and the code of the file do not belong together.',
    fix: 'Save the model again with torch.jit.save.',
  })
}
