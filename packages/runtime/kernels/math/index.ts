/** Functions of elements, and choices among them. */
export { maximum, minimum, where } from '../vector/elementwise'
export { abs, elu, erf, exp, gelu, geluTanh, log, mish, rsqrt, sigmoid, silu, softplus, sqrt, tanh } from '../vector/unary'
