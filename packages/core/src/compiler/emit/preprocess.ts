import type { Block, Graph, Node, Value } from '../ir/graph.ts'
import { run, type Step } from './stackless.ts'

/** A graph made ready for emission, and the nodes whose result is left on the stack for their only user. */
export interface Preprocessed {
  readonly graph: Graph
  readonly inline: ReadonlySet<Node>
}

/**
 * Copies `original` and gives every value a last use in the block that defines it, by `prim::Drop` nodes, so that
 * registers are freed as early as PyTorch frees them. Source: torch/csrc/jit/runtime/interpreter/preprocess_graph.cpp.
 */
export function preprocess(original: Graph): Preprocessed {
  const graph = original.copy()
  run(dropUnused(graph.block))
  run(insertLastUses(graph.block, { seen: new Set(), drops: new Map() }))
  return { graph, inline: canEmitInline(graph) }
}

function* dropUnused(block: Block): Step<void> {
  const atStart = createDrop(block, block.inputs)
  if (atStart) block.prepend(atStart)
  for (const node of block.nodes()) {
    createDrop(block, node.outputs)?.insertAfter(node)
    for (const inner of node.blocks) yield dropUnused(inner)
  }
}

function createDrop(block: Block, values: readonly Value[]): Node | undefined {
  const unused = values.filter((value) => !value.hasUses && value.node.kind !== 'prim::Constant')
  return unused.length > 0 ? block.graph.create('prim::Drop', unused) : undefined
}

interface LastUses {
  readonly seen: Set<Value>
  /** The Drop right behind a control flow node, with what it drops. */
  readonly drops: Map<Node, { readonly node: Node; readonly values: Set<Value> }>
}

function* insertLastUses(block: Block, state: LastUses): Step<void> {
  scanUses(block.returnNode, state)
  for (const node of block.reverseNodes()) {
    for (const inner of node.blocks) yield insertLastUses(inner, state)
    scanUses(node, state)
  }
}

/** Scanned backwards, the first use met is the last; one inside an If or Loop is extended to the end of that node. */
function scanUses(node: Node, { seen, drops }: LastUses): void {
  for (let i = node.inputs.length - 1; i >= 0; i--) {
    const value = node.inputs[i]!
    if (seen.has(value)) continue
    seen.add(value)
    const owner = ancestorIn(value.node.owningBlock!, node)
    if (owner === node) continue
    let drop = drops.get(owner)
    if (!drop) {
      drop = { node: node.graph.create('prim::Drop').insertAfter(owner), values: new Set() }
      drops.set(owner, drop)
    }
    // A constant has no register to free, but PyTorch makes the Drop for it, which keeps the node before from being inlined.
    if (value.node.kind === 'prim::Constant' || drop.values.has(value)) continue
    drop.values.add(value)
    drop.node.addInput(value)
  }
}

function ancestorIn(block: Block, node: Node): Node {
  let ancestor: Node | undefined = node
  while (ancestor && ancestor.owningBlock !== block) ancestor = ancestor.owningBlock?.owningNode
  if (!ancestor) throw new Error(`${node.kind} uses a value that is not in scope`)
  return ancestor
}

/**
 * Nodes that are emitted where they are used instead of being stored: one output, one use, and emitting the tree of
 * inputs depth first does not reorder nodes, constants aside. Source: interpreter/can_emit_inline.h.
 */
function canEmitInline(graph: Graph): Set<Node> {
  const inline = new Set<Node>()
  run(scanBlock(graph.block, inline))
  return inline
}

function* scanBlock(block: Block, inline: Set<Node>): Step<void> {
  yield scanNode(block.returnNode, inline)
  for (const node of block.reverseNodes()) yield scanNode(node, inline)
}

/** Gives the node before everything that is emitted with `node`; undefined when nothing more can be inlined there. */
function* scanNode(node: Node, inline: Set<Node>): Step<Node | undefined> {
  if (inline.has(node)) return undefined
  for (const block of node.blocks) yield scanBlock(block, inline)
  let before: Node | undefined = previousNonConstant(node)
  for (let i = node.inputs.length - 1; i >= 0; i--) {
    const producer = node.inputs[i]!.node
    const isTree = producer.kind !== 'prim::Param' && producer.outputs.length === 1 && node.inputs[i]!.uses.size === 1
      && !repeatsLoaded(producer, node.inputs.slice(0, i))
    if (producer !== before || !isTree) continue
    before = (yield scanNode(producer, inline)) as Node | undefined
    inline.add(producer)
  }
  return before
}

/**
 * True when a loop in `node` uses what is loaded before it and stays on the stack: the use in the loop would be taken for the last one, and
 * the register be empty in the second round. PyTorch emits such loops inline all the same, and its interpreter then finds None.
 */
function repeatsLoaded(node: Node, loaded: readonly Value[]): boolean {
  return node.blocks.length > 0 && loaded.some((value) => [...value.uses].some(({ user }) => isInLoop(user, node)))
}

function isInLoop(user: Node, around: Node): boolean {
  let inLoop = false
  for (let each: Node | undefined = user.owningBlock?.owningNode; each; each = each.owningBlock?.owningNode) {
    inLoop ||= each.kind === 'prim::Loop'
    if (each === around) return inLoop
  }
  return false
}

function previousNonConstant(node: Node): Node | undefined {
  let previous = node.prev
  while (previous?.kind === 'prim::Constant') previous = previous.prev
  return previous
}
