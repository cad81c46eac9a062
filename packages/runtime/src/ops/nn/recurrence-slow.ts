import type { Machine } from '../../machine.ts'
import type { Tensor } from '../../tensor.ts'
import { scatter } from '../elements.ts'
import { fromNumbers, toNumbers } from './numbers.ts'
import type { Kind, State, Step, Weights } from './recurrence.ts'

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** `bias + weight * vector` for the rows of a matrix. */
function product(weight: Float64Array, vector: Float64Array, bias: Float64Array | null): Float64Array {
  const columns = vector.length
  const result = new Float64Array(weight.length / columns)
  for (let row = 0; row < result.length; row++) {
    let sum = bias ? bias[row]! : 0
    for (let column = 0; column < columns; column++) sum += weight[row * columns + column]! * vector[column]!
    result[row] = sum
  }
  return result
}

type Unit = (unit: number, units: number, x: Float64Array, h: Float64Array, before: number, cell: Float64Array) => number

/** New state of one unit, by kind, from the gates' sums of the input and of the hidden state; an LSTM's cell is changed in place. */
const UNITS: Readonly<Record<Kind, Unit>> = {
  lstm: (unit, units, x, h, _, cell) => {
    const [i, f, g, o] = [0, 1, 2, 3].map((gate) => x[gate * units + unit]! + h[gate * units + unit]!) as [number, number, number, number]
    cell[unit] = sigmoid(f) * cell[unit]! + sigmoid(i) * Math.tanh(g)
    return sigmoid(o) * Math.tanh(cell[unit]!)
  },
  gru: (unit, units, x, h, before) => {
    const reset = sigmoid(x[unit]! + h[unit]!)
    const update = sigmoid(x[units + unit]! + h[units + unit]!)
    const fresh = Math.tanh(x[2 * units + unit]! + reset * h[2 * units + unit]!)
    return fresh + update * (before - fresh)
  },
  rnn_tanh: (unit, _, x, h) => Math.tanh(x[unit]! + h[unit]!),
  rnn_relu: (unit, _, x, h) => Math.max(x[unit]! + h[unit]!, 0),
}

/** One direction of a layer in float64, for types that are rare. */
export function runSlowly(
  m: Machine, kind: Kind, data: Tensor, steps: readonly Step[], weights: Weights, state: State, output: Tensor, column: number,
): State {
  const numbers = (tensor: Tensor | null): Float64Array | null => tensor && toNumbers(m, tensor)
  const [x, w, r] = [toNumbers(m, data), toNumbers(m, weights.input), toNumbers(m, weights.hidden)]
  const [inputBias, hiddenBias, projection] = [numbers(weights.inputBias), numbers(weights.hiddenBias), numbers(weights.projection)]
  const [hidden, cell] = [toNumbers(m, state.hidden), numbers(state.cell)]
  const [inputs, states] = [data.sizes[1]!, state.hidden.sizes[1]!]
  const units = cell ? state.cell!.sizes[1]! : states
  for (const { row, count } of steps) {
    for (let n = 0; n < count; n++) {
      const own = hidden.subarray(n * states, (n + 1) * states)
      const ownCell = cell ? cell.subarray(n * units, (n + 1) * units) : own
      const fromInput = product(w, x.subarray((row + n) * inputs, (row + n + 1) * inputs), inputBias)
      const fromHidden = product(r, own, hiddenBias)
      const next = Float64Array.from({ length: units }, (_, unit) => UNITS[kind](unit, units, fromInput, fromHidden, own[unit]!, ownCell))
      own.set(projection ? product(projection, next, null) : next)
      scatter(m, data.dtype, m.index(output) + (row + n) * output.sizes[1]! + column, 1, own, states)
    }
  }
  return {
    hidden: fromNumbers(m, data.dtype, state.hidden.sizes, hidden),
    cell: cell && fromNumbers(m, data.dtype, state.cell!.sizes, cell),
  }
}
