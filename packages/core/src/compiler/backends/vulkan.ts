import { eliminateDeadCode } from '../passes/dead-code-elimination.ts'
import { bringToGpu } from '../passes/bring-to-gpu.ts'
import { foldConvBatchNorm } from '../passes/fold-conv-bn.ts'
import { foldPrePackingOps } from '../passes/fold-prepacking-ops.ts'
import { foldRank } from '../passes/fold-rank.ts'
import { fuseClamp } from '../passes/fuse-clamp.ts'
import { fuseLinear } from '../passes/fuse-linear.ts'
import { removeDropout } from '../passes/remove-dropout.ts'
import { removeTensorMutation } from '../passes/remove-tensor-mutation.ts'
import { replaceConvolution } from '../passes/replace-convolution.ts'
import { runOnCpu } from '../passes/run-on-cpu.ts'
import { runOptimization } from '../passes/run-optimization.ts'
import { scalarOperands } from '../passes/scalar-operands.ts'
import { sharePackedWeights } from '../passes/share-packed-weights.ts'
import { vulkanAutomaticGpuTransfer } from '../passes/vulkan-automatic-gpu-transfer.ts'
import { vulkanInsertPrePackedOps } from '../passes/vulkan-insert-prepacked-ops.ts'
import { vulkanSeparateBiases } from '../passes/vulkan-separate-biases.ts'
import { type Backend, each } from './backend.ts'
import { freezeCompletely } from './freeze.ts'
import { flawedOnVulkan, lackingOnVulkan } from './gpu-support.ts'
import { lowerObjects } from './lower-objects.ts'

/**
 * The steps of torch/csrc/jit/passes/vulkan_rewrite.cpp's `vulkanOptimizeForMobile`, for every method, in the order that is right for
 * traced models, too (see cpu.ts), with the transfers of PyTorch 2. Numbers become scalars before mutation is removed, as they do not
 * widen a type then, and packed weights become attributes last, when nothing moves them any more.
 */
export const VULKAN: Backend = {
  name: 'vulkan',
  flags: (block) => ({ optimized_for_vulkan: true, ...!block.has('vulkan_automatic_gpu_transfer') && { requires_backend_transfers: false } }),
  stages: [
    { name: 'freeze_module', run: freezeCompletely },
    { name: 'lower_objects', run: lowerObjects },
    { name: 'remove_dropout', optimization: 'remove_dropout', run: each(removeDropout) },
    { name: 'replace_convolution', run: each(replaceConvolution) },
    { name: 'conv_bn_fusion', optimization: 'conv_bn_fusion', run: each(foldConvBatchNorm) },
    { name: 'fuse_linear', optimization: 'insert_fold_prepack_ops', run: each(fuseLinear) },
    { name: 'vulkan_separate_biases', run: each(vulkanSeparateBiases) },
    { name: 'insert_fold_prepack_ops', optimization: 'insert_fold_prepack_ops', run: each(vulkanInsertPrePackedOps) },
    { name: 'fuse_clamp', optimization: 'insert_fold_prepack_ops', run: each(fuseClamp) },
    { name: 'share_packed_weights', optimization: 'insert_fold_prepack_ops', run: each(sharePackedWeights) },
    { name: 'fold_rank', run: each(foldRank) },
    { name: 'scalar_operands', run: each(scalarOperands) },
    { name: 'remove_tensor_mutation', run: each(removeTensorMutation) },
    { name: 'vulkan_automatic_gpu_transfer', optimization: 'vulkan_automatic_gpu_transfer', run: each(vulkanAutomaticGpuTransfer) },
    { name: 'run_on_cpu', optimization: 'vulkan_automatic_gpu_transfer', run: each(runOnCpu({ lack: lackingOnVulkan, inputsAreThere: false })) },
    { name: 'run_flawed_on_cpu', run: each(runOnCpu({ lack: flawedOnVulkan, inputsAreThere: true, back: true })) },
    { name: 'bring_to_gpu', optimization: 'vulkan_automatic_gpu_transfer', run: each(bringToGpu('vulkan', false)) },
    { name: 'bring_given_to_gpu', run: each(bringToGpu('vulkan', true)) },
    { name: 'run_optimization', run: each((graph, log) => runOptimization.run(graph, log)) },
    { name: 'fold_prepacking_ops', run: (state) => { state.root = foldPrePackingOps(state.methods, state.root, state.log) } },
    { name: 'eliminate_dead_code', run: each((graph) => eliminateDeadCode(graph)) },
  ],
}
