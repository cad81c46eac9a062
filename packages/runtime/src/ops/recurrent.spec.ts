import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import type { Tensor } from '../tensor.ts'
import { difference, Random, read } from './dense/testing.ts'
import { callAll, converted, createMachine } from './nn/testing.ts'
import recurrent from './recurrent.ts'

let m: Machine
beforeEach(async () => {
  m = await createMachine()
})

/** Parameters for one direction of one layer. */
function parameters(random: Random, gates: number, inputs: number, units: number, states: number, biases: boolean): Tensor[] {
  const list = [random.tensor(m, [gates * units, inputs]), random.tensor(m, [gates * units, states])]
  if (biases) list.push(random.tensor(m, [gates * units]), random.tensor(m, [gates * units]))
  if (states !== units) list.push(random.tensor(m, [states, units]))
  return list
}

describe('recurrent layers', () => {
  it('gives what torch.nn.LSTM(2, 3, bidirectional=True, batch_first=True) gives', () => {
    let next = 0
    const wave = (...sizes: number[]): Tensor => {
      const count = sizes.reduce((a, b) => a * b, 1)
      return m.tensor('float32', sizes, Float32Array.from({ length: count }, () => Math.sin(next++) * 0.5))
    }
    const params = [0, 1].flatMap(() => [wave(12, 2), wave(12, 3), wave(12), wave(12)])
    const x = m.tensor('float32', [2, 2, 2], Float32Array.from({ length: 8 }, (_, i) => Math.cos(i)))
    const state = (): Tensor => m.tensor('float32', [2, 2, 3], new Float32Array(12))
    const [output, hidden, cells] = callAll(m, recurrent, 'aten::lstm.input', x, [state(), state()], params, true, 1n, 0, false, true, true) as Tensor[]
    expect(difference(read(m, output!), [
      0.016104156, 0.006847351, -0.10660019, -0.20423864, -0.05844547, 0.13053589, 0.030396223, -0.1018888, -0.23004144, -0.15745082, 0.22184649, 0.117788,
      0.108409606, -0.10321822, -0.16632305, -0.17365296, -0.07245419, 0.23697396, 0.06267276, -0.08977668, -0.17393067, -0.075841516, -0.09416336, 0.12056068,
    ])).toBeLessThan(1e-6)
    expect(difference(read(m, hidden!), [
      0.030396223, -0.1018888, -0.23004144, 0.06267276, -0.08977668, -0.17393067, -0.20423864, -0.05844547, 0.13053589, -0.17365296, -0.07245419, 0.23697396,
    ])).toBeLessThan(1e-6)
    expect(difference(read(m, cells!), [
      0.07165574, -0.21108656, -0.29799315, 0.19434227, -0.11325664, -0.28084514, -0.25938597, -0.12105703, 0.60269624, -0.27148014, -0.1317592, 0.710802,
    ])).toBeLessThan(1e-6)
    expect([output!.sizes, output!.strides]).toEqual([[2, 2, 6], [6, 12, 1]])
  })

  it('agrees with itself in float64: kinds, layers, directions, projections, packed sequences', () => {
    const random = new Random(1)
    for (let i = 0; i < 60; i++) {
      const [kind, gates] = random.pick([['lstm', 4], ['gru', 3], ['rnn_tanh', 1], ['rnn_relu', 1]] as const)
      const [inputs, units, layers, directions, biases] = [random.int(1, 9), random.int(1, 9), random.int(1, 2), random.int(1, 2), random.next() < 0.7]
      const states = kind === 'lstm' && units > 1 && random.next() < 0.3 ? random.int(1, units - 1) : units
      const params = Array.from({ length: layers * directions }, (_, at) =>
        parameters(random, gates, at < directions ? inputs : states * directions, units, states, biases)).flat()
      const counts = Array.from({ length: random.int(1, 5) }, () => random.int(1, 4)).toSorted((a, b) => b - a)
      const data = random.tensor(m, [counts.reduce((a, b) => a + b, 0), inputs])
      const begin = [random.tensor(m, [layers * directions, counts[0]!, states]), random.tensor(m, [layers * directions, counts[0]!, units])]
      const sizes = m.tensor('int64', [counts.length], BigInt64Array.from(counts, BigInt))
      const run = (convert: (tensor: Tensor) => Tensor): Tensor[] => {
        const state = kind === 'lstm' ? begin.map(convert) : convert(begin[0]!)
        return callAll(m, recurrent, `aten::${kind}.data`, convert(data), sizes, state, params.map(convert), biases, BigInt(layers), 0, false, directions === 2) as Tensor[]
      }
      const expected = run((tensor) => converted(m, tensor, 'float64'))
      for (const [at, result] of run((tensor) => tensor).entries()) expect(difference(read(m, result), read(m, expected[at]!)), kind).toBeLessThan(3e-6)
    }
  })

  it('runs a cell as a layer of one step', () => {
    const random = new Random(2)
    const [x, h] = [random.tensor(m, [3, 4]), random.tensor(m, [3, 5])]
    const params = parameters(random, 3, 4, 5, 5, true)
    const [cell] = callAll(m, recurrent, 'aten::gru_cell', x, h, ...params) as [Tensor]
    const [layer] = callAll(m, recurrent, 'aten::gru.input', x.view([1, 3, 4], [12, 4, 1]), h.view([1, 3, 5], [15, 5, 1]), params, true, 1n, 0, false, false, false) as [Tensor]
    expect(read(m, cell)).toEqual(read(m, layer))
  })

  it('refuses sizes that do not fit, and dropout in training', () => {
    const random = new Random(3)
    const params = parameters(random, 1, 4, 5, 5, true)
    const run = (units: number, training: boolean): unknown =>
      callAll(m, recurrent, 'aten::rnn_tanh.input', random.tensor(m, [1, 2, 4]), random.tensor(m, [1, 2, units]), params, true, 1n, 0.5, training, false, false)
    expect(() => run(6, false)).toThrow('do not fit')
    expect(() => run(5, true)).toThrow('dropout')
    const packed = (counts: readonly bigint[]): unknown => {
      const sizes = m.tensor('int64', [counts.length], counts)
      return callAll(m, recurrent, 'aten::rnn_tanh.data', random.tensor(m, [3, 4]), sizes, random.tensor(m, [1, Number(counts[0]), 5]), params, true, 1n, 0, false, false)
    }
    expect(packed([2n, 1n])).toHaveLength(2)
    for (const counts of [[1n, 2n], [2n, 2n], [3n, 0n]]) expect(() => packed(counts)).toThrow('do not fit')
  })
})
