/** Blocks of elements, by lists of places. */
export { move } from '../vector/move'
