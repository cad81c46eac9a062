import type { KernelSource } from '../operator.ts'

/** Matrix products, and convolutions by them. */
export const dense: KernelSource = {
  name: 'dense',
  load: async (relaxed) => (await (relaxed ? import('./dense-relaxed.generated.ts') : import('./dense.generated.ts'))).WASM,
}

/** Convolutions of each channel by itself. */
export const depthwiseKernels: KernelSource = {
  name: 'depthwise', space: 'dense',
  load: async (relaxed) => (await (relaxed ? import('./depthwise-relaxed.generated.ts') : import('./depthwise.generated.ts'))).WASM,
}

/** Convolutions of 3 x 3 by Winograd's algorithm. */
export const winogradKernels: KernelSource = {
  name: 'winograd', space: 'dense',
  load: async (relaxed) => (await (relaxed ? import('./winograd-relaxed.generated.ts') : import('./winograd.generated.ts'))).WASM,
}
