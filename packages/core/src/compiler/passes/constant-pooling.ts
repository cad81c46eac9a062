import type { LazyAliasDb } from '../ir/alias-analysis.ts'
import { constantKey } from '../ir/constant-key.ts'
import { toIValue, type Block, type Graph, type Node } from '../ir/graph.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Moves constants to the front of the graph, in the order in which they stand, and merges equal ones (torch/csrc/jit/passes/constant_pooling.cpp).
 * Tensors and lists that somebody writes to, or that can be got at
 * from outside, stay two, as they live on from run to run. Linear: constants are compared by a hash of
 * their content, tensors by the identity of their storage.
 */
export const constantPooling: Simplification = simplification('constant_pooling', poolConstants)

function poolConstants(graph: Graph, aliases: LazyAliasDb): number {
  const pool = new Map<string, Node>()
  let front: Node = graph.block.paramNode
  let merged = 0

  const mayMerge = (node: Node, known: Node): boolean => {
    if (aliases().identityMatters(node.output)) return false
    const [a, b] = [toIValue(node.output), toIValue(known.output)]
    if (a?.tag === 'Tensor' && b?.tag === 'Tensor' && a.value.storage === b.value.storage) return true
    if (a !== undefined && a === b) return true
    // One that can be seen from outside may be written to between two runs.
    return ![node.output, known.output].some((value) => aliases().hasWriters(value) || aliases().escapesScope(value))
  }

  const visit = (block: Block): void => {
    // A copy, as constants move while it is gone through.
    for (const node of Array.from(block.nodes())) {
      for (const inner of node.blocks) visit(inner)
      if (node.kind !== 'prim::Constant') continue
      const key = constantKey(node)
      const known = pool.get(key)
      if (known !== undefined && mayMerge(node, known)) {
        node.output.replaceAllUsesWith(known.output)
        node.destroy()
        merged++
        continue
      }
      if (known === undefined) pool.set(key, node)
      if (front.next !== node) node.moveAfter(front)
      front = node
    }
  }
  visit(graph.block)
  return merged
}
