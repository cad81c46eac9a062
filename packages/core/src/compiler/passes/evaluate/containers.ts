import type { Node } from '../../ir/graph.ts'
import { intValue, ivalueType, type DictValue, type IValue } from '../../ir/ivalue.ts'
import { isSubtype, type Type } from '../../ir/types.ts'
import { asIndex, bool, int, isAscii, sameValue, type Evaluator, type Evaluators } from './evaluator.ts'

/** Longest list or string that is folded: longer ones only make the file larger. */
const MAX_LENGTH = 4096

function lengthOf(value: IValue): number | undefined {
  switch (value.tag) {
    case 'List': return value.elements.length
    case 'Dict': return value.entries.length
    case 'String': return isAscii(value.value) ? value.value.length : undefined
    default: return undefined
  }
}

function list(node: Node, elements: readonly IValue[]): IValue | undefined {
  const type = node.outputs[0]!.type
  return type.kind === 'ListType' && elements.length <= MAX_LENGTH ? { tag: 'List', elementType: type.element, elements } : undefined
}

function lookUp(dict: DictValue, key: IValue): IValue | undefined {
  return dict.entries.find(([each]) => sameValue(each, key) === true)?.[1]
}

/** An index as Python counts it, from the end when negative; undefined when out of range. */
function position(index: IValue | undefined, length: number): number | undefined {
  const at = asIndex(index)
  if (at === undefined) return undefined
  const real = at < 0 ? at + length : at
  return real >= 0 && real < length ? real : undefined
}

const getItem: Evaluator = ([container, key]) => {
  if (container === undefined || key === undefined) return undefined
  if (container.tag === 'Dict') return lookUp(container, key)
  if (container.tag !== 'List' && container.tag !== 'String') return undefined
  const at = position(key, lengthOf(container) ?? -1)
  if (at === undefined) return undefined
  return container.tag === 'List' ? container.elements[at] : { tag: 'String', value: container.value[at]! }
}

/** Start, end and step of a Python slice, clamped to the length; None means from or to the end. */
function slice<T>(items: readonly T[], [start, end, step]: readonly (IValue | undefined)[]): T[] | undefined {
  const by = step === undefined ? 1 : asIndex(step)
  // Lists only know positive steps (`listSlice` in register_prim_ops.cpp).
  if (by === undefined || by <= 0) return undefined
  const clamp = (bound: IValue | undefined, missing: number): number | undefined => {
    if (bound === undefined || bound.tag === 'None') return missing
    if (bound.tag !== 'Int') return undefined
    const at = Number(bound.value)
    return Math.min(Math.max(at < 0 ? at + items.length : at, 0), items.length)
  }
  const [from, to] = [clamp(start, 0), clamp(end, items.length)]
  if (from === undefined || to === undefined) return undefined
  const picked: T[] = []
  for (let i = from; i < to; i += by) picked.push(items[i]!)
  return picked
}

const contains: Evaluator = ([container, item]) => {
  if (container === undefined || item === undefined) return undefined
  if (container.tag === 'Dict') return bool(lookUp(container, item) !== undefined)
  if (container.tag === 'String' && item.tag === 'String') return bool(container.value.includes(item.value))
  if (container.tag !== 'List') return undefined
  const found = new Set(container.elements.map((each) => sameValue(each, item)))
  return found.has(undefined) ? undefined : bool(found.has(true))
}

/** Equality of two lists of numbers, bools or strings. */
function listEquality(equal: boolean): Evaluator {
  return ([a, b]) => {
    if (a?.tag !== 'List' || b?.tag !== 'List') return undefined
    if (a.elements.length !== b.elements.length) return bool(!equal)
    const pairs = new Set(a.elements.map((each, i) => sameValue(each, b.elements[i]!)))
    return pairs.has(undefined) ? undefined : bool(pairs.has(false) !== equal)
  }
}

