/** Sums along dimensions. */
export { sumColumns, sumRows } from '../vector/reduce'
