import type { ClassType } from '../ir/class-type.ts'
import { allNodes, type Node } from '../ir/graph.ts'
import { intValue } from '../ir/ivalue.ts'
import { objectsOf } from '../ir/objects.ts'
import { tupleOf, type TupleType, type Type } from '../ir/types.ts'
import { isPlainObject } from './object-checks.ts'
import type { PassLog } from './pass.ts'
import { passedAround, replaceTypes, type Copies, type Typed } from './type-replacement.ts'

/**
 * Makes tuples of the objects of classes that never change once they are made: all attributes are assigned right after an object is created,
 * and none later, so nobody can tell one object from another that holds the same. Tuples may then be where PyTorch's lite interpreter has no
 * objects: in lists and dicts, in attributes that are assigned while running, behind branches. Gives the copy of the module; undefined when nothing
 * has changed.
 */
export function lowerImmutableObjects(program: Typed, log: PassLog): Copies | undefined {
  const made = constructions(program)
  const classes = passedAround(program, made.keys(), isOwnOperation)
  for (const type of classes) if (!hasFiniteTuple(type, classes)) classes.delete(type)
  if (classes.size === 0) return undefined
  const lowered = [...made].flatMap(([type, found]) => classes.has(type) ? found : [])
  for (const construction of lowered) construct(construction)
  for (const graph of program.graphs) for (const node of allNodes(graph.block)) {
    if (node.kind === 'prim::GetAttr' && isOneOf(node.input(0).type, classes)) readElement(node)
  }
  const copies = replaceTypes(program, {
    type: (type, map) => isOneOf(type, classes) ? tupleOf(type.attributes.map((attribute) => map(attribute.type))) : undefined,
    value: (value, types, map) => value.tag === 'Object' && classes.has(value.type)
      ? { tag: 'Tuple', type: types(value.type) as TupleType, elements: value.type.attributes.map(({ name }) => map(value.slots.get(name)!)) } : undefined,
  })
  log.changed('lower_immutable_objects', lowered.length)
  return copies
}

function isOneOf(type: Type, classes: ReadonlySet<ClassType>): type is ClassType {
  return type.kind === 'ClassType' && classes.has(type)
}

/** An object, from where it is created to where its last attribute is assigned. */
interface Construction {
  readonly creation: Node
  readonly assignments: readonly Node[]
  /** Attributes that are read in between, with the assignment before. */
  readonly reads: readonly { readonly node: Node; readonly assignment: Node }[]
}

/** The plain classes of which all objects that the graphs create are constructed in one go and then left alone. */
function constructions({ graphs, root }: Typed): Map<ClassType, Construction[]> {
  const found = new Map<ClassType, Construction[]>()
  const excluded = new Set<Type>([...objectsOf(root)].flatMap(({ type, pickledState }) => pickledState === undefined ? [] : [type]))
  for (const graph of graphs) for (const node of allNodes(graph.block)) {
    if (node.kind === 'prim::CreateObject' && isPlainObject(node.output.type)) {
      const construction = constructionOf(node)
      const type = node.output.type as ClassType
      if (construction === undefined) excluded.add(type)
      else found.set(type, [...found.get(type) ?? [], construction])
    } else if (node.kind === 'prim::SetAttr' && node.input(0).node.kind !== 'prim::CreateObject') excluded.add(node.input(0).type)
  }
  for (const type of excluded) found.delete(type as ClassType)
  return found
}

function constructionOf(creation: Node): Construction | undefined {
  const object = creation.output
  const assignments: Node[] = []
  const accesses: Node[] = []
  for (const { user, offset } of object.uses) {
    if (user.kind === 'prim::SetAttr' && offset === 0) assignments.push(user)
    else accesses.push(user)
  }
  const last = assignments.reduce((late, node) => late.isBefore(node) ? node : late, creation)
  if (assignments.some((node) => node.owningBlock !== creation.owningBlock)) return undefined
  const early = accesses.filter((node) => node.isBefore(last))
  const reads = early.map((node) => ({ node, assignment: assignmentBefore(node, assignments) }))
  if (reads.some(({ assignment }) => assignment === undefined)) return undefined
  const names = new Set(assignments.map((node) => node.string('name')))
  if (!(object.type as ClassType).attributes.every(({ name }) => names.has(name))) return undefined
  return { creation, assignments: assignments.toSorted((a, b) => a.isBefore(b) ? -1 : 1), reads: reads as Construction['reads'] }
}

function assignmentBefore(read: Node, assignments: readonly Node[]): Node | undefined {
  if (read.kind !== 'prim::GetAttr') return undefined
  const name = read.string('name')
  const before = assignments.filter((node) => node.string('name') === name && node.isBefore(read))
  return before.reduce<Node | undefined>((late, node) => late === undefined || late.isBefore(node) ? node : late, undefined)
}

/** True unless a class holds objects of itself, which no tuple can. */
function hasFiniteTuple(type: ClassType, classes: ReadonlySet<ClassType>): boolean {
  const visit = (each: Type, around: ReadonlySet<Type>): boolean => {
    if (around.has(each)) return false
    switch (each.kind) {
      case 'OptionalType': case 'ListType': case 'FutureType': return visit(each.element, around)
      case 'DictType': return visit(each.value, around)
      case 'TupleType': case 'UnionType': return each.elements.every((element) => visit(element, around))
      case 'ClassType': return !classes.has(each) || each.attributes.every((attribute) => visit(attribute.type, new Set([...around, each])))
      default: return true
    }
  }
  return visit(type, new Set())
}

/** True for what is known to be done with objects themselves. */
function isOwnOperation(node: Node, type: ClassType): boolean {
  switch (node.kind) {
    case 'prim::CreateObject': return true
    case 'prim::GetAttr': case 'prim::SetAttr': return node.input(0).type === type
    default: return false
  }
}

function construct({ creation, assignments, reads }: Construction): void {
  const { graph, output: object } = creation
  for (const { node, assignment } of reads) {
    node.output.replaceAllUsesWith(assignment.input(1))
    node.destroy()
  }
  const last = new Map(assignments.map((node) => [node.string('name'), node.input(1)]))
  const elements = (object.type as ClassType).attributes.map(({ name }) => last.get(name)!)
  const tuple = graph.create('prim::TupleConstruct', elements).insertAfter(assignments.at(-1) ?? creation)
  tuple.range = creation.range
  for (const node of assignments) node.destroy()
  object.replaceAllUsesWith(tuple.addOutput(object.type, object.debugName))
  creation.destroy()
}

function readElement(node: Node): void {
  const { graph } = node
  const type = node.input(0).type as ClassType
  const index = type.attributes.findIndex(({ name }) => name === node.string('name'))
  const element = graph.withInsertPoint(node, () =>
    graph.insertOp('prim::TupleIndex', [node.input(0), graph.insertConstant(intValue(index))], node.output.type))
  element.node.range = node.range
  node.output.replaceAllUsesWith(element)
  node.destroy()
}
