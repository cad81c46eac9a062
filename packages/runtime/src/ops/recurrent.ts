import { dense } from '../kernels/dense.ts'
import { sequence } from '../kernels/sequence.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { contiguousStrides, type Tensor } from '../tensor.ts'
import { type Results, results } from '../values.ts'
import { requireFit } from './nn/arguments.ts'
import { toNumbers } from './nn/numbers.ts'
import { packPadded, padPacked } from './nn/packed-sequences.ts'
import { type Kind, matrixOf, runCell, runDirection, type Sequences, type Weights } from './nn/recurrence.ts'

/** Weights of all layers and directions, in PyTorch's order. */
function weightsOf(m: Machine, params: readonly Tensor[], biases: boolean, count: number): Weights[] {
  const each = params.length / count
  const plain = biases ? 4 : 2
  if (each !== plain && each !== plain + 1) throw m.fail(`${params.length} parameters for ${count} layers and directions`)
  return Array.from({ length: count }, (_, i) => {
    const own = params.slice(i * each, (i + 1) * each)
    const [input, hidden] = own as [Tensor, Tensor]
    return { input, hidden, inputBias: biases ? own[2]! : null, hiddenBias: biases ? own[3]! : null, projection: own[plain] ?? null }
  })
}

/** Runs all layers; the states are `[layers * directions, sequences, …]`, those of the result are stacked likewise. */
function runLayers(
  m: Machine, kind: Kind, sequences: Sequences, states: readonly Tensor[], params: readonly Tensor[], biases: boolean, layers: bigint,
  dropout: number,
  training: boolean, bidirectional: boolean,
): { output: Tensor; states: Tensor[] } {
  if (training && dropout > 0) throw m.unsupported('dropout between layers in training')
  let { data } = sequences
  const directions = bidirectional ? 2 : 1
  const weights = weightsOf(m, params, biases, Number(layers) * directions)
  const begin = states.map((state) => m.contiguous(state))
  for (const state of begin) requireFit(m, state.dim === 3 && state.sizes[0] === weights.length, data, state)
  const end = begin.map((state) => m.empty(state.sizes, state.dtype))
  const columns = begin[0]!.sizes[2]!
  for (let layer = 0; layer < Number(layers); layer++) {
    const output = m.empty([data.sizes[0]!, directions * columns], data.dtype)
    for (let direction = 0; direction < directions; direction++) {
      const i = layer * directions + direction
      const state = { hidden: matrixOf(begin[0]!, i), cell: begin[1] ? matrixOf(begin[1], i) : null }
      const after = runDirection(m, kind, { ...sequences, data }, weights[i]!, state, direction === 1, output, direction * columns)
      m.assign(matrixOf(end[0]!, i), after.hidden)
      if (after.cell) m.assign(matrixOf(end[1]!, i), after.cell)
    }
    data = output
  }
  return { output: data, states: end }
}

/** An LSTM has two: hidden states and cells. */
type State = Tensor | readonly Tensor[]

const statesOf = (state: State): readonly Tensor[] => Array.isArray(state) ? state : [state as Tensor]

/** Exchanges the first two of three dimensions. */
const swap = ([a, b, c]: readonly number[]): number[] => [b!, a!, c!]

function ofInput(kind: Kind) {
  return (
    m: Machine, input: Tensor, hx: State, params: readonly Tensor[], biases: boolean, layers: bigint, dropout: number, training: boolean,
    bidirectional: boolean, batchFirst: boolean,
  ): Results => {
    requireFit(m, input.dim === 3 && !input.sizes.slice(0, 2).includes(0), input)
    const ordered = m.contiguous(batchFirst ? m.plain(input).view(swap(input.sizes), swap(input.strides)) : input)
    const [steps, batch, inputs] = ordered.sizes as [number, number, number]
    const data = ordered.view([steps * batch, inputs], [inputs, 1])
    const counts = Array.from({ length: steps }, () => batch)
    const { output, states } = runLayers(m, kind, { data, counts }, statesOf(hx), params, biases, layers, dropout, training, bidirectional)
    const sizes = [steps, batch, output.sizes[1]!]
    const strides = contiguousStrides(sizes)
    return results(batchFirst ? output.view(swap(sizes), swap(strides)) : output.view(sizes, strides), ...states)
  }
}

function ofPacked(kind: Kind) {
  return (
    m: Machine, input: Tensor, batchSizes: Tensor, hx: State, params: readonly Tensor[], biases: boolean, layers: bigint, dropout: number,
    training: boolean,
    bidirectional: boolean,
  ): Results => {
    const counts = [...toNumbers(m, batchSizes)]
    const { output, states } = runLayers(
      m, kind, { data: m.contiguous(input), counts }, statesOf(hx), params, biases, layers, dropout, training, bidirectional,
    )
    return results(output, ...states)
  }
}

function cell(kind: Kind) {
  return (
    m: Machine, input: Tensor, hx: State, weight: Tensor, recurrent: Tensor, inputBias: Tensor | null, hiddenBias: Tensor | null,
  ): Results => {
    const [hidden, cells = null] = statesOf(hx)
    requireFit(m, input.dim === 2 && hidden!.dim === 2, input, hidden!)
    const weights = { input: weight, hidden: recurrent, inputBias, hiddenBias, projection: null }
    const after = runCell(m, kind, input, weights, { hidden: hidden!, cell: cells })
    return after.cell ? results(after.hidden, after.cell) : results(after.hidden)
  }
}

const operators: OperatorTable = {
  'aten::lstm.input(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)': ofInput('lstm'),
  'aten::gru.input(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)': ofInput('gru'),
  'aten::rnn_tanh.input(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)': ofInput('rnn_tanh'),
  'aten::rnn_relu.input(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)': ofInput('rnn_relu'),
  'aten::lstm.data(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)': ofPacked('lstm'),
  'aten::gru.data(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)': ofPacked('gru'),
  'aten::rnn_tanh.data(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)': ofPacked('rnn_tanh'),
  'aten::rnn_relu.data(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)': ofPacked('rnn_relu'),
  'aten::lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)': cell('lstm'),
  'aten::gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)': cell('gru'),
  'aten::rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)': cell('rnn_tanh'),
  'aten::_pack_padded_sequence(input, lengths, batch_first)': packPadded,
  'aten::_pad_packed_sequence(data, batch_sizes, batch_first, padding_value, total_length)': padPacked,
  'aten::rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)': cell('rnn_relu'),
}

const family: Family = { name: 'recurrent', kernels: [dense, sequence], operators }

export default family
