import { describe, expect, it } from 'vitest'
import { TensorValue } from './tensor-value.ts'

const row = new TensorValue(Float32Array.from([1, 5, -2, 5]), [1, 4], 'float32')

describe('TensorValue', () => {
  it('gives the largest elements with their names', () => {
    expect(row.topk(3)).toEqual([{ index: 1, value: 5 }, { index: 3, value: 5 }, { index: 0, value: 1 }])
    expect(row.topk(1, ['a', 'b', 'c', 'd'])).toEqual([{ index: 1, value: 5, label: 'b' }])
    expect(row.topk()).toHaveLength(4)
    expect(new TensorValue(BigInt64Array.from([3n, 9n]), [2], 'int64').topk(1)).toEqual([{ index: 1, value: 9 }])
    expect(() => new TensorValue(new Float32Array(4), [2, 2], 'float32').topk(1)).toThrow('take a row with at(index) first')
    expect(() => row.topk(1, ['a'])).toThrow('There are 1 labels for 4 elements.')
  })

  it('counts NaN as the largest, as PyTorch does', () => {
    const odd = new TensorValue(Float32Array.from([1, NaN, Infinity]), [3], 'float32')
    expect(odd.argmax()).toBe(1)
    expect(odd.topk(2).map(({ index }) => index)).toEqual([1, 2])
  })

  it('makes probabilities of each row, also of large scores', () => {
    const { data, dims } = new TensorValue(Float32Array.from([1000, 1000, -1000, 0, 0, Math.log(2)]), [2, 3], 'float32').softmax()
    expect(dims).toEqual([2, 3])
    expect([...data]).toEqual([0.5, 0.5, 0, 0.25, 0.25, 0.5].map((value) => expect.closeTo(value, 6)))
  })

  it('is taken apart', () => {
    const cube = new TensorValue(BigInt64Array.from([0n, 1n, 2n, 3n]), [2, 1, 2], 'int64')
    expect(cube.toArray()).toEqual([[[0n, 1n]], [[2n, 3n]]])
    expect(cube.at(-1)).toEqual(new TensorValue(BigInt64Array.from([2n, 3n]), [1, 2], 'int64'))
    expect(cube.at(0).at(0).at(1).item()).toBe(1n)
    expect(new TensorValue(Uint8Array.of(1), [], 'bool').item()).toBe(true)
    expect(new TensorValue(Uint8Array.of(1), [], 'bool').toArray()).toBe(true)
    expect(() => cube.at(2)).toThrow('There is no index 2 in the dims [2, 1, 2].')
    expect(() => cube.item()).toThrow('item() needs a tensor of one element')
    expect(cube.argmax()).toBe(3)
    expect(new TensorValue(new Float32Array(0), [0], 'float32').argmax()).toBe(-1)
  })
})
