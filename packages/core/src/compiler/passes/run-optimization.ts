import type { Graph } from '../ir/graph.ts'
import { eliminateCommonSubexpressions } from './common-subexpression-elimination.ts'
import { poolConstants } from './constant-pooling.ts'
import { propagateConstants } from './constant-propagation.ts'
import { eliminateDeadCode } from './dead-code-elimination.ts'
import { removeDetach } from './eliminate-no-ops.ts'
import { unrollLoops } from './loop-unrolling.ts'
import { lowerTuples } from './lower-tuples.ts'
import type { Pass, PassLog } from './pass.ts'
import { optimizeListIdioms } from './peephole-list-idioms.ts'
import { peepholeOptimize } from './peephole.ts'
import { removeListMutations } from './remove-list-mutation.ts'

/** Rounds before the rest is left as it is: each finds what the one before uncovered, and few need more than three. */
const MAX_ROUNDS = 6

/** What simplifies, in the order of `runOptimization` (torch/csrc/jit/passes/frozen_graph_optimizations and freeze_module.cpp). */
const STEPS: readonly (readonly [string, (graph: Graph) => number])[] = [
  ['EliminateNoOps', removeDetach],
  ['LowerSimpleTuples', lowerTuples],
  ['EliminateCommonSubexpression', eliminateCommonSubexpressions],
  ['PeepholeOptimizeListIdioms', optimizeListIdioms],
  ['PeepholeOptimize', peepholeOptimize],
  ['ConstantPropagation', propagateConstants],
  ['UnrollConstantLoops', unrollLoops],
  ['RemoveListMutation', removeListMutations],
]

/**
 * The general clean-up: everything that is always good, again and again until nothing changes, then constants are pooled and
 * dead code is removed. Where upstream runs its list once, with a second round after unrolling, this runs it to the end.
 */
export const runOptimization: Pass = {
  name: 'runOptimization',
  run: (graph: Graph, log: PassLog) => {
    const report = (name: string, count: number): number => {
      if (count > 0) log.changed(name, count)
      return count
    }
    // Settling branches first makes the graph several times smaller before anything asks what may alias.
    report('ConstantPropagation', propagateConstants(graph))
    report('EliminateDeadCode', eliminateDeadCode(graph))
    for (let round = 0; round < MAX_ROUNDS; round++) {
      let changes = 0
      for (const [name, step] of STEPS) changes += report(name, step(graph))
      if (changes === 0) break
    }
    report('ConstantPooling', poolConstants(graph))
    report('EliminateDeadCode', eliminateDeadCode(graph))
  },
}
