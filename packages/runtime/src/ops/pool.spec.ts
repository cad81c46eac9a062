import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { difference, Random, read } from './dense/testing.ts'
import { call, callAll, channelsLast, converted, createMachine } from './nn/testing.ts'
import pool from './pool.ts'
import unpool from './unpool.ts'

let m: Machine
beforeEach(async () => {
  m = await createMachine()
})

describe('pooling', () => {
  it('gives the means of torch.nn.functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True)', () => {
    const x = m.tensor('float32', [1, 1, 4, 4], Float32Array.from({ length: 16 }, (_, i) => i))
    const mean = (countPadding: boolean): Float64Array => read(m, call(m, pool, 'aten::avg_pool2d', x, [3n], [2n], [1n], true, countPadding))
    expect(difference(mean(true), [10 / 9, 8 / 3, 5 / 3, 17 / 3, 10, 5.5, 25 / 6, 7, 3.75])).toBeLessThan(1e-6)
    expect(difference(mean(false), [2.5, 4, 5, 8.5, 10, 11, 12.5, 14, 15])).toBeLessThan(1e-6)
  })

  it('agrees with itself in float64, in both layouts, for random windows in one to three dimensions', () => {
    const random = new Random(1)
    for (let i = 0; i < 150; i++) {
      const dims = random.int(1, 3)
      const list = (low: number, high: number): bigint[] => Array.from({ length: dims }, () => BigInt(random.int(low, high)))
      const kernel = list(1, 4)
      const padding = kernel.map((size) => BigInt(random.int(0, Number(size) >> 1)))
      const x = random.tensor(m, [random.int(1, 2), random.pick([1, 3, 4, 7, 8]), ...Array.from({ length: dims }, () => random.int(7, 10))])
      const [stride, dilation, ceil] = [list(1, 3), list(1, 2), random.next() < 0.5]
      for (const [name, ...args] of [
        [`aten::max_pool${dims}d`, kernel, stride, padding, dilation, ceil], [`aten::avg_pool${dims}d`, kernel, stride, padding, ceil, random.next() < 0.5],
        [`aten::adaptive_avg_pool${dims}d`, list(1, 12)],
      ] as const) {
        const expected = read(m, call(m, pool, name, converted(m, x, 'float64'), ...args))
        expect(difference(read(m, call(m, pool, name, m.copy(x), ...args)), expected), name).toBeLessThan(1e-6)
        expect(difference(read(m, call(m, pool, name, channelsLast(m, x), ...args)), expected), name).toBeLessThan(1e-6)
      }
    }
  })

  it('keeps channels last, and lets NaN win', () => {
    const x = channelsLast(m, new Random(2).tensor(m, [1, 8, 4, 4]))
    m.f32[m.address(x) / 4] = NaN
    const result = call(m, pool, 'aten::max_pool2d', x, [2n])
    expect(m.isChannelsLast(result)).toBe(true)
    expect([...read(m, result)].flatMap((value, i) => Number.isNaN(value) ? [i] : [])).toEqual([0])
  })

  it('pools an image without a batch', () => {
    const x = new Random(3).tensor(m, [5, 6, 6])
    const single = call(m, pool, 'aten::max_pool2d', m.copy(x), [2n])
    expect(single.sizes).toEqual([5, 3, 3])
    expect(read(m, single)).toEqual(read(m, call(m, pool, 'aten::max_pool2d', x.view([1, 5, 6, 6], [180, 36, 6, 1]), [2n])))
  })

  it('puts values back where they were the largest', () => {
    const x = m.tensor('float32', [1, 1, 2, 4], [1, 5, 2, 0, 3, 4, 8, 7])
    const [values, indices] = callAll(m, unpool, 'aten::max_pool2d_with_indices', x, [2n])
    expect([...read(m, indices as never)]).toEqual([1, 6])
    expect([...read(m, call(m, unpool, 'aten::max_unpool2d', values!, indices!, [2n, 4n]))]).toEqual([0, 5, 0, 0, 0, 0, 8, 0])
  })

  it('refuses padding beyond half of the window', () => {
    expect(() => call(m, pool, 'aten::max_pool1d', m.empty([1, 1, 8]), [2n], [], [2n])).toThrow('at most half')
  })
})
