/** What each optimization means, in words for people who do not know PyTorch's names. What is not here is general clean-up. */
export const OPTIMIZATIONS: Readonly<Record<string, string>> = {
  conv_bn_fusion: 'Batch norm folded into convolutions',
  insert_fold_prepack_ops: 'Weights prepacked for the CPU',
  remove_dropout: 'Dropout removed',
  fuse_clamp: 'ReLU fused into convolutions and linear layers',
  fuse_add_relu: 'Add and ReLU made one',
  hoist_conv_packed_params: 'Packed weights hoisted to the model',
  conv_1d_to_2d: '1d convolutions made 2d',
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`
  return n < 999_500 ? `${(n / 1000).toFixed(n < 99_500 ? 1 : 0)} kB` : `${(n / 1e6).toFixed(2)} MB`
}

export const count = (n: number): string => n.toLocaleString('en')
export const plural = (n: number, word: string): string => `${count(n)} ${word}${n === 1 ? '' : 's'}`
export const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)
