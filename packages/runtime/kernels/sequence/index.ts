/** Kernels of recurrent networks: one step of time each. */
export { gru, lstm, rnn } from './step'
