import { PetalError } from '../errors.ts'
import type { Graph } from '../ir/graph.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { conv1dToConv2d } from '../passes/conv1d-to-conv2d.ts'
import { eliminateDeadCode } from '../passes/dead-code-elimination.ts'
import { foldConvBatchNorm } from '../passes/fold-conv-bn.ts'
import { foldRank } from '../passes/fold-rank.ts'
import { freezeModule, pruneModule } from '../passes/freezing.ts'
import { fuseAddRelu } from '../passes/fuse-add-relu.ts'
import { fuseClamp } from '../passes/fuse-clamp.ts'
import { fuseLinear } from '../passes/fuse-linear.ts'
import { hoistConvPackedParams, isConvPackedParams } from '../passes/hoist-conv-packed-params.ts'
import { inline } from '../passes/inlining.ts'
import { insertPrePackedOps } from '../passes/insert-prepacked-ops.ts'
import type { PassLog } from '../passes/pass.ts'
import { removeDropout } from '../passes/remove-dropout.ts'
import { replaceConvolution } from '../passes/replace-convolution.ts'
import { runOptimization } from '../passes/run-optimization.ts'
import { sharePackedWeights } from '../passes/share-packed-weights.ts'
import type { LoadedModule } from '../script/load.ts'

/** Optimizations that a blocklist may name: PyTorch's `MobileOptimizerType` in lower case. */
export const BLOCKABLE: readonly string[] = [
  'conv_bn_fusion', 'insert_fold_prepack_ops', 'remove_dropout', 'fuse_add_relu', 'hoist_conv_packed_params', 'conv_1d_to_2d',
]

/** What a stage works on; `graph` is changed in place. */
export interface StageState {
  readonly graph: Graph
  readonly root: ObjectValue
  readonly log: PassLog
}

/** One step of a backend. Skipped when `optimization`, one of {@link BLOCKABLE}, is blocked. */
export interface Stage {
  readonly name: string
  readonly optimization?: string
  readonly run: (state: StageState) => void
}

/**
 * The steps of torch/csrc/jit/passes/xnnpack_rewrite.cpp's `optimizeForMobile`, in an order that is right for traced models, too:
 * everything is frozen and inlined before anything is folded. Dropout goes first, as it returns its input itself, which its schema
 * does not tell. Batch norms go before conv1d becomes conv2d, which would put a squeeze between the two.
 */
export const CPU_STAGES: readonly Stage[] = [
  { name: 'freeze_module', run: freezeCompletely },
  { name: 'hoist_conv_packed_params', optimization: 'hoist_conv_packed_params', run: ({ graph, root, log }) => hoistConvPackedParams(graph, root, log) },
  { name: 'remove_dropout', optimization: 'remove_dropout', run: ({ graph, log }) => removeDropout(graph, log) },
  { name: 'replace_convolution', run: ({ graph, log }) => replaceConvolution(graph, log) },
  { name: 'conv_bn_fusion', optimization: 'conv_bn_fusion', run: ({ graph, log }) => foldConvBatchNorm(graph, log) },
  { name: 'conv_1d_to_2d', optimization: 'conv_1d_to_2d', run: ({ graph, log }) => conv1dToConv2d(graph, log) },
  { name: 'fuse_linear', optimization: 'insert_fold_prepack_ops', run: ({ graph, log }) => fuseLinear(graph, log) },
  { name: 'insert_fold_prepack_ops', optimization: 'insert_fold_prepack_ops', run: ({ graph, log }) => insertPrePackedOps(graph, log) },
  { name: 'fuse_clamp', optimization: 'insert_fold_prepack_ops', run: ({ graph, log }) => fuseClamp(graph, log) },
  { name: 'share_packed_weights', optimization: 'insert_fold_prepack_ops', run: ({ graph, log }) => sharePackedWeights(graph, log) },
  { name: 'fold_rank', run: ({ graph, log }) => foldRank(graph, log) },
  { name: 'run_optimization', run: ({ graph, log }) => runOptimization.run(graph, log) },
  { name: 'fuse_add_relu', optimization: 'fuse_add_relu', run: ({ graph, log }) => fuseAddRelu(graph, log) },
  { name: 'eliminate_dead_code', run: ({ graph }) => { eliminateDeadCode(graph) } },
]

/**
 * Freezing settles branches on `training`, and settled branches free attributes that only they change, such as a batch norm's
 * statistics. Two rounds do for PyTorch's own layers; more only follow attributes that guard attributes.
 */
const MAX_FREEZE_ROUNDS = 5

function freezeCompletely({ graph, root, log }: StageState): void {
  for (let round = 1; round <= MAX_FREEZE_ROUNDS; round++) {
    let changes = 0
    const declined: Parameters<PassLog['declined']>[] = []
    const collect: PassLog = {
      changed: (pass, count) => { changes += count; log.changed(pass, count) },
      declined: (...what) => { declined.push(what) },
    }
    freezeModule(graph, root, collect, { select: (access) => !isConvPackedParams(access) })
    if (round === 1 || changes > 0) runOptimization.run(graph, log)
    if (declined.length === 0 || changes === 0 || round === MAX_FREEZE_ROUNDS) {
      // What an earlier round declined a later one may have done: only the last word counts.
      for (const what of declined) log.declined(...what)
      return
    }
  }
}

/** What to leave out, and who watches. */
export interface MobileOptions {
  /** Optimizations to leave out, of {@link BLOCKABLE}. */
  readonly block: ReadonlySet<string>
  /** Called with the graph after inlining (`inline`) and after every stage that ran. */
  readonly afterEach?: (stage: string, graph: Graph) => void
}

/** What is needed of a loaded module. */
export type Optimizable = Pick<LoadedModule, 'root' | 'method' | 'functionNamed'>

/** A graph of a method, and the module with the attributes that it is run with. */
export interface Program {
  readonly graph: Graph
  readonly root: ObjectValue
}

/** A method as it was saved, inlined; of branches only those that it takes in evaluation mode. */
export function inlineMethod(module: Optimizable, name: string): Program {
  const { root } = module
  const method = module.method(name)
  if (method === undefined) throw noMethod(root, name)
  return { graph: inline(method, { root, functionNamed: (callee) => module.functionNamed(callee), settle: true }), root }
}

/** `forward`, inlined, frozen and optimized for the lite interpreter on CPU, and the module with what is left of its attributes. */
export function optimizeForMobile(module: Optimizable, options: MobileOptions, log: PassLog): Program {
  const { graph, root } = inlineMethod(module, 'forward')
  options.afterEach?.('inline', graph)
  for (const stage of CPU_STAGES) {
    if (stage.optimization !== undefined && options.block.has(stage.optimization)) continue
    stage.run({ graph, root, log })
    options.afterEach?.(stage.name, graph)
  }
  return { graph, root: pruneModule(graph, root) }
}

function noMethod(root: ObjectValue, name: string): PetalError {
  const message = `The model (${root.type.name}) has no method ${name}.`
  if (name !== 'forward') return new PetalError({ code: 'NO_METHOD', message, fix: 'Name a method that is exported (torch.jit.export).' })
  return new PetalError({
    code: 'NO_FORWARD',
    message,
    cause: 'Scripting nn.LSTM, nn.GRU and some other layers by themselves gives a module without one, as does a module that only exports other methods.',
    fix: 'Wrap the layer in a module with a forward method and script that.',
  })
}
