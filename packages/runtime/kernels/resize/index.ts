/** Weighted sums of places: resizing, and regions of interest. */
export { resample } from '../vector/resize'
export { weightedTaps } from '../vector/roi'
