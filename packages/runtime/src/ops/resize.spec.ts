import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { difference, Random, read } from './dense/testing.ts'
import grid from './grid.ts'
import { call, channelsLast, converted, createMachine } from './nn/testing.ts'
import resize from './resize.ts'

let m: Machine
beforeEach(async () => {
  m = await createMachine()
})

const ramp = (...sizes: number[]): Float32Array => Float32Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, (_, i) => i)

describe('resizing', () => {
  it('gives what torch.nn.functional.interpolate gives', () => {
    const square = m.tensor('float32', [1, 1, 2, 2], [0, 1, 4, 5])
    expect([...read(m, call(m, resize, 'aten::upsample_bilinear2d.vec', square, [3n, 3n], false, null))]).toEqual([0, 0.5, 1, 2, 2.5, 3, 4, 4.5, 5])
    const row = m.tensor('float32', [1, 1, 1, 3], [0, 1, 2])
    expect([...read(m, call(m, resize, 'aten::upsample_nearest2d.vec', row, null, [1, 1.5]))]).toEqual([0, 0, 1, 2])
    const image = m.tensor('float32', [1, 1, 4, 4], ramp(4, 4))
    const smooth = call(m, resize, 'aten::_upsample_bicubic2d_aa.vec', image, [2n, 3n], false, null)
    expect(difference(read(m, smooth), [2.5370386, 3.8471074, 5.157176, 9.842823, 11.152892, 12.462962])).toBeLessThan(1e-6)
  })

  it('agrees with itself in float64, in both layouts', () => {
    const random = new Random(1)
    for (let i = 0; i < 60; i++) {
      const x = random.tensor(m, [random.int(1, 2), random.pick([1, 2, 4, 5]), random.int(1, 9), random.int(1, 9)])
      const sizes = [BigInt(random.int(1, 16)), BigInt(random.int(1, 16))]
      for (const name of ['upsample_bilinear2d', 'upsample_bicubic2d', '_upsample_bilinear2d_aa']) {
        const aligned = random.next() < 0.5
        const expected = read(m, call(m, resize, `aten::${name}.vec`, converted(m, x, 'float64'), sizes, aligned, null))
        expect(difference(read(m, call(m, resize, `aten::${name}.vec`, m.copy(x), sizes, aligned, null)), expected), name).toBeLessThan(1e-5)
        expect(difference(read(m, call(m, resize, `aten::${name}.vec`, channelsLast(m, x), sizes, aligned, null)), expected), name).toBeLessThan(1e-5)
      }
    }
  })

  it('copies what keeps its size, and refuses sizes and factors together', () => {
    const x = m.tensor('float32', [1, 2, 3], ramp(6))
    const same = call(m, resize, 'aten::upsample_linear1d.vec', x, [3n], false, null)
    expect(same.storage).not.toBe(x.storage)
    expect([...read(m, same)]).toEqual([...ramp(6)])
    expect(() => call(m, resize, 'aten::upsample_linear1d.vec', x, [3n], false, [1])).toThrow('exactly one')
  })

  it('samples the identity grid to the image itself', () => {
    const x = new Random(2).tensor(m, [2, 3, 4, 5])
    const theta = m.tensor('float32', [2, 2, 3], [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0])
    for (const aligned of [true, false]) {
      const places = call(m, grid, 'aten::affine_grid_generator', theta, [2n, 3n, 4n, 5n], aligned)
      expect(places.sizes).toEqual([2, 4, 5, 2])
      for (const mode of [0n, 1n, 2n]) expect(difference(read(m, call(m, grid, 'aten::grid_sampler', x, places, mode, 1n, aligned)), read(m, x))).toBeLessThan(1e-6)
    }
  })
})
