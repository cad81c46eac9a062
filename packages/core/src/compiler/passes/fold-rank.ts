import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { intValue } from '../ir/ivalue.ts'
import { analyzeLayouts } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { insertConstant, replaceNode } from './rewriting.ts'

/**
 * `dim(x)` and `len(x.size())` become a number where it is certain. Scripted normalization and pooling layers check their input's number of dimensions
 * on every call; after packing, most of these checks are settled and constant propagation drops them.
 */
export function foldRank(graph: Graph, log: PassLog): void {
  const layoutOf = analyzeLayouts(graph)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    const tensor = ranked(node)
    const rank = tensor && layoutOf(tensor).rank
    if (rank === undefined) continue
    replaceNode(node, insertConstant(node, intValue(rank)))
    changed++
  }
  if (changed > 0) log.changed('fold_rank', changed)
}

/** The tensor whose number of dimensions a node gives. */
function ranked(node: Node): Value | undefined {
  if (node.kind === 'aten::dim') return node.input(0)
  if (node.kind !== 'aten::len') return undefined
  const sizes = node.input(0).node
  // A list of sizes may be changed like any other, so it must be read only.
  const isRead = sizes.kind === 'aten::size' && sizes.inputs.length === 1 && [...sizes.output.uses].every(({ user }) => READERS.has(user.kind))
  return isRead ? sizes.input(0) : undefined
}

const READERS: ReadonlySet<string> = new Set(['aten::len', 'aten::__getitem__'])
