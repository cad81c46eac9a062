/** Convolutions of 3 x 3 by Winograd's algorithm. */
export { packWinograd, winograd } from '../dense/winograd'
