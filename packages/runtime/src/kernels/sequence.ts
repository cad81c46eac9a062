import type { KernelSource } from '../operator.ts'

/** Steps of recurrent layers. */
export const sequence: KernelSource = {
  name: 'sequence',
  load: async (relaxed) => (await (relaxed ? import('./sequence-relaxed.generated.ts') : import('./sequence.generated.ts'))).WASM,
}
