/** Kernels of matrix products and convolutions. Sizes are in elements, steps in bytes, addresses where the memory's owner says. */
export { pack } from './pack'
export { product, products } from './product'
export { depthwise } from './depthwise'
export { interleave } from './layout'
export { packWinograd, winograd } from './winograd'
