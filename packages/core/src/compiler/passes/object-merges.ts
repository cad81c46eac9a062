import { allNodes, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { type Type } from '../ir/types.ts'
import type { ClassType } from '../ir/class-type.ts'
import { isPlainObject } from './object-checks.ts'

/**
 * Takes apart what branches and loops merge: a tuple with objects becomes its elements, and an object becomes its attributes, out of
 * which a new object is made behind the merge (and at the start of a loop's body). An object is copied that way only when nobody can
 * tell: when nothing else knows it, and nothing uses it after the merge. Gives the number of places changed.
 */
export function splitMergedObjects(graph: Graph): number {
  let changes = 0
  for (const node of Array.from(allNodes(graph.block))) changes += splitTuples(node)
  const merges = findMerges(graph)
  keepSeparable(merges)
  // Inner ones first: what a branch gives is then an object that the branch creates.
  for (const merge of merges.toReversed()) split(merge)
  return changes + merges.length
}

// Tuples

function splitTuples(node: Node): number {
  if (node.kind !== 'prim::If' && node.kind !== 'prim::Loop') return 0
  let changes = 0
  for (let i = node.outputs.length - 1; i >= 0; i--) {
    const { type } = node.outputs[i]!
    if (type.kind !== 'TupleType' || !type.elements.some(holdsObject)) continue
    const merge = mergeAt(node, i)
    if (![merge.result, ...merge.sources.map(({ value }) => value), ...merge.parameter ? [merge.parameter] : []].every((value) => value.type.kind === 'TupleType')) continue
    replaceMerge(merge, type.elements, (tuple, before) => {
      const unpack = before.graph.create('prim::TupleUnpack', [tuple]).insertBefore(before)
      const { type: own } = tuple
      for (const element of own.kind === 'TupleType' ? own.elements : []) unpack.addOutput(element)
      return unpack.outputs
    }, (parts, before) => before.graph.create('prim::TupleConstruct', parts).insertBefore(before).addOutput(type))
    changes++
  }
  return changes
}

function holdsObject(type: Type): boolean {
  return isPlainObject(type) || (type.kind === 'TupleType' && type.elements.some(holdsObject))
}

// Merges

/** A value of a branch, of the body's end, or from before a loop, that a merge takes. */
interface Source {
  readonly value: Value
  /** The return node of a block, or the loop. */
  readonly user: Node
  readonly offset: number
}

/** Output `index` of an `If` or `Loop` with all that belongs to it. */
interface Merge {
  readonly node: Node
  readonly index: number
  readonly result: Value
  /** What a loop's body gets. */
  readonly parameter: Value | undefined
  readonly sources: readonly Source[]
}

function mergeAt(node: Node, index: number): Merge {
  const result = node.outputs[index]!
  if (node.kind === 'prim::If') {
    return { node, index, result, parameter: undefined, sources: node.blocks.map(({ returnNode }) => source(returnNode, index)) }
  }
  const body = node.blocks[0]!
  return { node, index, result, parameter: body.inputs[index + 1]!, sources: [source(node, index + 2), source(body.returnNode, index + 1)] }
}

function source(user: Node, offset: number): Source {
  return { value: user.input(offset), user, offset }
}

/** Outer merges before inner ones, later outputs of a node before earlier ones once reversed. */
function findMerges(graph: Graph): Merge[] {
  const merges: Merge[] = []
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'prim::If' && node.kind !== 'prim::Loop') continue
    node.outputs.forEach((output, i) => {
      if (!isPlainObject(output.type)) return
      const merge = mergeAt(node, i)
      if (merge.sources.every(({ value }) => value.type === output.type)) merges.push(merge)
    })
  }
  return merges
}

/** Leaves the merges in the list whose objects can be copied unnoticed. That depends on the other merges, so it is asked until all agree. */
function keepSeparable(merges: Merge[]): void {
  for (let before = -1; before !== merges.length;) {
    before = merges.length
    const known = new Set<Value>(merges.flatMap(({ result, parameter }) => parameter ? [result, parameter] : [result]))
    const edges = new Map<Node, Set<number>>()
    for (const { sources } of merges) for (const { user, offset } of sources) edges.set(user, (edges.get(user) ?? new Set()).add(offset))
    const isEdge = (user: Node, offset: number): boolean => edges.get(user)?.has(offset) ?? false
    const kept = merges.filter((merge) =>
      [merge.result, merge.parameter].every((value) => value === undefined || isNamedOnly(value, isEdge))
      && merge.sources.every((from) => isSeparable(from, merge, known, isEdge)))
    merges.length = 0
    merges.push(...kept)
  }
}

