/** Optimizations that a blocklist may name: PyTorch's `MobileOptimizerType` in lower case. */
export const BLOCKABLE: readonly string[] = [
  'conv_bn_fusion', 'insert_fold_prepack_ops', 'remove_dropout', 'fuse_add_relu', 'hoist_conv_packed_params', 'conv_1d_to_2d',
  'vulkan_automatic_gpu_transfer',
]
