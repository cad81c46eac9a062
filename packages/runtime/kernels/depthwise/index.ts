/** Convolutions of each channel by itself. */
export { depthwise } from '../dense/depthwise'
