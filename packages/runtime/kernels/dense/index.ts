/**
 * Kernels of matrix products and convolutions. Sizes are in elements, steps in bytes, addresses where the memory's owner says. Those of depthwise
 * convolutions and Winograd's are built from the files in this folder, too, for models that have such convolutions.
 */
export { pack } from './pack'
export { product, products } from './product'
export { interleave } from './layout'
