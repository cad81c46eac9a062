import type { Machine } from '../../machine.ts'
import { contiguousStrides, type Tensor } from '../../tensor.ts'
import { multiplyPacked, type PackedMatrix, packMatrix } from '../dense/packed.ts'
import { requireFit, requireType } from './arguments.ts'
import { runSlowly } from './recurrence-slow.ts'

/** Kinds of recurrent layers, with their number of gates. */
export const GATES = { lstm: 4, gru: 3, rnn_tanh: 1, rnn_relu: 1 } as const

export type Kind = keyof typeof GATES

/** Parameters of one direction of a layer. */
export interface Weights {
  /** `[gates * units, inputs]` */
  readonly input: Tensor
  /** `[gates * units, states]` */
  readonly hidden: Tensor
  readonly inputBias: Tensor | null
  readonly hiddenBias: Tensor | null
  /** `[states, units]`: what an LSTM's output is multiplied with, where it has that. */
  readonly projection: Tensor | null
}

/** Sequences as PyTorch packs them: all first elements, all second ones … The sequences become fewer, as the longer ones come first. */
export interface Sequences {
  /** `[elements, values]` */
  readonly data: Tensor
  /** How many sequences have a first element, a second one … */
  readonly counts: readonly number[]
}

/** What a direction begins with and ends with: `[sequences, states]`, and an LSTM's cells `[sequences, units]`. */
export interface State {
  readonly hidden: Tensor
  readonly cell: Tensor | null
}

/** One step of time: rows of the data, and where the hidden states before it lie. */
export interface Step {
  readonly row: number
  readonly count: number
  /** The row before which the first sequences' states were written, and for how many. The others begin here. */
  readonly before: number
  readonly known: number
}

/** The steps in the order in which they are taken. */
export function stepsOf(counts: readonly number[], reverse: boolean): Step[] {
  let row = 0
  const rows = counts.map((count) => (row += count) - count)
  const order = [...counts.keys()]
  if (reverse) order.reverse()
  return order.map((time, i) => {
    const previous = i > 0 ? order[i - 1]! : -1
    const count = counts[time]!
    return { row: rows[time]!, count, before: rows[previous] ?? 0, known: Math.min(counts[previous] ?? 0, count) }
  })
}

/** For each sequence the row of its last element in the order of `steps`. */
export function lastRows(steps: readonly Step[]): number[] {
  const rows: number[] = []
  for (const { row, count } of steps) for (let n = 0; n < count; n++) rows[n] = row + n
  return rows
}

/** Weights as the kernel reads them, for each four units and each state the gates' weights, and what the gates' sums begin with. */
interface Packed {
  readonly input: PackedMatrix
  readonly hidden: Tensor
  /** A GRU's bias of what the reset gate is multiplied with. */
  readonly bias: Tensor | null
  readonly projection: Tensor | null
}

const LANES = 4

/** `[gates * units, states]` to blocks of four units. */
function packHidden(m: Machine, weight: Tensor, gates: number): Tensor {
  const own = m.contiguous(weight)
  const [rows, states] = own.sizes as [number, number]
  const units = rows / gates
  const packed = m.empty([Math.ceil(units / LANES) * states * gates * LANES])
  const [from, to] = [m.elements(own), m.elements(packed)]
  let i = 0
  for (let block = 0; block < units; block += LANES) {
    for (let state = 0; state < states; state++) {
      for (let gate = 0; gate < gates; gate++) {
        for (let unit = block; unit < block + LANES; unit++) to[i++] = unit < units ? from[(gate * units + unit) * states + state]! : 0
      }
    }
  }
  return packed
}

function pack(m: Machine, kind: Kind, { input, hidden, inputBias, hiddenBias, projection }: Weights): Packed {
  const gates = GATES[kind]
  const [rows, inputs] = input.sizes as [number, number]
  const units = rows / gates
  const sum = m.empty([rows])
  const bias = kind === 'gru' ? m.empty([units]) : null
  const [ownInput, ownHidden] = [inputBias && m.contiguous(inputBias), hiddenBias && m.contiguous(hiddenBias)]
  const [a, b] = [ownInput && m.elements(ownInput) as Float32Array, ownHidden && m.elements(ownHidden) as Float32Array]
  const to = m.elements(sum) as Float32Array
  // A GRU's new gate adds the hidden bias inside of the product.
  for (let i = 0; i < rows; i++) to[i] = (a ? a[i]! : 0) + (b && !(bias && i >= 2 * units) ? b[i]! : 0)
  if (bias) for (let i = 0; i < units; i++) m.f32[m.index(bias) + i] = b ? b[2 * units + i]! : 0
  const [row, column] = input.strides as [number, number]
  return {
    input: packMatrix(m, input.view([inputs, rows], [column, row]), sum), hidden: packHidden(m, hidden, gates), bias,
    projection: projection && packHidden(m, projection, 1),
  }
}

function packed(m: Machine, kind: Kind, weights: Weights): Packed {
  const all = [weights.input, weights.hidden, weights.inputBias, weights.hiddenBias, weights.projection]
  const make = (): Packed => pack(m, kind, weights)
  if (all.some((each) => each && each.storage.born >= 0)) return make()
  const key = kind + JSON.stringify(all.map((each) => {
    return each && [each.storage.pointer, each.storage.version, each.offset, each.sizes, each.strides]
  }))
  return m.cached(weights.hidden, key, make)
}

