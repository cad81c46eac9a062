import type { ClassType } from '../ir/class-type.ts'
import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'
import { containerMap, mapGraphTypes, typeMap, type TypeMap } from '../ir/map-types.ts'
import { objectsOf } from '../ir/objects.ts'
import type { Type } from '../ir/types.ts'
import type { AttributeSet } from './preserved.ts'

/** A program in which types are replaced: all methods of a module at once, as they share its attributes. */
export interface Typed {
  readonly graphs: readonly Graph[]
  readonly root: ObjectValue
  /** Attributes that an app may see and set. */
  readonly preserved: AttributeSet
}

/** Types to be replaced. */
export interface Replacement {
  /** What stands for a type; undefined for those that stay. `map` is for the parts of the new type. */
  readonly type: (type: Type, map: TypeMap) => Type | undefined
  /** What stands for a value of such a type. `map` is for the parts of the value. */
  readonly value: (value: IValue, types: TypeMap, map: (value: IValue) => IValue) => IValue | undefined
}

/** Gives the copy of an object of a module. */
export type Copies = ReadonlyMap<ObjectValue, ObjectValue>

/** Replaces types and values of them in graphs and in a copy of the module; gives what each object is in the copy. Nodes must know how to go on with the new types. */
export function replaceTypes({ graphs, root }: Typed, { type, value }: Replacement): Copies {
  const classes = affectedClasses(graphs, root, type)
  const types = typeMap((each, map) => type(each, map) ?? (each.kind === 'ClassType' ? classes.get(each) : undefined))
  for (const [before, after] of classes) {
    for (const each of before.attributes) after.attributes.push({ ...each, type: types(each.type) })
  }
  const objects = new Map<ObjectValue, ObjectValue>()
  const values = containerMap({ type: types, replace: (each) => value(each, types, values) ?? (each.tag === 'Object' ? copy(each) : undefined) })
  const copy = (object: ObjectValue): ObjectValue => {
    const known = objects.get(object)
    if (known !== undefined) return known
    const slots = new Map<string, IValue>()
    const made: ObjectValue = { ...object, type: classes.get(object.type) ?? object.type, slots }
    objects.set(object, made)
    for (const [name, slot] of object.slots) slots.set(name, values(slot))
    return made
  }
  for (const graph of graphs) mapGraphTypes(graph, types, values)
  copy(root)
  return objects
}

/** Classes whose attributes change their types, with a new class for each that has no attributes yet. */
function affectedClasses(graphs: readonly Graph[], root: ObjectValue, type: Replacement['type']): Map<ClassType, ClassType> {
  const classes = new Set<ClassType>([...objectsOf(root)].map((object) => object.type))
  const values = graphs.flatMap((graph) => [...allNodes(graph.block)].flatMap(({ outputs }) => outputs))
  for (const value of values) for (const each of classesIn(value.type)) classes.add(each)
  const affected = new Map<ClassType, ClassType>()
  for (let before = -1; before !== affected.size;) {
    before = affected.size
    const probe = typeMap((each, map) => type(each, map) ?? (each.kind === 'ClassType' ? affected.get(each) : undefined))
    for (const each of classes) {
      if (affected.has(each) || each.attributes.every((attribute) => probe(attribute.type) === attribute.type)) continue
      affected.set(each, { ...each, attributes: [] })
    }
  }
  return affected
}

/** The classes in a type, and in the attributes of these. */
function classesIn(type: Type): ReadonlySet<ClassType> {
  const known = CLASSES.get(type)
  if (known !== undefined) return known
  const found = new Set<ClassType>()
  const collect = typeMap((each) => {
    if (each.kind !== 'ClassType' || found.has(each)) return undefined
    found.add(each)
    for (const attribute of each.attributes) collect(attribute.type)
    return undefined
  })
  collect(type)
  CLASSES.set(type, found)
  return found
}

const CLASSES = new WeakMap<Type, ReadonlySet<ClassType>>()

/** All values in a value, itself included, each once. */
export function valuesBelow(root: IValue): Set<IValue> {
  const found = new Set<IValue>()
  const pending: IValue[] = [root]
  for (let value = pending.pop(); value; value = pending.pop()) {
    if (found.has(value)) continue
    found.add(value)
    if (value.tag === 'Object') pending.push(...value.slots.values())
    else if (value.tag === 'List' || value.tag === 'Tuple') pending.push(...value.elements)
    else if (value.tag === 'Dict') pending.push(...value.entries.flat())
  }
  return found
}