function extreme(better: (a: bigint, b: bigint) => boolean): Evaluator {
  return (inputs) => {
    const [self] = inputs
    if (inputs.length !== 1 || self?.tag !== 'List' || self.elements.length === 0) return undefined
    let best: bigint | undefined
    for (const element of self.elements) {
      if (element.tag !== 'Int') return undefined
      if (best === undefined || better(element.value, best)) best = element.value
    }
    return int(best!)
  }
}

/** True or false when the value's type alone decides `isinstance`, as the interpreter does it (`isinstance` in vararg_functions.cpp). */
function isInstance(value: IValue, types: readonly Type[]): boolean {
  const own = ivalueType(value)
  return types.some((type) => isSubtype(own, type) || (type.kind === 'AnyListType' && own.kind === 'ListType'))
}

const elementsOf: Evaluator = ([tuple], node) =>
  (tuple?.tag === 'Tuple' || tuple?.tag === 'List') && tuple.elements.length === node.outputs.length ? tuple.elements : undefined

const unwrap: Evaluator = ([value]) => value?.tag === 'None' ? undefined : value

/** Operators on lists, tuples, dicts and optionals. */
export const CONTAINER_EVALUATORS: Evaluators = {
  'prim::ListConstruct': (inputs, node) => list(node, inputs),
  'prim::TupleConstruct': (inputs, node) => {
    const type = node.output.type
    return type.kind === 'TupleType' ? { tag: 'Tuple', type, elements: inputs } : undefined
  },
  'prim::TupleUnpack': elementsOf,
  'prim::ListUnpack': elementsOf,
  'prim::TupleIndex': ([tuple, index]) =>
    tuple?.tag === 'Tuple' ? tuple.elements[position(index, tuple.elements.length) ?? -1] : undefined,
  'prim::isinstance': ([value], node) => {
    const types = node.attributes.get('types')
    return value && types?.kind === 'tys' ? bool(isInstance(value, types.value)) : undefined
  },
  'prim::unchecked_cast': unwrap,
  'prim::unchecked_unwrap_optional': unwrap,
  'aten::_unwrap_optional': unwrap,
  'aten::len': ([value]) => {
    if (value?.tag === 'Tensor') return value.value.sizes.length > 0 ? intValue(value.value.sizes[0]!) : undefined
    const length = value && lengthOf(value)
    return length === undefined ? undefined : intValue(length)
  },
  'aten::__getitem__': getItem,
  'aten::get': ([dict, key, fallback]) => dict?.tag === 'Dict' && key ? lookUp(dict, key) ?? fallback ?? { tag: 'None' } : undefined,
  'aten::slice': ([value, ...bounds], node) => {
    if (value?.tag === 'String') {
      const characters = isAscii(value.value) ? slice([...value.value], bounds) : undefined
      return characters && { tag: 'String', value: characters.join('') }
    }
    const elements = value?.tag === 'List' ? slice(value.elements, bounds) : undefined
    return elements && list(node, elements)
  },
  'aten::__contains__': contains,
  'aten::add': ([a, b], node) => a?.tag === 'List' && b?.tag === 'List' ? list(node, [...a.elements, ...b.elements]) : undefined,
  'aten::mul': ([a, b], node) => {
    const [values, times] = a?.tag === 'List' ? [a, asIndex(b)] : b?.tag === 'List' ? [b, asIndex(a)] : []
    // A negative number of times raises an error, unlike in Python.
    if (values === undefined || times === undefined || times < 0 || values.elements.length * times > MAX_LENGTH) return undefined
    return list(node, Array.from({ length: times }, () => values.elements).flat())
  },
  'aten::list': ([a], node) => {
    if (a?.tag === 'String') return isAscii(a.value) ? list(node, [...a.value].map((value): IValue => ({ tag: 'String', value }))) : undefined
    return a?.tag === 'List' ? list(node, a.elements) : undefined
  },
  'aten::eq': listEquality(true),
  'aten::ne': listEquality(false),
  'prim::min': extreme((a, b) => a < b),
  'prim::max': extreme((a, b) => a > b),
}