/** Checks that sizes fit together; returns the number of units. */
function check(m: Machine, kind: Kind, { data, counts }: Sequences, weights: Weights, { hidden, cell }: State): number {
  const rows = weights.input.sizes[0]!
  const units = rows / GATES[kind]
  const [sequences, states] = hidden.sizes as [number, number]
  const fits = data.sizes[1] === weights.input.sizes[1] && weights.hidden.sizes[0] === rows && weights.hidden.sizes[1] === states
    && sequences === counts[0] && (cell ? cell.sizes[0] === sequences && cell.sizes[1] === units : true)
    && states === (weights.projection ? weights.projection.sizes[0] : units)
    && [weights.inputBias, weights.hiddenBias].every((bias) => !bias || bias.numel === rows)
    && (!weights.projection || weights.projection.sizes[1] === units)
  requireFit(m, fits, data, hidden, weights.input)
  // The kernel believes what it is told of memory.
  const falls = counts.every((count, i) => count > 0 && count <= (counts[i - 1] ?? count))
  requireFit(m, falls && counts.reduce((sum, count) => sum + count, 0) === data.sizes[0], data, counts)
  requireType(m, data.dtype, hidden, cell, ...Object.values(weights) as (Tensor | null)[])
  return units
}

/**
 * Runs one direction of a layer.
 * @param output `[elements, …]`, contiguous, of which the columns from `column` on get the hidden states
 */
export function runDirection(
  m: Machine, kind: Kind, sequences: Sequences, weights: Weights, state: State, reverse: boolean, output: Tensor, column: number,
): State {
  const units = check(m, kind, sequences, weights, state)
  const steps = stepsOf(sequences.counts, reverse)
  if (sequences.data.dtype !== 'float32') return runSlowly(m, kind, sequences.data, steps, weights, state, output, column)
  const { input, hidden, bias, projection } = packed(m, kind, weights)
  const [count, states] = state.hidden.sizes as [number, number]
  const sums = multiplyPacked(m, sequences.data, input)
  const begin = m.contiguous(state.hidden)
  const end = m.empty(state.hidden.sizes)
  const ownCell = state.cell && m.contiguous(state.cell)
  const endCell = state.cell && m.empty(state.cell.sizes)
  const padded = Math.ceil(units / LANES) * LANES
  const cells = m.scratch(count * padded * 4)
  // A projection's input, and the zeros that its sums begin with.
  const [raw, zeros] = projection ? [m.scratch(count * units * 4), m.scratch(count * states * 4)] : [0, 0]
  const floats = m.f32
  if (projection) floats.fill(0, zeros / 4, zeros / 4 + count * states)
  if (ownCell) {
    const first = m.index(ownCell)
    for (let n = 0; n < count; n++) floats.copyWithin(cells / 4 + n * padded, first + n * units, first + (n + 1) * units)
  }

  const outputBytes = output.sizes[1]! * 4
  const outputAt = m.address(output) + column * 4
  const { lstm, gru, rnn } = m.kernels['sequence']!
  const run = (row: number, first: number, sequencesHere: number, from: number, fromBytes: number): void => {
    const to = outputAt + (row + first) * outputBytes
    const sum = m.address(sums) + (row + first) * GATES[kind] * units * 4
    const weightsAt = m.address(hidden)
    if (kind === 'lstm') {
      const cell = cells + first * padded * 4
      if (!projection) lstm!(to, outputBytes, sum, weightsAt, from, fromBytes, sequencesHere, states, units, cell)
      else {
        lstm!(raw, units * 4, sum, weightsAt, from, fromBytes, sequencesHere, states, units, cell)
        rnn!(to, outputBytes, zeros, m.address(projection), raw, units * 4, sequencesHere, units, states, 2)
      }
    } else if (kind === 'gru') gru!(to, outputBytes, sum, weightsAt, from, fromBytes, sequencesHere, states, units, m.address(bias!))
    else rnn!(to, outputBytes, sum, weightsAt, from, fromBytes, sequencesHere, states, units, kind === 'rnn_relu' ? 1 : 0)
  }
  for (const { row, count: here, before, known } of steps) {
    if (known > 0) run(row, 0, known, outputAt + before * outputBytes, outputBytes)
    if (known < here) run(row, known, here - known, m.address(begin) + known * states * 4, states * 4)
  }

  const last = lastRows(steps)
  for (let n = 0; n < count; n++) {
    const from = (outputAt + last[n]! * outputBytes) / 4
    floats.copyWithin(m.index(end) + n * states, from, from + states)
    if (endCell) floats.copyWithin(m.index(endCell) + n * units, cells / 4 + n * padded, cells / 4 + n * padded + units)
  }
  return { hidden: end, cell: endCell }
}

/** One step of one layer for `[sequences, inputs]`. */
export function runCell(m: Machine, kind: Kind, input: Tensor, weights: Weights, state: State): State {
  const data = m.contiguous(input)
  const output = m.empty([input.sizes[0]!, state.hidden.sizes[1]!], input.dtype)
  return runDirection(m, kind, { data, counts: [input.sizes[0]!] }, weights, state, false, output, 0)
}

/** The `index`th of the matrices that a contiguous tensor of three dimensions consists of. */
export function matrixOf(tensor: Tensor, index: number): Tensor {
  const sizes = tensor.sizes.slice(1)
  return tensor.view(sizes, contiguousStrides(sizes), tensor.offset + index * sizes[0]! * sizes[1]!)
}
