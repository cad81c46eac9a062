import { describe, expect, it } from 'vitest'
import { type Dtype, Tensor } from '../tensor.ts'
import { canCast, promoteTypes, resultType } from './promotion.ts'

const storage = { pointer: 64, byteLength: 64, channelsLast: undefined, version: 0, cache: undefined, original: undefined, born: 0 }
const of = (dtype: Dtype, ...sizes: number[]): Tensor => new Tensor(storage, dtype, sizes, sizes.map(() => 1), 0)

describe('promoteTypes', () => {
  it.each<[Dtype, Dtype, Dtype]>([
    ['uint8', 'int8', 'int16'], ['uint8', 'int16', 'int16'], ['int8', 'int64', 'int64'], ['bool', 'uint8', 'uint8'], ['int64', 'float16', 'float16'],
    ['float16', 'float32', 'float32'], ['float32', 'float64', 'float64'], ['bool', 'bool', 'bool'],
  ])('of %s and %s is %s, either way', (a, b, common) => {
    expect(promoteTypes(a, b)).toBe(common)
    expect(promoteTypes(b, a)).toBe(common)
  })
})

describe('resultType', () => {
  it('lets numbers and tensors without dimensions change the kind only', () => {
    expect(resultType([of('float16', 2), of('float64')])).toBe('float16')
    expect(resultType([of('int8', 2), of('int64'), 3n])).toBe('int8')
    expect(resultType([of('int8', 2), of('float64')])).toBe('float64')
    expect(resultType([of('int8', 2), 1.5])).toBe('float32')
    expect(resultType([of('int32'), 2n])).toBe('int32')
    expect(resultType([of('bool', 2), 2n])).toBe('int64')
    expect(resultType([of('float64'), 1.5])).toBe('float64')
  })

  it('takes bools among numbers for ints', () => {
    expect(resultType([of('bool', 3), true])).toBe('int64')
  })
})

it('writes no floats to ints and no ints to bools', () => {
  expect([canCast('float32', 'int64'), canCast('int64', 'bool'), canCast('bool', 'int8'), canCast('float64', 'float16'), canCast('int64', 'float16')])
    .toEqual([false, false, true, true, true])
})
