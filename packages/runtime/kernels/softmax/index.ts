/** Softmax and its logarithm. */
export { softmaxColumns, softmaxRows } from '../vector/softmax'
