import { hasSideEffects } from '../ir/side-effects.ts'
import { toIValue, type Block, type Graph, type Node, type Use, type Value } from '../ir/graph.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Makes a list complete where it is constructed: `l = [a]; l.append(b)` becomes `l = [a, b]` (torch/csrc/jit/passes/remove_mutation.cpp).
 * Done for lists whose appends, inserts and item assignments all stand in the block of the construct, before any other use of the list;
 * then nothing can have seen the shorter list, and where the elements are computed does not matter.
 */
export const removeListMutation: Simplification = simplification('remove_list_mutation', removeListMutations)

function removeListMutations(graph: Graph): number {
  return block(graph.block)
}

function block(scope: Block): number {
  let changes = 0
  for (const node of Array.from(scope.nodes())) {
    for (const inner of node.blocks) changes += block(inner)
    if (node.kind === 'prim::ListConstruct') changes += complete(node)
  }
  return changes
}

/** A use of the list under one of its names, with the node of the construct's block in which it happens. */
interface Place {
  readonly use: Use
  readonly at: Node
}

/** Folds the leading writes of a list into its construct. */
function complete(construct: Node): number {
  const list = construct.output
  const elements = [...construct.inputs]
  const places = usesOf(list, construct.owningBlock!)
  const writes: Node[] = []
  for (const [i, place] of places.entries()) {
    const write = place.use.user
    // In an inner block it may run several times or never; and `l.extend(l)` uses the list twice.
    if (place.at !== write || !isWrite(place) || places[i + 1]?.at === write || !apply(write, elements)) break
    writes.push(write)
    // What the write gives is the list by another name, whose uses are not among the places.
    if (write.outputs.some((output) => output.hasUses)) break
  }
  if (writes.length === 0) return 0
  const rebuilt = construct.graph.create('prim::ListConstruct', elements).insertAfter(writes.at(-1)!)
  rebuilt.range = construct.range
  const fresh = rebuilt.addOutput(list.type, list.debugName)
  for (const write of writes) {
    for (const output of write.outputs) output.replaceAllUsesWith(fresh)
    write.destroy()
  }
  list.replaceAllUsesWith(fresh)
  construct.destroy()
  return writes.length
}

/** All uses in order; those in inner blocks count where the node around them stands. */
function usesOf(list: Value, scope: Block): Place[] {
  const places = [...list.uses].map((use): Place => {
    let at = use.user
    while (at.owningBlock !== scope) at = at.owningBlock!.owningNode!
    return { use, at }
  })
  return places.toSorted((a, b) => a.at === b.at ? 0 : a.at.isBefore(b.at) ? -1 : 1)
}

const WRITES: ReadonlySet<string> = new Set(['aten::append', 'aten::insert', 'aten::_set_item', 'aten::extend'])

function isWrite({ use }: Place): boolean {
  return use.offset === 0 && WRITES.has(use.user.kind) && !hasSideEffects(use.user)
}

/** Does to `elements` what the write does to the list; false when that is not certain, or would raise an error. */
function apply(write: Node, elements: Value[]): boolean {
  switch (write.kind) {
    case 'aten::append':
      elements.push(write.input(1))
      return true
    case 'aten::extend': {
      // Only a list that is used for nothing else has certainly the elements it was made of.
      const source = write.input(1).node
      if (source.kind !== 'prim::ListConstruct' || source.output.uses.size !== 1) return false
      elements.push(...source.inputs)
      return true
    }
    case 'aten::insert': {
      const at = index(write.input(1))
      if (at === undefined) return false
      const place = at < 0 ? Math.max(at + elements.length, 0) : Math.min(at, elements.length)
      elements.splice(place, 0, write.input(2))
      return true
    }
    case 'aten::_set_item': {
      const at = index(write.input(1))
      const place = at !== undefined && at < 0 ? at + elements.length : at
      if (place === undefined || place < 0 || place >= elements.length) return false
      elements[place] = write.input(2)
      return true
    }
    default: return false
  }
}

function index(value: Value): number | undefined {
  const constant = toIValue(value)
  return constant?.tag === 'Int' ? Number(constant.value) : undefined
}
