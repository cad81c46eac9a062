import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import type { Tensor } from '../tensor.ts'
import { difference, Random, read } from './dense/testing.ts'
import { call, callAll, channelsLast, converted, createMachine } from './nn/testing.ts'
import norm from './norm.ts'
import softmax from './softmax.ts'

let m: Machine
let random: Random
beforeEach(async () => {
  m = await createMachine()
  random = new Random(1)
})

const double = (tensor: Tensor): Tensor => converted(m, tensor, 'float64')

describe('normalization', () => {
  it('normalizes groups and instances alike in both layouts and in float64', () => {
    for (let i = 0; i < 60; i++) {
      const groups = random.int(1, 4)
      const channels = groups * random.int(1, 5)
      const x = random.tensor(m, [random.int(1, 3), channels, random.int(2, 9), random.int(1, 9)])
      const [weight, bias] = [random.tensor(m, [channels]), random.tensor(m, [channels])]
      for (const [name, args] of [
        ['aten::group_norm', (w: Tensor, b: Tensor) => [BigInt(groups), w, b, 1e-5]], ['aten::instance_norm', (w: Tensor, b: Tensor) => [w, b, null, null, true, 0.1, 1e-5, true]],
        ['aten::batch_norm', (w: Tensor, b: Tensor) => [w, b, null, null, true, 0.1, 1e-5, true]],
      ] as const) {
        const expected = read(m, call(m, norm, name, double(x), ...args(double(weight), double(bias))))
        expect(difference(read(m, call(m, norm, name, m.copy(x), ...args(weight, bias))), expected), name).toBeLessThan(5e-6)
        const last = call(m, norm, name, channelsLast(m, x), ...args(weight, bias))
        expect(difference(read(m, last), expected), name).toBeLessThan(5e-6)
      }
    }
  })

  it('keeps precision where the mean is large', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => 10_000 + i % 7)
    const x = m.tensor('float32', [1000], values)
    const expected = read(m, call(m, norm, 'aten::layer_norm', double(x), [1000n]))
    expect(difference(read(m, call(m, norm, 'aten::layer_norm', x, [1000n])), expected)).toBeLessThan(1e-3)
  })

  it('reads the channels of an image where they are', () => {
    const [x, weight] = [random.tensor(m, [2, 6, 3, 4]), random.tensor(m, [6])]
    const seen = (tensor: Tensor): Tensor => tensor.view([2, 3, 4, 6], [72, 4, 1, 12])
    const last = channelsLast(m, x)
    const result = call(m, norm, 'aten::layer_norm', seen(last), [6n], weight)
    expect(m.isChannelsLast(last)).toBe(true)
    expect(read(m, result)).toEqual(read(m, call(m, norm, 'aten::layer_norm', seen(x), [6n], weight)))
  })

  it('gives means and deviations of rows', () => {
    const x = m.tensor('float32', [2, 3], [1, 2, 3, 4, 4, 10])
    const [, means, factors] = callAll(m, norm, 'aten::native_layer_norm', x, [3n], null, null, 0) as Tensor[]
    expect([means!.sizes, [...read(m, means!)]]).toEqual([[2, 1], [2, 6]])
    expect(difference(read(m, factors!), [1 / Math.sqrt(2 / 3), 1 / Math.sqrt(8)])).toBeLessThan(1e-6)
  })

  it('moves running statistics in training, with the unbiased variance', () => {
    const x = m.tensor('float32', [2, 1, 2], [1, 2, 3, 6])
    const [mean, variance] = [m.tensor('float32', [1], [1]), m.tensor('float32', [1], [1])]
    call(m, norm, 'aten::batch_norm', x, null, null, mean, variance, true, 0.5, 0, true)
    expect([...read(m, mean), ...read(m, variance)]).toEqual([2, expect.closeTo(0.5 + 0.5 * 14 / 3, 6)])
  })
})

describe('softmax', () => {
  it('agrees with float64 along every dimension', () => {
    for (let i = 0; i < 60; i++) {
      const x = random.tensor(m, Array.from({ length: random.int(1, 4) }, () => random.int(1, 9)))
      const dim = BigInt(random.int(0, x.dim - 1))
      for (const name of ['aten::softmax.int', 'aten::log_softmax.int']) {
        expect(difference(read(m, call(m, softmax, name, x, dim)), read(m, call(m, softmax, name, double(x), dim))), name).toBeLessThan(1e-6)
      }
    }
  })

  it('takes channels as they lie', () => {
    const x = random.tensor(m, [2, 5, 3, 3])
    const result = call(m, softmax, 'aten::softmax.int', channelsLast(m, x), 1n)
    expect(m.isChannelsLast(result)).toBe(true)
    expect(difference(read(m, result), read(m, call(m, softmax, 'aten::softmax.int', x, 1n)))).toBeLessThan(1e-6)
  })

  it('is stable for large values, ignores -infinity and gives NaN for NaN', () => {
    const row = (...values: number[]): number[] => [...read(m, call(m, softmax, 'aten::softmax.int', m.tensor('float32', [values.length], values), 0n))]
    expect(row(1e4, 1e4, -Infinity, -1e30, 1e4)).toEqual([1 / 3, 0, 0, 0, 0].map((_, i) => i === 2 || i === 3 ? 0 : expect.closeTo(1 / 3, 6) as never))
    expect(row(0, NaN, 1, 2, 3)).toEqual([NaN, NaN, NaN, NaN, NaN])
    expect(row(-Infinity, -Infinity)).toEqual([NaN, NaN])
  })
})
