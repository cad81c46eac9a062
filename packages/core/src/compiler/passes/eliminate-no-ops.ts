import type { LazyAliasDb } from '../ir/alias-analysis.ts'
import { allNodes, type Graph } from '../ir/graph.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Removes `aten::detach`, which does nothing to a tensor that needs no gradient: its result is the same memory seen the same way
 * (torch/csrc/jit/passes/eliminate_no_ops.cpp, as freezing uses it). It stays where the graph asks whether the two are the same object,
 * and where something writes to them: `x.unsqueeze_(0)` changes the shape of `x` and not that of a view made before.
 */
export const eliminateNoOps: Simplification = simplification('eliminate_no_ops', removeDetach)

function removeDetach(graph: Graph, aliases: LazyAliasDb): number {
  let removed = 0
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'aten::detach' || aliases().identityMatters(node.output) || aliases().isWritten(node.output)) continue
    node.output.replaceAllUsesWith(node.input(0))
    node.destroy()
    removed++
  }
  return removed
}
