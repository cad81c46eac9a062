import { bringToGpu } from '../passes/bring-to-gpu.ts'
import { copyOutputsToHost } from '../passes/copy-outputs-to-host.ts'
import { eliminateDeadCode } from '../passes/dead-code-elimination.ts'
import { foldConvBatchNorm } from '../passes/fold-conv-bn.ts'
import { foldPrePackingOps } from '../passes/fold-prepacking-ops.ts'
import { foldRank } from '../passes/fold-rank.ts'
import { fuseClamp } from '../passes/fuse-clamp.ts'
import { fuseLinear } from '../passes/fuse-linear.ts'
import { metalInsertPrePackedOps } from '../passes/metal-insert-prepacked-ops.ts'
import { removeDropout } from '../passes/remove-dropout.ts'
import { removeTensorMutation } from '../passes/remove-tensor-mutation.ts'
import { replaceConvolution } from '../passes/replace-convolution.ts'
import { runOnCpu } from '../passes/run-on-cpu.ts'
import { runOptimization } from '../passes/run-optimization.ts'
import { sharePackedWeights } from '../passes/share-packed-weights.ts'
import { type Backend, each } from './backend.ts'
import { freezeCompletely } from './freeze.ts'
import { convolutionsOnMetal } from './gpu-support.ts'
import { lowerObjects } from './lower-objects.ts'

/**
 * The steps of torch/csrc/jit/passes/metal_rewrite.cpp's `metalOptimizeForMobile`, for every method, in the order that is right for traced
 * models, too (see cpu.ts), and outputs copied to the CPU. The model is given tensors on Metal, as PyTorch's is.
 */
export const METAL: Backend = {
  name: 'metal',
  flags: () => ({ optimized_for_metal: true }),
  stages: [
    { name: 'freeze_module', run: freezeCompletely },
    { name: 'lower_objects', run: lowerObjects },
    { name: 'remove_dropout', optimization: 'remove_dropout', run: each(removeDropout) },
    { name: 'replace_convolution', run: each(replaceConvolution) },
    { name: 'conv_bn_fusion', optimization: 'conv_bn_fusion', run: each(foldConvBatchNorm) },
    { name: 'fuse_linear', optimization: 'insert_fold_prepack_ops', run: each(fuseLinear) },
    { name: 'insert_fold_prepack_ops', optimization: 'insert_fold_prepack_ops', run: each(metalInsertPrePackedOps) },
    { name: 'fuse_clamp', optimization: 'insert_fold_prepack_ops', run: each(fuseClamp) },
    { name: 'share_packed_weights', optimization: 'insert_fold_prepack_ops', run: each(sharePackedWeights) },
    { name: 'fold_rank', run: each(foldRank) },
    { name: 'remove_tensor_mutation', run: each(removeTensorMutation) },
    { name: 'run_on_cpu', run: each(runOnCpu({ lack: convolutionsOnMetal, inputsAreThere: true, back: true })) },
    { name: 'bring_to_gpu', run: each(bringToGpu('metal', true)) },
    { name: 'copy_outputs_to_host', run: each(copyOutputsToHost) },
    { name: 'run_optimization', run: each((graph, log) => runOptimization.run(graph, log)) },
    { name: 'fold_prepacking_ops', run: (state) => { state.root = foldPrePackingOps(state.methods, state.root, state.log) } },
    { name: 'eliminate_dead_code', run: each((graph) => eliminateDeadCode(graph)) },
  ],
}
