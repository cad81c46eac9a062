import type { ClassType } from '../ir/class-type.ts'
import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { boolValue, doubleValue, intValue, NONE, stringValue, tensorValue, type IValue } from '../ir/ivalue.ts'
import { literalTensor } from '../ir/literal.ts'
import { objectsOf } from '../ir/objects.ts'
import { findSchema } from '../ir/ops/index.ts'
import { BoolType, IntType, listOf, type Type } from '../ir/types.ts'
import { isPlainObject } from './object-checks.ts'
import type { PassLog } from './pass.ts'
import { mentioning, passedAround, replaceTypes, type Copies, type Typed } from './type-replacement.ts'

/**
 * Makes numbers of the objects that no other pass took apart: the attributes of all objects of a class are lists, one for each attribute,
 * that are made when the method begins, and an object is its place in these lists. So objects may change, be known by several names, and be
 * in lists, where PyTorch's lite interpreter has no objects. What an object holds lives until the method ends. Objects that come from or go
 * to the app, or that are kept in a module from one run to the next, stay. Gives the copy of the module; undefined when nothing has changed.
 */
export function lowerMutableObjects(program: Typed, log: PassLog): Copies | undefined {
  const kept: Type[] = []
  for (const { type } of objectsOf(program.root)) kept.push(type, ...type.attributes.map((attribute) => attribute.type))
  const classes = passedAround(program, [...createdClasses(program.graphs)].filter((type) => !kept.some(mentioning(type))), isOwnOperation)
  if (classes.size === 0) return undefined
  for (const graph of program.graphs) lowerGraph(graph, classes)
  const copies = replaceTypes(program, {
    type: (type) => type.kind === 'ClassType' && classes.has(type) ? IntType : undefined,
    value: () => undefined,
  })
  log.changed('lower_mutable_objects', classes.size)
  return copies
}

function createdClasses(graphs: readonly Graph[]): Set<ClassType> {
  const found = new Set<ClassType>()
  for (const graph of graphs) for (const node of allNodes(graph.block)) {
    if (node.kind === 'prim::CreateObject' && isPlainObject(node.output.type)) found.add(node.output.type as ClassType)
  }
  return found
}

/** True for what is known to be done with objects themselves. */
function isOwnOperation(node: Node, type: ClassType): boolean {
  switch (node.kind) {
    case 'prim::CreateObject': return true
    case 'prim::GetAttr': case 'prim::SetAttr': return node.input(0).type === type
    case 'aten::__is__': case 'aten::__isnot__': return node.inputs.every((value) => value.type === type)
    default: return false
  }
}

/** The lists of a class's attributes, by name, in one graph. */
type Heap = ReadonlyMap<string, Value>

/** A class without attributes has objects that are told apart. */
const IDENTITY = ''

function lowerGraph(graph: Graph, classes: ReadonlySet<ClassType>): void {
  const heaps = new Map<ClassType, Heap>()
  const nodes = Array.from(allNodes(graph.block))
  const heapOf = (type: Type): Heap => {
    const known = heaps.get(type as ClassType)
    if (known !== undefined) return known
    const heap = createHeap(graph, type as ClassType)
    heaps.set(type as ClassType, heap)
    return heap
  }
  for (const node of nodes) {
    const type = node.kind === 'prim::CreateObject' ? node.output.type : node.inputs[0]?.type
    if (type?.kind !== 'ClassType' || !classes.has(type) || !isOwnOperation(node, type)) continue
    graph.withInsertPoint(node, () => lowerNode(node, heapOf(type), classes))
  }
}

function createHeap(graph: Graph, type: ClassType): Heap {
  const attributes: readonly { name: string; type: Type }[] = type.attributes.length > 0 ? type.attributes : [{ name: IDENTITY, type: IntType }]
  return graph.withInsertPoint(graph.block.paramNode.next!, () => new Map(attributes.map(({ name, type: element }) => {
    const list = graph.insertOp('prim::ListConstruct', [], listOf(element))
    list.debugName = `${type.name.slice(type.name.lastIndexOf('.') + 1)}_${name}`
    return [name, list]
  })))
}

/** Replaces a node by operators on the lists, at the insert point. */
function lowerNode(node: Node, heap: Heap, classes: ReadonlySet<Type>): void {
  const insert = (kind: string, overload: string, inputs: readonly Value[], type: Type): Value => {
    const value = node.graph.insertOp(kind, inputs, type, findSchema(kind, overload))
    value.node.range = node.range
    return value
  }
  const result = ((): Value | undefined => {
    switch (node.kind) {
      case 'prim::CreateObject': {
        // Of the object's type like all that stands for objects, until types are replaced.
        const place = insert('aten::len', 't', [[...heap.values()][0]!], node.output.type)
        for (const list of heap.values()) insert('aten::append', 't', [list, blank(node, list.type, classes)], list.type)
        return place
      }
      case 'prim::GetAttr': {
        const list = heap.get(node.string('name'))!
        return insert('aten::__getitem__', 't', [list, node.input(0)], node.output.type)
      }
      case 'prim::SetAttr': {
        const list = heap.get(node.string('name'))!
        insert('aten::_set_item', 't', [list, node.input(0), node.input(1)], list.type)
        return undefined
      }
      default: return insert(node.kind === 'aten::__is__' ? 'aten::eq' : 'aten::ne', 'int', node.inputs, BoolType)
    }
  })()
  if (result !== undefined) node.output.replaceAllUsesWith(result)
  node.destroy()
}

/** What stands for an attribute before it is assigned. No program that runs reads it. */
function blank(node: Node, list: Type, classes: ReadonlySet<Type>): Value {
  const { graph } = node
  const type = list.kind === 'ListType' ? list.element : list
  const value = classes.has(type) ? intValue(0) : BLANKS[type.kind]
  if (value !== undefined) return graph.insertConstant(value, type)
  if (type.kind === 'ListType') return graph.insertOp('prim::ListConstruct', [], type)
  if (type.kind === 'DictType') return graph.insertOp('prim::DictConstruct', [], type)
  return graph.insertOp('prim::Uninitialized', [], type)
}

const BLANKS: Partial<Record<Type['kind'], IValue>> = {
  IntType: intValue(0), FloatType: doubleValue(0), BoolType: boolValue(false), StringType: stringValue(''), OptionalType: NONE, NoneType: NONE,
  TensorType: tensorValue(literalTensor('Float', [0], [])),
}
