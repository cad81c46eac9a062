import { describe, expect, it } from 'vitest'
import { parseDirectives } from '../request/index.ts'
import { difference } from './compare.ts'
import { largerBatch, type Plain, type PlainTensor, tensorsOf, untriedDtype, valuesOf } from './examples.ts'

const specs = (input: string): ReturnType<typeof parseDirectives>['input'] => parseDirectives([['input', input]]).input
const tensor = (value: Plain | undefined): PlainTensor => (value as { tensor: PlainTensor }).tensor
const shapes = (input: string): unknown => largerBatch(specs(input)) && tensorsOf(largerBatch(specs(input))!).map(({ shape }) => shape.join('x'))

describe('example values', () => {
  it('are the same for a seed, and others for another', () => {
    const values = (seed: number): readonly number[] => [...tensor(valuesOf({ specs: specs('3x4'), seed })[0]).elements as Float32Array]
    expect(values(0)).toEqual(values(0))
    expect(values(0)).not.toEqual(values(2))
    expect(values(0).slice(0, 2)).toEqual([Math.fround(values(0)[0]!), values(0)[1]])
  })

  it.each([
    ['1000', 0, 0, 1], ['1000', 1, -2, 2], ['float32[1000]<5', 0, 0, 5], ['float32[1000]<5', 1, 0, 5], ['int64[1000]<7', 0, 0, 6], ['int32[1000]', 1, 0, 1],
    ['uint8[3000]', 0, 0, 255], ['bool[1000]', 0, 0, 1], ['half[1000]', 0, 0, 1], ['double[1000]', 1, -2, 2],
  ])('%s of seed %i are from %i to %i, all over', (input, seed, low, high) => {
    const { dtype, elements } = tensor(valuesOf({ specs: specs(input), seed })[0])
    const numbers = [...elements as Float32Array].map(Number)
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
    const slack = dtype.startsWith('float') ? (high - low) * 0.02 : 0
    expect(least).toBeGreaterThanOrEqual(low)
    expect(most).toBeLessThanOrEqual(high)
    expect(least).toBeLessThanOrEqual(low + slack)
    expect(most).toBeGreaterThanOrEqual(high - slack)
    if (!dtype.startsWith('float')) expect(numbers.every(Number.isInteger)).toBe(true)
  })

  it('are what TorchScript takes', () => {
    expect(valuesOf({ specs: specs('int:3;float:0.5;bool:true;(1,int:2);[2x1]'), seed: 0 })).toMatchObject([
      3n, 0.5, true, { tuple: [{ tensor: { sizes: [1] } }, 2n] }, { list: [{ tensor: { sizes: [2, 1], dtype: 'float32' } }] },
    ])
  })

  it('have one more in the batch, where all agree on it', () => {
    expect(shapes('2x3;(2x5,int:4)')).toEqual(['3x3', '3x5'])
    expect(shapes('2x3;4x3')).toBeUndefined()
    expect(shapes('int:4')).toBeUndefined()
    expect(shapes('float32[];2')).toBeUndefined()
  })

  it('are not of every type', () => {
    expect(untriedDtype(specs('2x3;(bfloat16[2],half[3])'))).toBe('bfloat16')
    expect(untriedDtype(specs('2x3;half[3]'))).toBeUndefined()
  })
})

describe('the difference of two results', () => {
  const floats = (...elements: number[]): Plain => ({ tensor: { dtype: 'float32', sizes: [elements.length], elements: Float32Array.from(elements) } })
  const ints = (...elements: number[]): Plain => ({ tensor: { dtype: 'int64', sizes: [elements.length], elements: BigInt64Array.from(elements, BigInt) } })

  it.each<[string, Plain, Plain, number]>([
    ['equal tensors', floats(1, 2), floats(1, 2), 0],
    ['relative to the largest number', floats(1, 100.5), floats(0.5, 100), 0.005],
    ['NaN in the same place', floats(NaN, 2), floats(NaN, 2), 0],
    ['NaN in place of a number', floats(NaN, 2), floats(2, 2), Infinity],
    ['a bound in place of NaN and infinity, and a number', floats(0, 6, 3), floats(NaN, Infinity, 2), 0.5],
    ['an infinity beside a number', floats(Infinity), floats(3), Infinity],
    ['anything beside nothing but zeros', floats(1e-9), floats(0), Infinity],
    ['equal whole numbers', ints(1, 2), ints(1, 2), 0],
    ['other whole numbers', ints(1, 2), ints(1, 3), Infinity],
    ['other types of element', ints(1), floats(1), Infinity],
    ['the worst of a tuple', { tuple: [floats(1), 2] }, { tuple: [floats(1), 2.5] }, 0.2],
    ['lists of other lengths', { list: [1n] }, { list: [1n, 2n] }, Infinity],
    ['dicts', { dict: [['a', floats(4)]] }, { dict: [['a', floats(2)]] }, 1],
    ['None and a tensor', null, floats(1), Infinity],
    ['a list and a tuple', { list: [] }, { tuple: [] }, Infinity],
    ['texts', 'a', 'a', 0],
  ])('%s', (_, actual, expected, error) => {
    expect(difference(actual, expected)).toBeCloseTo(error, 7)
  })
})
