import type { KernelSource } from '../operator.ts'

/** Kernels that walk over elements; every model has them. */
export const vector: KernelSource = {
  name: 'vector',
  load: async () => (await import('./vector.generated.ts')).WASM,
}

// More of them, which come with the operators that call them.

/** Functions such as `exp`, and choices. */
export const mathKernels: KernelSource = { name: 'math', space: 'vector', load: async () => (await import('./math.generated.ts')).WASM }

/** Normalization. */
export const normKernels: KernelSource = { name: 'norm', space: 'vector', load: async () => (await import('./norm.generated.ts')).WASM }

/** Softmax. */
export const softmaxKernels: KernelSource = { name: 'softmax', space: 'vector', load: async () => (await import('./softmax.generated.ts')).WASM }

/** Weighted sums of places. */
export const resizeKernels: KernelSource = { name: 'resize', space: 'vector', load: async () => (await import('./resize.generated.ts')).WASM }

/** Blocks of elements by lists of places. */
export const moveKernels: KernelSource = { name: 'move', space: 'vector', load: async () => (await import('./move.generated.ts')).WASM }

/** Sums along dimensions. */
export const sumsKernels: KernelSource = { name: 'sums', space: 'vector', load: async () => (await import('./sums.generated.ts')).WASM }
