import { AliasDb, intersects } from '../../ir/alias-analysis.ts'
import { mayReturnInput } from '../../ir/alias-corrections.ts'
import { allNodes, type Block, type Graph, type Node } from '../../ir/graph.ts'

/** What must be known of a graph's writes, each graph looked at once. */
export class SeenWrites {
  readonly #graphs: Map<Graph, { readonly aliases: AliasDb; readonly writers: readonly Node[] }> = new Map()

  /**
   * True when a write to the result of `node` may be one to its input, and PyTorch believes that nobody sees it: signatures do not tell
   * that some operators may give what they were given. Dead code elimination, which it runs on all code that it loads, drops such writes.
   */
  mayBeDropped(node: Node): boolean {
    if (!mayReturnInput(node) || node.outputs.length !== 1 || node.output.type.kind !== 'TensorType') return false
    if (node.schema?.returns[0]?.alias !== undefined) return false
    const { aliases, writers } = this.#known(node.graph)
    const memory = aliases.reachable(node.output)
    return writers.some((writer) => intersects(aliases.writesOf(writer), memory) && mayRunAfter(writer, node))
  }

  #known(graph: Graph): { aliases: AliasDb; writers: readonly Node[] } {
    const known = this.#graphs.get(graph)
    if (known) return known
    const aliases = new AliasDb(graph)
    const writers = [...allNodes(graph.block)].filter((node) => node.blocks.length === 0 && aliases.writesOf(node).size > 0)
    const made = { aliases, writers }
    this.#graphs.set(graph, made)
    return made
  }
}

/** Nodes of other branches never do; a node before it does so in the next trip of a loop around both. */
function mayRunAfter(later: Node, node: Node): boolean {
  const around = blocksAround(node)
  const shared = blocksAround(later).find((block) => around.includes(block))
  for (let block = shared; block?.owningNode; block = block.owningNode.owningBlock) if (block.owningNode.kind === 'prim::Loop') return true
  const owners = new Set(around.map((block) => block.owningNode))
  const isOtherBranch = blocksAround(later).some((block) => block.owningNode && owners.has(block.owningNode) && !around.includes(block))
  return !isOtherBranch && !later.isBefore(node)
}

/** Innermost first. */
function blocksAround(node: Node): Block[] {
  const found: Block[] = []
  for (let block = node.owningBlock; block; block = block.owningNode?.owningBlock) found.push(block)
  return found
}
