import { freezeModule } from '../passes/freezing.ts'
import { isConvPackedParams } from '../passes/hoist-conv-packed-params.ts'
import type { PassLog } from '../passes/pass.ts'
import { runOptimization } from '../passes/run-optimization.ts'
import { graphsOf } from '../program.ts'
import type { StageState } from './backend.ts'

/**
 * Freezing settles branches on `training`, and settled branches free attributes that only they change, such as a batch norm's
 * statistics. Two rounds do for PyTorch's own layers; more only follow attributes that guard attributes.
 */
const MAX_FREEZE_ROUNDS = 5

/** Freezes the module and simplifies its methods until neither helps the other any more. */
export function freezeCompletely({ methods, root, log, preserved }: StageState): void {
  for (let round = 1; round <= MAX_FREEZE_ROUNDS; round++) {
    let changes = 0
    const declined: Parameters<PassLog['declined']>[] = []
    const collect: PassLog = {
      changed: (pass, count) => { changes += count; log.changed(pass, count) },
      declined: (...what) => { declined.push(what) },
    }
    freezeModule(graphsOf({ methods }), root, collect, { preserved, select: (access) => !isConvPackedParams(access) })
    if (round === 1 || changes > 0) for (const { graph } of methods) runOptimization.run(graph, log)
    if (declined.length === 0 || changes === 0 || round === MAX_FREEZE_ROUNDS) {
      // What an earlier round declined a later one may have done: only the last word counts.
      for (const what of declined) log.declined(...what)
      return
    }
  }
}
