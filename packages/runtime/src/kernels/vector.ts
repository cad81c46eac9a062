import type { KernelSource } from '../operator.ts'

/** Kernels that walk over elements; every model has them. */
export const vector: KernelSource = {
  name: 'vector',
  load: async () => (await import('./vector.generated.ts')).WASM,
}
