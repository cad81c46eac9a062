/** Kernels that walk over elements. Addresses and strides count bytes, sizes count elements. */
export { copy1, copy2, copy4, copy8, transpose } from './copy'
