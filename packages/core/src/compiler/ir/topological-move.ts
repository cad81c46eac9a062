import { intersects, type AliasDb } from './alias-analysis.ts'
import type { Node } from './graph.ts'
import type { Locations } from './memory-graph.ts'
import { hasSideEffects } from './side-effects.ts'

/**
 * Moves `node` right before `target`, in the same block, with the nodes in between that must come along, when that changes nothing
 * (`AliasDb::moveBeforeTopologicallyValid`). False, and nothing moved, when it cannot be shown.
 */
export function moveBeforeTopologicallyValid(aliasDb: AliasDb, node: Node, target: Node): boolean {
  return tryMove(aliasDb, node, target, 'before')
}

/** As {@link moveBeforeTopologicallyValid}, right after `target`. */
export function moveAfterTopologicallyValid(aliasDb: AliasDb, node: Node, target: Node): boolean {
  return tryMove(aliasDb, node, target, 'after')
}

function tryMove(aliasDb: AliasDb, node: Node, target: Node, side: 'before' | 'after'): boolean {
  if (node.owningBlock !== target.owningBlock) return false
  if (node === target) return true
  const forward = node.isBefore(target)
  // Already on the right side: what stands between has to get out of the way, to the other side of the target.
  const stays = forward === (side === 'before')
  const step = (each: Node): Node => forward ? each.next! : each.prev!
  if (stays && step(node) === target) return true
  if (hasSideEffects(node) || (!stays && hasSideEffects(target))) return false

  const moving = new Group(aliasDb)
  moving.add(node)
  const dependents: Node[] = []
  for (let each = step(node); each !== target; each = step(each)) {
    if (hasSideEffects(each)) return false
    if (!moving.conflictsWith(each)) continue
    moving.add(each)
    dependents.push(each)
  }
  const crossing = stays ? new Group(aliasDb, dependents) : moving
  if (dependents.length > 0 && stays && hasSideEffects(target)) return false
  if (crossing.conflictsWith(target)) return false

  // `dependents` are ordered from the node outwards, each to end up next to the one before it.
  if (stays) {
    let anchor = target
    for (const each of dependents) {
      if (forward) each.moveAfter(anchor)
      else each.moveBefore(anchor)
      anchor = each
    }
    if (side === 'before') node.moveBefore(target)
    else node.moveAfter(target)
    return true
  }
  let anchor = target
  for (const each of [node, ...dependents]) {
    if (forward) each.moveAfter(anchor)
    else each.moveBefore(anchor)
    anchor = each
  }
  return true
}

/** Nodes that move together, with what they read, write, need and give. */
class Group {
  readonly #aliasDb: AliasDb
  readonly #nodes = new Set<Node>()
  readonly #reads: Locations[] = []
  readonly #writes: Locations[] = []

  constructor(aliasDb: AliasDb, nodes: readonly Node[] = []) {
    this.#aliasDb = aliasDb
    for (const node of nodes) this.add(node)
  }

  add(node: Node): void {
    this.#nodes.add(node)
    this.#reads.push(this.#aliasDb.readsOf(node))
    this.#writes.push(this.#aliasDb.writesOf(node))
  }

  /** True when the order of `node` and the group matters: one needs what the other gives, or writes what the other reads or writes. */
  conflictsWith(node: Node): boolean {
    if (this.#usesOutputsOf(node) || [...this.#nodes].some((mine) => usesOutputs(node, mine))) return true
    const [reads, writes] = [this.#aliasDb.readsOf(node), this.#aliasDb.writesOf(node)]
    if (writes.size > 0 && [...this.#reads, ...this.#writes].some((mine) => intersects(mine, writes))) return true
    return this.#writes.some((mine) => mine.size > 0 && intersects(mine, reads))
  }

  #usesOutputsOf(node: Node): boolean {
    return [...this.#nodes].some((mine) => usesOutputs(mine, node))
  }
}

/** True when `user`, or a node in its blocks, uses an output of `producer`, which stands in the block of `user`. */
function usesOutputs(user: Node, producer: Node): boolean {
  for (const output of producer.outputs) {
    for (const use of output.uses) {
      for (let each: Node | undefined = use.user; each; each = each.owningBlock?.owningNode) if (each === user) return true
    }
  }
  return false
}
