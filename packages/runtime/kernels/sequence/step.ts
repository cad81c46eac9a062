/**
 * One step of a recurrent layer: the product of the hidden state with the recurrent weights, and the gates, in one go.
 *
 *   weights   for each four units: for each value of the hidden state, four weights of each gate
 *   input     what the gates get from the input and the biases, a row for each sequence: a value of each unit for each gate
 *   hidden    the state before, a row of `inputs` floats for each sequence; never where `to` is
 *   to        the state after, a row of `units` floats for each sequence
 *
 * The gates are in PyTorch's order: input, forget, cell, output of an LSTM; reset, update, new of a GRU.
 */
import { madd } from '../dense/madd'
import { sigmoid as sigmoidInline, tanh as tanhInline } from '../vector/math'

const LSTM: i32 = 4
const GRU: i32 = 3
const RNN: i32 = 1

// Functions of their own: what they need would take registers from the sums.
function sigmoid(x: v128): v128 {
  return sigmoidInline(x)
}

function tanh(x: v128): v128 {
  return tanhInline(x)
}

/** The first `count` (1 …) of four floats. What comes after them need not be there. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function loadPart(address: usize, count: i32): v128 {
  return count >= 4 ? v128.load(address) : loadFew(address, count)
}

function loadFew(address: usize, count: i32): v128 {
  let x = v128.load32_zero(address)
  if (count > 1) x = v128.load_lane<f32>(address, x, 1, 4)
  if (count > 2) x = v128.load_lane<f32>(address, x, 2, 8)
  return x
}

/** Writes the first `count` (1 …) of four lanes. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function storePart(address: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(address, x)
  else {
    v128.store32_lane(address, x, 0)
    if (count > 1) v128.store32_lane(address + 4, x, 1)
    if (count > 2) v128.store32_lane(address + 8, x, 2)
  }
}

/**
 * @param gates how many, a constant: which kind of layer this is
 * @param state LSTM: the cell's state, changed in place, a row of whole vectors for each sequence. GRU: what is added to the new
 *   gate's product, for each unit.
 * @param linear RNN: 0 for tanh, 1 for relu, 2 for the sum as it is
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
function step(
  gates: i32, to: usize, toBytes: usize, input: usize, weights: usize, hidden: usize, hiddenBytes: usize,
  sequences: i32, inputs: i32, units: i32, state: usize, linear: i32,
): void {
  const blocks = (units + 3) >> 2
  const gateBytes = <usize>units << 2
  const blockBytes = <usize>gates << 4
  for (let block = 0; block < blocks; block++) {
    const unit = <usize>block << 4
    const count = units - (block << 2)
    for (let n = 0; n < sequences; n++) {
      const from = input + <usize>(n * gates) * gateBytes + unit
      let a = loadPart(from, count)
      let b = gates > 1 ? loadPart(from + gateBytes, count) : a
      let c = gates == LSTM ? loadPart(from + 2 * gateBytes, count) : gates == GRU ? loadPart(state + unit, count) : a
      let d = gates > 3 ? loadPart(from + 3 * gateBytes, count) : a
      let w = weights + <usize>(block * inputs) * blockBytes
      let h = hidden + <usize>n * hiddenBytes
      let left = inputs
      for (; left > 1; left -= 2) {
        // Products of two values are added to the sums together, so that a sum waits but once for the one before.
        const x = v128.load32_splat(h)
        const y = v128.load32_splat(h, 4)
        const next = w + blockBytes
        a = f32x4.add(a, madd(y, v128.load(next), f32x4.mul(x, v128.load(w))))
        if (gates > 1) b = f32x4.add(b, madd(y, v128.load(next, 16), f32x4.mul(x, v128.load(w, 16))))
        if (gates > 2) c = f32x4.add(c, madd(y, v128.load(next, 32), f32x4.mul(x, v128.load(w, 32))))
        if (gates > 3) d = f32x4.add(d, madd(y, v128.load(next, 48), f32x4.mul(x, v128.load(w, 48))))
        w = next + blockBytes
        h += 8
      }
      if (left > 0) {
        const x = v128.load32_splat(h)
        a = madd(x, v128.load(w), a)
        if (gates > 1) b = madd(x, v128.load(w, 16), b)
        if (gates > 2) c = madd(x, v128.load(w, 32), c)
        if (gates > 3) d = madd(x, v128.load(w, 48), d)
      }

      let result = a
      if (gates == LSTM) {
        const cell = state + (<usize>n * blocks << 4) + unit
        const next = f32x4.add(f32x4.mul(sigmoid(b), v128.load(cell)), f32x4.mul(sigmoid(a), tanh(c)))
        v128.store(cell, next)
        result = f32x4.mul(sigmoid(d), tanh(next))
      } else if (gates == GRU) {
        const fresh = tanh(f32x4.add(loadPart(from + 2 * gateBytes, count), f32x4.mul(sigmoid(a), c)))
        const before = loadPart(hidden + <usize>n * hiddenBytes + unit, count)
        result = f32x4.add(fresh, f32x4.mul(sigmoid(b), f32x4.sub(before, fresh)))
      } else if (linear == 0) result = tanh(a)
      else if (linear == 1) result = f32x4.max(a, f32x4.splat(0))
      storePart(to + <usize>n * toBytes + unit, result, count)
    }
  }
}

export function lstm(
  to: usize, toBytes: usize, input: usize, weights: usize, hidden: usize, hiddenBytes: usize,
  sequences: i32, inputs: i32, units: i32, state: usize,
): void {
  step(LSTM, to, toBytes, input, weights, hidden, hiddenBytes, sequences, inputs, units, state, 0)
}

export function gru(
  to: usize, toBytes: usize, input: usize, weights: usize, hidden: usize, hiddenBytes: usize,
  sequences: i32, inputs: i32, units: i32, bias: usize,
): void {
  step(GRU, to, toBytes, input, weights, hidden, hiddenBytes, sequences, inputs, units, bias, 0)
}

/** `kind`: 0 for tanh, 1 for relu, 2 for the sum as it is, which the projection of an LSTM is. */
export function rnn(
  to: usize, toBytes: usize, input: usize, weights: usize, hidden: usize, hiddenBytes: usize,
  sequences: i32, inputs: i32, units: i32, kind: i32,
): void {
  step(RNN, to, toBytes, input, weights, hidden, hiddenBytes, sequences, inputs, units, 0, kind)
}
