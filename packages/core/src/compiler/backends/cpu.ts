import { conv1dToConv2d } from '../passes/conv1d-to-conv2d.ts'
import { eliminateDeadCode } from '../passes/dead-code-elimination.ts'
import { foldConvBatchNorm } from '../passes/fold-conv-bn.ts'
import { foldIsQuantized } from '../passes/fold-is-quantized.ts'
import { foldQuantizationParameters } from '../passes/fold-quantization-parameters.ts'
import { foldRank } from '../passes/fold-rank.ts'
import { fuseAddRelu } from '../passes/fuse-add-relu.ts'
import { fuseClamp } from '../passes/fuse-clamp.ts'
import { fuseLinear } from '../passes/fuse-linear.ts'
import { fuseQuantizedRelu } from '../passes/fuse-quantized-relu.ts'
import { hoistConvPackedParams } from '../passes/hoist-conv-packed-params.ts'
import { insertPrePackedOps } from '../passes/insert-prepacked-ops.ts'
import { removeDropout } from '../passes/remove-dropout.ts'
import { replaceConvolution } from '../passes/replace-convolution.ts'
import { runOptimization } from '../passes/run-optimization.ts'
import { sharePackedWeights } from '../passes/share-packed-weights.ts'
import { graphsOf } from '../program.ts'
import { type Backend, each } from './backend.ts'
import { freezeCompletely } from './freeze.ts'
import { lowerObjects } from './lower-objects.ts'

/**
 * The steps of torch/csrc/jit/passes/xnnpack_rewrite.cpp's `optimizeForMobile`, in an order that is right for traced models, too:
 * everything is frozen and inlined before anything is folded. Dropout goes first, as it returns its input itself, which its schema
 * does not tell. Batch norms go before conv1d becomes conv2d, which would put a squeeze between the two.
 */
export const CPU: Backend = {
  name: 'cpu',
  flags: () => ({ mobile_optimized: true }),
  stages: [
    { name: 'freeze_module', run: freezeCompletely },
    { name: 'lower_objects', run: lowerObjects },
    {
      name: 'hoist_conv_packed_params', optimization: 'hoist_conv_packed_params',
      run: (state) => hoistConvPackedParams(graphsOf(state), state.root, state.log, state.preserved),
    },
    { name: 'remove_dropout', optimization: 'remove_dropout', run: each(removeDropout) },
    { name: 'replace_convolution', run: each(replaceConvolution) },
    { name: 'conv_bn_fusion', optimization: 'conv_bn_fusion', run: each(foldConvBatchNorm) },
    { name: 'conv_1d_to_2d', optimization: 'conv_1d_to_2d', run: each(conv1dToConv2d) },
    { name: 'fuse_linear', optimization: 'insert_fold_prepack_ops', run: each(fuseLinear) },
    { name: 'insert_fold_prepack_ops', optimization: 'insert_fold_prepack_ops', run: each(insertPrePackedOps) },
    { name: 'fuse_clamp', optimization: 'insert_fold_prepack_ops', run: each(fuseClamp) },
    { name: 'share_packed_weights', optimization: 'insert_fold_prepack_ops', run: each(sharePackedWeights) },
    { name: 'fold_rank', run: each(foldRank) },
    { name: 'fold_is_quantized', run: each(foldIsQuantized) },
    { name: 'fold_quantization_parameters', run: each(foldQuantizationParameters) },
    { name: 'run_optimization', run: each((graph, log) => runOptimization.run(graph, log)) },
    { name: 'fuse_add_relu', optimization: 'fuse_add_relu', run: each(fuseAddRelu) },
    { name: 'fuse_quantized_relu', optimization: 'fuse_add_relu', run: (state) => fuseQuantizedRelu(graphsOf(state), state.log) },
    { name: 'eliminate_dead_code', run: each((graph) => eliminateDeadCode(graph)) },
  ],
}
