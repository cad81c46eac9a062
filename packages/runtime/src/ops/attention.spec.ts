import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import type { Tensor } from '../tensor.ts'
import attention from './attention.ts'
import { difference, Random, read } from './dense/testing.ts'
import distance from './distance.ts'
import einsum from './einsum.ts'
import nested from './nested.ts'
import { call, callAll, converted, createMachine } from './nn/testing.ts'
import unfold from './unfold.ts'

let m: Machine
let random: Random
beforeEach(async () => {
  m = await createMachine()
  random = new Random(1)
})

const attend = (...args: Parameters<typeof call> extends [Machine, unknown, string, ...infer Rest] ? Rest : never): Tensor =>
  call(m, attention, 'aten::scaled_dot_product_attention', ...args)

describe('attention', () => {
  it('agrees with float64, with masks and without', () => {
    const [q, k, v] = [random.tensor(m, [2, 3, 5, 8]), random.tensor(m, [2, 3, 7, 8]), random.tensor(m, [2, 3, 7, 4])]
    const double = (tensor: Tensor): Tensor => converted(m, tensor, 'float64')
    for (const mask of [null, random.tensor(m, [5, 7]), random.tensor(m, [2, 1, 1, 7])]) {
      const expected = attend(double(q), double(k), double(v), mask && double(mask))
      expect(difference(read(m, attend(q, k, v, mask)), read(m, expected))).toBeLessThan(1e-6)
    }
  })

  it('sees up to its own place when it is causal', () => {
    const x = random.tensor(m, [1, 4, 6])
    const triangle = m.tensor('bool', [4, 4], Array.from({ length: 16 }, (_, i) => Number(i % 4 <= i >> 2)))
    expect(read(m, attend(x, x, x, null, 0, true))).toEqual(read(m, attend(x, x, x, triangle)))
    expect(read(m, attend(x, x, x, null, 0, true)).slice(0, 6)).toEqual(read(m, x).slice(0, 6))
  })

  it('shares heads of keys among heads of queries', () => {
    const [q, k] = [random.tensor(m, [1, 4, 3, 2]), random.tensor(m, [1, 2, 3, 2])]
    const repeated = m.contiguous(k.view([1, 2, 2, 3, 2], [12, 6, 0, 2, 1])).view([1, 4, 3, 2], [24, 6, 2, 1])
    expect(read(m, attend(q, k, k, null, 0, false, null, true))).toEqual(read(m, attend(q, repeated, repeated)))
  })

  it('runs an encoder layer on nested sequences as on padded ones with a mask', () => {
    const [width, inner] = [6, 5]
    const weights = (...shapes: number[][]): Tensor[] => shapes.map((sizes) => random.tensor(m, sizes))
    const x = random.tensor(m, [2, 4, width])
    const projections = weights([3 * width, width], [3 * width], [width, width], [width])
    const rest = weights([width], [width], [width], [width], [inner, width], [inner], [width, inner], [width])
    const run = (source: Tensor, mask: Tensor | null): Tensor =>
      call(m, attention, 'aten::_transformer_encoder_layer_fwd', source, BigInt(width), 2n, ...projections, true, false, 1e-5, ...rest, mask, mask && 1n)
    const there = m.tensor('bool', [2, 4], [1, 1, 1, 1, 1, 1, 0, 0])
    const packed = call(m, nested, 'aten::_nested_tensor_from_mask', x, there)
    const padded = call(m, nested, 'aten::to_padded_tensor', run(packed, null), 0)
    const expected = read(m, run(x, m.tensor('bool', [2, 4], [0, 0, 0, 0, 0, 0, 1, 1])))
    expected.fill(0, 6 * width)
    expect(difference(read(m, padded), expected)).toBeLessThan(1e-6)
    expect(callAll(m, nested, 'prim::is_nested', packed)).toEqual([true])
  })
})

describe('contractions', () => {
  it('multiplies and sums as the equation says', () => {
    const run = (equation: string, ...tensors: Tensor[]): number[] => [...read(m, call(m, einsum, 'aten::einsum', equation, tensors))]
    const [a, b] = [m.tensor('float32', [2, 2], [1, 2, 3, 4]), m.tensor('float32', [2, 2], [5, 6, 7, 8])]
    expect(run('ij,jk->ik', a, b)).toEqual([19, 22, 43, 50])
    expect(run('ij,jk', a, b)).toEqual([19, 22, 43, 50])
    expect(run('...j,kj->...k', a, b)).toEqual([17, 23, 39, 53])
    expect([run('ii', a), run('ij->j', a), run('ij->', a), run('ba', a)]).toEqual([[5], [4, 6], [10], [1, 3, 2, 4]])
    expect(run('ij,ij,ij->i', a, b, a)).toEqual([5 + 24, 63 + 128])
    expect(() => run('ij->k', a)).toThrow('output subscript k')
    expect(() => run('i,j', a)).toThrow('1 operands')
  })

  it('unfolds blocks and adds them up again', () => {
    const x = m.tensor('float32', [1, 1, 2, 3], [1, 2, 3, 4, 5, 6])
    const columns = call(m, unfold, 'aten::im2col', x, [2n, 2n], [1n, 1n], [0n, 0n], [1n, 1n])
    expect([columns.sizes, [...read(m, columns)]]).toEqual([[1, 4, 2], [1, 2, 2, 3, 4, 5, 5, 6]])
    expect([...read(m, call(m, unfold, 'aten::col2im', columns, [2n, 3n], [2n, 2n], [1n, 1n], [0n, 0n], [1n, 1n]))]).toEqual([1, 4, 3, 4, 10, 6])
  })

  it('measures distances', () => {
    const [a, b] = [m.tensor('float32', [1, 2], [0, 0]), m.tensor('float32', [2, 2], [3, 4, -6, 8])]
    expect([...read(m, call(m, distance, 'aten::cdist', a, b))]).toEqual([5, 10])
    expect([...read(m, call(m, distance, 'aten::cdist', a, b, Infinity))]).toEqual([4, 8])
    expect([...read(m, call(m, distance, 'aten::cross', m.tensor('float32', [3], [1, 0, 0]), m.tensor('float32', [3], [0, 1, 0])))]).toEqual([0, 0, 1])
  })
})
