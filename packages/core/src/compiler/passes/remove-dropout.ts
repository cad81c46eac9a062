import { allNodes, type Graph } from '../ir/graph.ts'
import type { PassLog } from './pass.ts'
import { constantBool, constantNumber } from './rewriting.ts'

/** All take (input, p, train) and return their input itself when not training or when p is 0 (aten/src/ATen/native/Dropout.cpp). */
const DROPOUTS: ReadonlySet<string> = new Set([
  'aten::dropout', 'aten::dropout_', 'aten::feature_dropout', 'aten::feature_dropout_',
  'aten::alpha_dropout', 'aten::alpha_dropout_', 'aten::feature_alpha_dropout', 'aten::feature_alpha_dropout_',
])

/** Removes dropouts that are switched off. As torch/csrc/jit/passes/remove_dropout.cpp, and the alpha variants and p = 0 too. */
export function removeDropout(graph: Graph, log: PassLog): void {
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (!DROPOUTS.has(node.kind)) continue
    if (constantBool(node.input(2)) === false || constantNumber(node.input(1)) === 0) {
      node.output.replaceAllUsesWith(node.input(0))
      node.destroy()
      changed++
    } else {
      log.declined('remove_dropout', node.kind, 'it is active: it was saved with training on')
    }
  }
  if (changed > 0) log.changed('remove_dropout', changed)
}
