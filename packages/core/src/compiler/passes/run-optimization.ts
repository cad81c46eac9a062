import { lazyAliasDb } from '../ir/alias-analysis.ts'
import type { Graph } from '../ir/graph.ts'
import { commonSubexpressionElimination } from './common-subexpression-elimination.ts'
import { constantPooling } from './constant-pooling.ts'
import { constantPropagation, foldConstants } from './constant-propagation.ts'
import { deadCodeElimination } from './dead-code-elimination.ts'
import { eliminateNoOps } from './eliminate-no-ops.ts'
import { unrollConstantLoops } from './loop-unrolling.ts'
import { dictFromList } from './dict-from-list.ts'
import { lowerClasses } from './lower-classes.ts'
import { lowerSimpleTuples } from './lower-tuples.ts'
import type { Pass, PassLog, Simplification } from './pass.ts'
import { peepholeListIdioms } from './peephole-list-idioms.ts'
import { peephole } from './peephole.ts'
import { removeListMutation } from './remove-list-mutation.ts'

/** Rounds before the rest is left as it is: each finds what the one before uncovered, and few need more than three. */
const MAX_ROUNDS = 6

/** What simplifies, in the order of `runOptimization` (torch/csrc/jit/passes/frozen_graph_optimizations and freeze_module.cpp). */
const STEPS: readonly Simplification[] = [
  eliminateNoOps, lowerSimpleTuples, lowerClasses, commonSubexpressionElimination, peepholeListIdioms, peephole, constantPropagation,
  unrollConstantLoops, removeListMutation, dictFromList, deadCodeElimination,
]

/**
 * The general clean-up: everything that is always good, again and again until nothing changes, then constants are pooled and
 * dead code is removed. Where upstream runs its list once, with a second round after unrolling, this runs it to the end.
 */
export const runOptimization: Pass = {
  name: 'run_optimization',
  run: (graph: Graph, log: PassLog) => {
    // Steps that find nothing to do hand the analysis on to the next.
    let aliases = lazyAliasDb(graph)
    const run = ({ name, simplify }: Pick<Simplification, 'name' | 'simplify'>): number => {
      const count = simplify(graph, aliases)
      if (count === 0) return 0
      log.changed(name, count)
      aliases = lazyAliasDb(graph)
      return count
    }
    // Settling branches first makes the graph several times smaller before anything asks what may alias.
    run({ name: constantPropagation.name, simplify: (graph) => foldConstants(graph) })
    run(deadCodeElimination)
    // Done when every step, from whichever on, has found nothing to do.
    let idle = 0
    for (let turn = 0; turn < MAX_ROUNDS * STEPS.length && idle < STEPS.length; turn++) {
      idle = run(STEPS[turn % STEPS.length]!) > 0 ? 0 : idle + 1
    }
    run(constantPooling)
    // Pooling leaves nothing dead behind, so only what the loop had no more turns for is left.
    if (idle < STEPS.length) run(deadCodeElimination)
  },
}
