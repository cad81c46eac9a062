import { allNodes, type Graph } from '../ir/graph.ts'
import { intValue } from '../ir/ivalue.ts'
import { analyzeLayouts } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { insertConstant, replaceNode } from './rewriting.ts'

/**
 * `dim(x)` becomes a number where it is certain. Scripted normalization and pooling layers check their input's number of dimensions
 * on every call; after packing, most of these checks are settled and constant propagation drops them.
 */
export function foldRank(graph: Graph, log: PassLog): void {
  const layoutOf = analyzeLayouts(graph)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'aten::dim') continue
    const { rank } = layoutOf(node.input(0))
    if (rank === undefined) continue
    replaceNode(node, insertConstant(node, intValue(rank)))
    changed++
  }
  if (changed > 0) log.changed('fold_rank', changed)
}
