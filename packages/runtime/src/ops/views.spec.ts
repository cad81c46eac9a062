import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { call, createMachine, read } from './dense/testing.ts'
import join from './join.ts'
import shape from './shape.ts'

let m: Machine
beforeEach(async () => { m = await createMachine() })

const range = (...sizes: number[]): Tensor => m.tensor('float32', sizes, Float32Array.from({ length: numelOf(sizes) }, (_, i) => i))
const elements = (tensor: Tensor): number[] => [...read(m, tensor)]

/** The same numbers, channels-last in memory. */
function channelsLast(...sizes: number[]): Tensor {
  const tensor = m.toChannelsLast(range(...sizes))
  expect(m.isChannelsLast(tensor)).toBe(true)
  return tensor
}

describe('views', () => {
  it('share the storage of a tensor, and are seen through by writes', () => {
    const tensor = range(2, 3)
    const column = call(m, shape, 'aten::select.int', tensor, 1n, -1n)
    expect(column.storage).toBe(tensor.storage)
    m.assign(column, m.tensor('float32', [2], [10, 20]))
    expect(elements(tensor)).toEqual([0, 1, 10, 3, 4, 20])
  })

  it('are refused where strides do not allow them, and then copied by reshape', () => {
    const turned = call(m, shape, 'aten::t', range(2, 3))
    expect(() => call(m, shape, 'aten::view', turned, [6n])).toThrow(/view size \[6\] is not compatible/)
    const flat = call(m, shape, 'aten::reshape', turned, [-1n])
    expect(flat.storage).not.toBe(turned.storage)
    expect(elements(flat)).toEqual([0, 3, 1, 4, 2, 5])
  })

  it('of channels-last memory see the elements in the order of their strides', () => {
    const tensor = channelsLast(1, 3, 2, 2)
    expect(elements(call(m, shape, 'aten::select.int', tensor, 1n, 1n))).toEqual([4, 5, 6, 7])
    expect(m.isChannelsLast(tensor)).toBe(false)
  })

  it('never leave the storage', () => {
    expect(() => call(m, shape, 'aten::as_strided', range(4), [3n], [2n])).toThrow(/out of bounds/)
    expect(() => call(m, shape, 'aten::narrow', range(4), 0n, 2n, 3n)).toThrow(/exceeds dimension size/)
  })

  it('give in-place operators the same object', () => {
    const tensor = range(2, 1, 3)
    expect(call(m, shape, 'aten::squeeze_', tensor)).toBe(tensor)
    expect(tensor.sizes).toEqual([2, 3])
  })
})

describe('joining', () => {
  it('keeps channels-last memory along channels', () => {
    const result = call(m, join, 'aten::cat', [channelsLast(1, 2, 2, 2), channelsLast(1, 3, 2, 2)], 1n)
    expect(m.isChannelsLast(result)).toBe(true)
    expect(result.sizes).toEqual([1, 5, 2, 2])
    expect(elements(result)).toEqual([...Array.from({ length: 8 }, (_, i) => i), ...Array.from({ length: 12 }, (_, i) => i)])
  })

  it('keeps channels-last memory where a picture is padded with zeros', () => {
    const result = call(m, join, 'aten::constant_pad_nd', channelsLast(1, 2, 2, 2), [1n, 0n, 0n, 0n])
    expect(m.isChannelsLast(result)).toBe(true)
    expect(elements(result)).toEqual([0, 0, 1, 0, 2, 3, 0, 4, 5, 0, 6, 7])
  })

  it('promotes types as PyTorch does', () => {
    const result = call(m, join, 'aten::cat', [m.tensor('int64', [1], [3n]), m.tensor('float32', [1], [0.5])])
    expect([result.dtype, elements(result)]).toEqual(['float32', [3, 0.5]])
  })

  it('copies transposed matrices of any size', () => {
    for (const [rows, columns] of [[1, 7], [5, 3], [8, 8], [9, 6]] as const) {
      const tensor = range(2, rows, columns)
      const turned = call(m, shape, 'aten::transpose.int', tensor, 1n, 2n)
      const expected = Array.from({ length: 2 * rows * columns }, (_, i) => {
        const [batch, column, row] = [Math.floor(i / rows / columns), Math.floor(i / rows) % columns, i % rows]
        return (batch * rows + row) * columns + column
      })
      expect(elements(turned)).toEqual(expected)
    }
  })

  it('mirrors, repeats and wraps edges', () => {
    const pad = (mode: string): number[] => elements(call(m, join, 'aten::pad', range(1, 1, 3), [2n, 1n], mode))
    expect(pad('reflect')).toEqual([2, 1, 0, 1, 2, 1])
    expect(pad('replicate')).toEqual([0, 0, 0, 1, 2, 2])
    expect(pad('circular')).toEqual([1, 2, 0, 1, 2, 0])
  })
})
