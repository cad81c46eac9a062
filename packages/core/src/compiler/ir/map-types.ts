import { allNodes, type Attribute, type Graph } from './graph.ts'
import type { IValue } from './ivalue.ts'
import type { Type } from './types.ts'

/** Gives another type for a type, or the type itself. */
export type TypeMap = (type: Type) => Type

/**
 * A map of types that replaces what `replace` has an answer for, at any depth of lists, dicts, tuples and the like. Types in which
 * nothing is replaced stay the same objects. Classes are asked for and not entered.
 */
export function typeMap(replace: (type: Type, map: TypeMap) => Type | undefined): TypeMap {
  const known = new WeakMap<Type, Type>()
  const map: TypeMap = (type) => {
    let mapped = known.get(type)
    if (mapped === undefined) known.set(type, mapped = replace(type, map) ?? mapParts(type, map))
    return mapped
  }
  return map
}

function mapParts(type: Type, map: TypeMap): Type {
  switch (type.kind) {
    case 'OptionalType': case 'ListType': case 'FutureType': case 'RRefType': case 'AwaitType': {
      const element = map(type.element)
      return element === type.element ? type : { ...type, element }
    }
    case 'DictType': {
      const [key, value] = [map(type.key), map(type.value)]
      return key === type.key && value === type.value ? type : { ...type, key, value }
    }
    case 'TupleType': case 'UnionType': {
      const elements = type.elements.map(map)
      return elements.every((element, i) => element === type.elements[i]) ? type : { ...type, elements }
    }
    default: return type
  }
}

/** Changes the types of all values of a graph, of its constants and of what its nodes name. `mapValue` is for constants. */
export function mapGraphTypes(graph: Graph, map: TypeMap, mapValue: (value: IValue) => IValue): void {
  for (const input of graph.inputs) input.type = map(input.type)
  for (const node of allNodes(graph.block)) {
    for (const output of node.outputs) output.type = map(output.type)
    for (const block of node.blocks) for (const input of block.inputs) input.type = map(input.type)
    for (const [name, attribute] of node.attributes) {
      const mapped = mapAttribute(attribute, map, mapValue)
      if (mapped !== attribute) node.attributes.set(name, mapped)
    }
  }
}

function mapAttribute(attribute: Attribute, map: TypeMap, mapValue: (value: IValue) => IValue): Attribute {
  switch (attribute.kind) {
    case 'tys': return attribute.value.every((type) => map(type) === type) ? attribute : { kind: 'tys', value: attribute.value.map(map) }
    case 'ival': {
      const value = mapValue(attribute.value)
      return value === attribute.value ? attribute : { kind: 'ival', value }
    }
    case 'g':
      mapGraphTypes(attribute.value, map, mapValue)
      return attribute
    default: return attribute
  }
}

/** What {@link containerMap} asks of the elements: their types, and another value for one, or undefined. */
export interface ValueMap {
  readonly type: TypeMap
  readonly replace: (value: IValue) => IValue | undefined
}

/** A map of values that goes into lists, tuples and dicts. What is not changed stays the same object; so do two that were one. */
export function containerMap({ type, replace }: ValueMap): (value: IValue) => IValue {
  const known = new Map<IValue, IValue>()
  const map = (value: IValue): IValue => {
    let mapped = known.get(value)
    if (mapped === undefined) known.set(value, mapped = replace(value) ?? mapElements(value))
    return mapped
  }
  const mapElements = (value: IValue): IValue => {
    switch (value.tag) {
      case 'List': {
        const [elementType, elements] = [type(value.elementType), value.elements.map(map)]
        return elementType === value.elementType && elements.every((each, i) => each === value.elements[i]) ? value : { ...value, elementType, elements }
      }
      case 'Tuple': {
        const [own, elements] = [type(value.type), value.elements.map(map)]
        return elements.every((each, i) => each === value.elements[i]) || own.kind !== 'TupleType' ? value : { ...value, type: own, elements }
      }
      case 'Dict': {
        const valueType = type(value.valueType)
        const entries = value.entries.map(([key, each]) => [key, map(each)] as const)
        return valueType === value.valueType && entries.every(([, each], i) => each === value.entries[i]![1]) ? value : { ...value, valueType, entries }
      }
      default: return value
    }
  }
  return map
}
