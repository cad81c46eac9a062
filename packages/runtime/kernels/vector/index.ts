/** Kernels that walk over elements. Addresses and strides count bytes, sizes count elements. */
export { copy1, copy2, copy4, copy8, transpose } from './copy'
export { averagePool, maxPool } from './pool'
export { columnSums, layerNorm, scaleColumns, scaleRows, squares, sum } from './norm'
export { softmaxColumns, softmaxRows } from './softmax'
export { resample } from './resize'
export { add, divide, maximum, minimum, multiply, where } from './elementwise'
export {
  abs, clamp, elu, erf, exp, gelu, geluTanh, hardsigmoid, hardswish, leakyRelu, log, mish, rsqrt, sigmoid, silu, softplus, sqrt, tanh,
} from './unary'
export { sumColumns, sumRows } from './reduce'
export { move } from './move'
export { weightedTaps } from './roi'