/**
 * Which of the types are only passed around by the graphs, so that something else can be passed around in their place: not taken from
 * or given to who runs the methods, not preserved, and used by no node that `own` does not know but those that hand on what they get.
 */
export function passedAround<T extends Type>({ graphs, preserved }: Typed, candidates: Iterable<T>, own: (node: Node, type: T) => boolean): Set<T> {
  const left = new Set(candidates)
  for (const type of left) {
    const mentions = mentioning(type)
    const isPreserved = [...preserved].some(([{ type: owner }, names]) => owner.attributes.some((each) => names.has(each.name) && mentions(each.type)))
    const isBoundary = graphs.some(({ inputs, outputs }) => [...inputs.slice(1), ...outputs].some(({ type: each }) =>
      mentions(each) || [...classesIn(each)].some(({ attributes }) => attributes.some((attribute) => mentions(attribute.type)))))
    if (isPreserved || isBoundary || !graphs.every((graph) => isPassedAround(graph, type, mentions, own))) left.delete(type)
  }
  return left
}

/** Asks whether a type has `wanted` as a part. */
export function mentioning(wanted: Type): (type: Type) => boolean {
  const map = typeMap((type) => type === wanted ? { kind: 'AnyType' } : undefined)
  return (type) => map(type) !== type
}

function isPassedAround<T extends Type>(graph: Graph, type: T, mentions: (type: Type) => boolean, own: (node: Node, type: T) => boolean): boolean {
  for (const node of allNodes(graph.block)) {
    for (const attribute of node.attributes.values()) if (attribute.kind === 'tys' && attribute.value.some(mentions)) return false
    if (![...node.inputs, ...node.outputs].some((value) => mentions(value.type))) continue
    if (!own(node, type) && !handsOn(node, mentions)) return false
  }
  return true
}

/** Nodes that hand on what they get, whatever it is, and do nothing else with it. */
const STRUCTURAL: ReadonlySet<string> = new Set([
  'prim::Constant', 'prim::If', 'prim::Loop', 'prim::ListConstruct', 'prim::TupleConstruct', 'prim::TupleUnpack', 'prim::TupleIndex',
  'prim::TupleSlice', 'prim::DictConstruct', 'prim::ListUnpack', 'prim::Uninitialized', 'prim::GetAttr', 'prim::SetAttr',
])

/** Operators on containers that do not look at the elements. */
const CONTAINER_OPERATORS: ReadonlySet<string> = new Set([
  'append', '__getitem__', '_set_item', 'len', 'insert', 'pop', 'extend', 'add', 'add_', 'slice', 'copy', 'reverse', 'clear', 'list', 'keys',
  'values', 'items', 'get', 'setdefault', 'update', 'popitem', 'Delete', 'dict',
].map((name) => `aten::${name}`))

function handsOn(node: Node, mentions: (type: Type) => boolean): boolean {
  if (STRUCTURAL.has(node.kind)) return true
  switch (node.kind) {
    // Widened to something else, nobody knows any more what it is.
    case 'prim::unchecked_cast': case 'aten::_unwrap_optional': case 'prim::unchecked_unwrap_optional':
      return mentions(node.input(0).type) && mentions(node.output.type)
    case 'aten::__is__': case 'aten::__isnot__':
      return node.inputs.some(({ type }) => type.kind === 'NoneType')
    default: {
      const { schema } = node
      return schema !== undefined && CONTAINER_OPERATORS.has(node.kind)
        && node.inputs.every((value, i) => isVariable(schema.arguments[i]?.type, value.type, mentions))
        && node.outputs.every((value, i) => isVariable(schema.returns[i]?.type, value.type, mentions))
    }
  }
}

/** True when a type is mentioned only where the operator's signature has a type variable. */
function isVariable(declared: Type | undefined, actual: Type, mentions: (type: Type) => boolean): boolean {
  if (declared?.kind === 'VarType' || !mentions(actual)) return true
  if (declared?.kind === 'OptionalType') return isVariable(declared.element, actual.kind === 'OptionalType' ? actual.element : actual, mentions)
  if (declared?.kind === 'ListType' && actual.kind === 'ListType') return isVariable(declared.element, actual.element, mentions)
  if (declared?.kind === 'DictType' && actual.kind === 'DictType') return isVariable(declared.value, actual.value, mentions) && !mentions(actual.key)
  if (declared?.kind === 'TupleType' && actual.kind === 'TupleType') {
    return declared.elements.length === actual.elements.length && declared.elements.every((each, i) => isVariable(each, actual.elements[i]!, mentions))
  }
  return false
}
