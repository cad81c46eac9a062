/** Kernels that walk over elements. Addresses and strides count bytes, sizes count elements. */
export { copy1, copy2, copy4, copy8, transpose } from './copy'
export { averagePool, maxPool } from './pool'
export { columnSums, layerNorm, scaleColumns, scaleRows, squares, sum } from './norm'
export { softmaxColumns, softmaxRows } from './softmax'
export { resample } from './resize'
