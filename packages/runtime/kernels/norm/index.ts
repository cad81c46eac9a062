/** Normalization. */
export { columnSums, layerNorm, scaleColumns, scaleRows, squares, sum } from '../vector/norm'
