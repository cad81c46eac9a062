/**
 * Kernels that walk over elements: those that networks for pictures need. Addresses and strides count bytes, sizes count elements. What other
 * models need is built from the files in this folder, too, and loaded with the operators that call it.
 */
export { copy1, copy2, copy4, copy8, transpose } from './copy'
export { averagePool, maxPool } from './pool'
export { add, divide, multiply } from './elementwise'
export { clamp, hardsigmoid, hardswish, leakyRelu } from './unary'
