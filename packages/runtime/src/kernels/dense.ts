import type { KernelSource } from '../operator.ts'

/** Matrix products and convolutions. */
export const dense: KernelSource = {
  name: 'dense',
  load: async (relaxed) => (await (relaxed ? import('./dense-relaxed.generated.ts') : import('./dense.generated.ts'))).WASM,
}
