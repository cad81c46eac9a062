import { type Directive, wordSet } from '../directive.ts'

/**
 * The optimizations that can be blocked, by PyTorch's names (`MobileOptimizerType` in torch/csrc/jit/passes/xnnpack_rewrite.h).
 * PyTorch's Python API cannot block `conv_1d_to_2d`; its C++ enum has it.
 */
export const OPTIMIZATIONS: readonly string[] = [
  'conv_1d_to_2d',
  'conv_bn_fusion',
  'fuse_add_relu',
  'hoist_conv_packed_params',
  'insert_fold_prepack_ops',
  'remove_dropout',
]

/** Optimizations to leave out. */
export const block: Directive<'block'> = wordSet({
  name: 'block',
  words: OPTIMIZATIONS,
  fallback: [],
  changesBytes: true,
})
