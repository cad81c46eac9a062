import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { Results } from '../values.ts'
import { call, createMachine, read } from './dense/testing.ts'
import detection from './detection.ts'
import index from './index.ts'
import sort from './sort.ts'

let m: Machine
beforeEach(async () => { m = await createMachine() })

const range = (...sizes: number[]): Tensor => m.tensor('float32', sizes, Float32Array.from({ length: numelOf(sizes) }, (_, i) => i))
const longs = (...values: number[]): Tensor => m.tensor('int64', [values.length], values.map(BigInt))
const elements = (tensor: Tensor): number[] => [...read(m, tensor)]

describe('indexing', () => {
  it('puts the dimensions of indices where the first was, or first of all when they are apart', () => {
    const tensor = range(2, 3, 4)
    expect(call(m, index, 'aten::index.Tensor', tensor, [null, longs(0, 2), longs(1, -1)]).sizes).toEqual([2, 2])
    const apart = call(m, index, 'aten::index.Tensor', tensor, [longs(0, 1), null, longs(3, 3)])
    expect([apart.sizes, elements(apart)]).toEqual([[2, 3], [3, 7, 11, 15, 19, 23]])
  })

  it('takes masks of several dimensions', () => {
    const mask = m.tensor('bool', [2, 2], [1, 0, 0, 1])
    expect(elements(call(m, index, 'aten::index.Tensor', range(2, 2, 2), [mask]))).toEqual([0, 1, 6, 7])
    expect(() => call(m, index, 'aten::index.Tensor', range(3, 2), [mask])).toThrow(/mask \[2, 2\] does not match/)
  })

  it('refuses what is out of bounds', () => {
    expect(() => call(m, index, 'aten::index.Tensor', range(3), [longs(3)])).toThrow('index 3 is out of bounds for dimension 0 with size 3')
    expect(() => call(m, index, 'aten::embedding', range(3, 2), longs(-1))).toThrow(/-1/)
    expect(() => call(m, index, 'aten::gather', range(3), 0n, m.tensor('int64', [1], [2n ** 40n]))).toThrow(/out of bounds/)
  })

  it('writes through views, and adds up what meets', () => {
    const tensor = range(2, 3)
    const column = tensor.view([2], [3], 1)
    call(m, index, 'aten::index_put_', column, [longs(1, 1)], m.tensor('float32', [2], [10, 20]), true)
    expect(elements(tensor)).toEqual([0, 1, 2, 3, 34, 5])
  })

  it('reduces into what was there, or instead of it', () => {
    const reduce = (kind: string, include: boolean): number[] =>
      elements(call(m, index, 'aten::scatter_reduce.two', m.tensor('float32', [2], [10, 1]), 0n, longs(0, 0), range(2), kind, include))
    expect(reduce('mean', true)).toEqual([11 / 3, 1].map(Math.fround))
    expect(reduce('amax', false)).toEqual([1, 1])
  })
})

describe('sorting', () => {
  it('is stable and takes NaN for the greatest', () => {
    const tensor = m.tensor('float32', [6], [2, NaN, -0, 0, -1, 2])
    const [values, places] = (call(m, sort, 'aten::sort.stable', tensor, true, 0n, false) as unknown as Results).values as [Tensor, Tensor]
    expect(elements(values)).toEqual([-1, -0, 0, 2, 2, NaN])
    expect(elements(places)).toEqual([4, 2, 3, 0, 5, 1])
    const [top] = (call(m, sort, 'aten::topk', tensor, 2n) as unknown as Results).values as [Tensor]
    expect(elements(top)).toEqual([NaN, 2])
  })

  it('orders int64 beyond the precision of floats', () => {
    const tensor = m.tensor('int64', [3], [2n ** 60n + 1n, 2n ** 60n, -(2n ** 62n)])
    const [, places] = (call(m, sort, 'aten::sort', tensor) as unknown as Results).values as [Tensor, Tensor]
    expect(elements(places)).toEqual([2, 1, 0])
  })
})

describe('detection', () => {
  it('keeps boxes that overlap no better one', () => {
    const boxes = m.tensor('float32', [3, 4], [0, 0, 10, 10, 1, 1, 11, 11, 20, 20, 30, 30])
    const kept = call(m, detection, 'torchvision::nms', boxes, m.tensor('float32', [3], [0.5, 0.9, 0.1]), 0.5)
    expect(elements(kept)).toEqual([1, 2])
  })
})
