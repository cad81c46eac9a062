import { intersects, lazyAliasDb, type AliasDb, type LazyAliasDb } from '../ir/alias-analysis.ts'
import type { Block, Graph, Node, Value } from '../ir/graph.ts'
import { hasOwnSideEffects } from '../ir/side-effects.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Rounds over a loop nest before all of its writes are kept: each round finds what the one before made live.
 * Three are common; the bound keeps the pass linear on any input.
 */
const MAX_LOOP_ROUNDS = 8

/**
 * Removes nodes that nothing needs (`EliminateDeadCode`, torch/csrc/jit/passes/dead_code_elimination.cpp). Needed are: what the
 * outputs depend on, nodes with side effects, and nodes that write to memory that is needed later or that others can see.
 * Also removes outputs of `prim::If` and carried values of `prim::Loop` that nothing uses.
 * As in PyTorch, an operator that would only have raised an error goes too; `prim::RaiseException` stays.
 */
export const deadCodeElimination: Simplification = simplification('eliminate_dead_code', eliminateDeadCode)

/** See {@link deadCodeElimination}; gives the number of nodes removed. `aliases` must be of the graph as it is. */
export function eliminateDeadCode(graph: Graph, aliases: LazyAliasDb = lazyAliasDb(graph)): number {
  const marking = new Marking(aliases())
  marking.markGraph(graph)
  return sweep(graph.block, marking)
}

class Marking {
  readonly nodes: Set<Node> = new Set()
  readonly values: Set<Value> = new Set()
  /** Memory that live values may be, or lead to. */
  readonly #memory = new Set<number>()
  readonly #effects = new Map<Node, boolean>()
  readonly #aliasDb: AliasDb
  #changed = false
  #insideLoop = false

  constructor(aliasDb: AliasDb) {
    this.#aliasDb = aliasDb
  }

  markGraph(graph: Graph): void {
    this.#mark(graph.block.returnNode)
    this.#block(graph.block)
  }

  #value(value: Value): void {
    if (this.values.has(value)) return
    this.values.add(value)
    this.#changed = true
    for (const location of this.#aliasDb.reachable(value)) this.#memory.add(location)
  }

  #mark(node: Node): void {
    for (let each: Node | undefined = node; each && !this.nodes.has(each); each = each.owningBlock?.owningNode) {
      this.nodes.add(each)
      this.#changed = true
      // Of a loop's inputs, trip count and condition are needed; carried values are when something uses them.
      for (const input of each.kind === 'prim::Loop' ? each.inputs.slice(0, 2) : each.inputs) this.#value(input)
    }
  }

  #mustRun(node: Node): boolean {
    let known = this.#effects.get(node)
    if (known === undefined) {
      known = this.#aliasDb.writesToWildcard(node) || hasOwnSideEffects(node)
      this.#effects.set(node, known)
    }
    return known
  }

  /** Backwards, so that what a node needs is known live before its producer is looked at. */
  #block(block: Block): void {
    for (const node of block.reverseNodes()) {
      if (node.kind === 'prim::Loop' && !this.#insideLoop) this.#loops(node)
      else this.#node(node)
    }
  }

  /** A whole nest of loops is gone over until nothing new becomes live, as one round needs what the next one reads. */
  #loops(node: Node): void {
    this.#insideLoop = true
    for (let round = 0; round < MAX_LOOP_ROUNDS; round++) {
      this.#changed = false
      this.#node(node)
      if (!this.#changed) break
      if (round === MAX_LOOP_ROUNDS - 1) this.#keepAll(node)
    }
    this.#insideLoop = false
  }

  #keepAll(node: Node): void {
    this.#mark(node)
    for (const block of node.blocks) {
      for (const inner of block.nodes()) this.#keepAll(inner)
      for (const output of block.outputs) this.#value(output)
    }
    for (const input of node.inputs) this.#value(input)
  }

  #node(node: Node): void {
    this.#blockOutputs(node)
    for (const block of node.blocks) this.#block(block)
    // What the body used of its inputs is known only now.
    this.#blockOutputs(node)
    if (this.#mustRun(node) || node.outputs.some((output) => this.values.has(output)) || this.#writesLive(node)) this.#mark(node)
  }

  #writesLive(node: Node): boolean {
    return node.blocks.length === 0 && intersects(this.#aliasDb.writesOf(node), this.#memory)
  }

  /** Outputs of blocks are live when what they become is. */
  #blockOutputs(node: Node): void {
    if (node.kind === 'prim::Loop') {
      const body = node.blocks[0]!
      node.outputs.forEach((output, i) => {
        const carried = body.inputs[i + 1]!
        if (!this.values.has(output) && !this.values.has(carried)) return
        this.#value(body.outputs[i + 1]!)
        this.#value(node.inputs[i + 2]!)
      })
      if (this.nodes.has(node) || node.outputs.some((output) => this.values.has(output))) this.#value(body.outputs[0]!)
    } else {
      for (const block of node.blocks) {
        block.outputs.forEach((output, i) => {
          if (node.outputs[i] === undefined || this.values.has(node.outputs[i])) this.#value(output)
        })
      }
    }
  }
}

/** Removes what is not marked, last first, and the outputs of control flow that nothing needs. */
function sweep(block: Block, marking: Marking): number {
  let removed = 0
  for (const node of block.reverseNodes()) {
    if (!marking.nodes.has(node) && !node.outputs.some((output) => output.hasUses)) {
      node.destroy()
      removed++
      continue
    }
    if (node.kind === 'prim::If') removeDeadBranchOutputs(node)
    // A carried value that only computes itself goes in two steps: what uses it in the body must go in between.
    const dead = node.kind === 'prim::Loop' ? cutDeadCarriedValues(node, marking) : []
    for (const inner of node.blocks) removed += sweep(inner, marking)
    for (const i of dead) node.blocks[0]!.paramNode.removeOutput(i + 1)
  }
  return removed
}

/** Removes the outputs of an `If` that nothing uses. */
function removeDeadBranchOutputs(node: Node): void {
  for (let i = node.outputs.length - 1; i >= 0; i--) {
    if (node.outputs[i]!.hasUses) continue
    node.removeOutput(i)
    for (const block of node.blocks) block.returnNode.removeInput(i)
  }
}

/** Cuts off the carried values that are not live, all but the body's inputs; gives their numbers, last first. */
function cutDeadCarriedValues(node: Node, { values }: Marking): number[] {
  const body = node.blocks[0]!
  const dead: number[] = []
  for (let i = node.outputs.length - 1; i >= 0; i--) {
    if (node.outputs[i]!.hasUses || values.has(body.inputs[i + 1]!)) continue
    node.removeOutput(i)
    node.removeInput(i + 2)
    body.returnNode.removeInput(i + 1)
    dead.push(i)
  }
  return dead
}
