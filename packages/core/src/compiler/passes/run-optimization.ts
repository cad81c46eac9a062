import { lazyAliasDb, type LazyAliasDb } from '../ir/alias-analysis.ts'
import type { Graph } from '../ir/graph.ts'
import { eliminateCommonSubexpressions } from './common-subexpression-elimination.ts'
import { poolConstants } from './constant-pooling.ts'
import { foldConstants } from './constant-propagation.ts'
import { eliminateDeadCode } from './dead-code-elimination.ts'
import { removeDetach } from './eliminate-no-ops.ts'
import { unrollLoops } from './loop-unrolling.ts'
import { lowerTuples } from './lower-tuples.ts'
import type { Pass, PassLog } from './pass.ts'
import { readKnownLists } from './peephole-list-idioms.ts'
import { simplify } from './peephole.ts'
import { removeListMutations } from './remove-list-mutation.ts'

/** Rounds before the rest is left as it is: each finds what the one before uncovered, and few need more than three. */
const MAX_ROUNDS = 6

/** A pass by its name; it gives the number of places changed. `aliases` is of the graph as the step finds it. */
type Step = readonly [name: string, run: (graph: Graph, aliases: LazyAliasDb) => number]

/** What simplifies, in the order of `runOptimization` (torch/csrc/jit/passes/frozen_graph_optimizations and freeze_module.cpp). */
const STEPS: readonly Step[] = [
  ['eliminate_no_ops', removeDetach],
  ['lower_simple_tuples', lowerTuples],
  ['eliminate_common_subexpression', eliminateCommonSubexpressions],
  ['peephole_optimize_list_idioms', readKnownLists],
  ['peephole_optimize', simplify],
  ['constant_propagation', foldConstants],
  ['unroll_constant_loops', unrollLoops],
  ['remove_list_mutation', removeListMutations],
  ['eliminate_dead_code', eliminateDeadCode],
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
    const run = ([name, step]: Step): number => {
      const count = step(graph, aliases)
      if (count === 0) return 0
      log.changed(name, count)
      aliases = lazyAliasDb(graph)
      return count
    }
    // Settling branches first makes the graph several times smaller before anything asks what may alias.
    run(['constant_propagation', (graph) => foldConstants(graph)])
    run(['eliminate_dead_code', eliminateDeadCode])
    // Done when every step, from whichever on, has found nothing to do.
    let idle = 0
    for (let turn = 0; turn < MAX_ROUNDS * STEPS.length && idle < STEPS.length; turn++) {
      idle = run(STEPS[turn % STEPS.length]!) > 0 ? 0 : idle + 1
    }
    run(['constant_pooling', poolConstants])
    run(['eliminate_dead_code', eliminateDeadCode])
  },
}