function isNamedOnly(object: Value, isEdge: (user: Node, offset: number) => boolean): boolean {
  for (const { user, offset } of object.uses) if (!isAccess(user, offset) && !isEdge(user, offset)) return false
  return true
}

function isAccess(user: Node, offset: number): boolean {
  return offset === 0 && (user.kind === 'prim::GetAttr' || user.kind === 'prim::SetAttr')
}

/** True when the object is nobody else's, and nothing uses it when the merge has taken it. */
function isSeparable(from: Source, merge: Merge, known: ReadonlySet<Value>, isEdge: (user: Node, offset: number) => boolean): boolean {
  const { value, user } = from
  if (value.node.kind !== 'prim::CreateObject' && !known.has(value)) return false
  if (!isNamedOnly(value, isEdge)) return false
  const place = user.kind === 'prim::Return' ? user.owningBlock! : undefined
  // Where the merge happens again and again with one object, what is before it is also after it.
  if (crossesLoop(value.node.owningBlock!, place ?? user.owningBlock!)) return false
  for (const use of value.uses) {
    if (use.user === user && use.offset === from.offset) continue
    if (areExclusive(use.user, user)) continue
    if (!isAccess(use.user, use.offset) || !isBeforeMerge(use.user, merge.node, place)) return false
  }
  return true
}

/** True when a loop's body lies between the block that defines a value and one inside of it. */
function crossesLoop(outer: Block, inner: Block): boolean {
  for (let block = inner; block !== outer; block = block.owningNode!.owningBlock!) {
    if (block.owningNode?.kind === 'prim::Loop') return true
  }
  return false
}

function isBeforeMerge(access: Node, merge: Node, place: Block | undefined): boolean {
  // What stands in the block that ends with the merge runs before that end.
  if (place !== undefined && isWithin(access, place)) return true
  return access.isBefore(merge) && !merge.blocks.some((block) => isWithin(access, block))
}

function isWithin(node: Node, block: Block): boolean {
  for (let each: Block | undefined = node.owningBlock; each; each = each.owningNode?.owningBlock) if (each === block) return true
  return false
}

/** True when the nodes stand in different branches of one `If`, so that only one of them runs. Not asked across loops. */
function areExclusive(a: Node, b: Node): boolean {
  const blocks = new Map<Node, Block>()
  for (let block = a.owningBlock; block?.owningNode; block = block.owningNode.owningBlock) blocks.set(block.owningNode, block)
  for (let block = b.owningBlock; block?.owningNode; block = block.owningNode.owningBlock) {
    const other = blocks.get(block.owningNode)
    if (other !== undefined) return other !== block && block.owningNode.kind === 'prim::If'
  }
  return false
}

// Splitting

function split(merge: Merge): void {
  const type = merge.result.type as ClassType
  replaceMerge(merge, type.attributes.map((attribute) => attribute.type), (object, before) => type.attributes.map((attribute) =>
    before.graph.create('prim::GetAttr', [object]).setString('name', attribute.name).insertBefore(before).addOutput(attribute.type)),
  (parts, before) => {
    const object = before.graph.create('prim::CreateObject').insertBefore(before).addOutput(type)
    parts.forEach((part, i) => {
      before.graph.create('prim::SetAttr', [object, part]).setString('name', type.attributes[i]!.name).insertBefore(before)
    })
    return object
  })
}

/** Merges the parts of a value in its place: taken apart before, put together behind and at the start of a loop's body. */
function replaceMerge(
  { node, index, result, parameter, sources }: Merge, types: readonly Type[],
  takeApart: (value: Value, before: Node) => readonly Value[], putTogether: (parts: readonly Value[], before: Node) => Value,
): void {
  const body = node.blocks[0]!
  for (const { user, offset } of sources) {
    const parts = takeApart(user.input(offset), user)
    for (const part of parts) user.addInput(part)
  }
  if (parameter !== undefined) {
    const inner = types.map((type) => body.addInput(type, parameter.debugName))
    parameter.replaceAllUsesWith(putTogether(inner, body.paramNode.next!))
  }
  const outputs = types.map((type) => node.addOutput(type, result.debugName))
  result.replaceAllUsesWith(putTogether(outputs, node.next!))
  node.removeOutput(index)
  for (const { user, offset } of sources) user.removeInput(offset)
  if (parameter !== undefined) body.paramNode.removeOutput(index + 1)
}
