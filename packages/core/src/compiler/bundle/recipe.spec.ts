import { describe, expect, it } from 'vitest'
import { readElement } from '../ir/literal.ts'
import { recipeOf } from './recipe.ts'

describe('a small tensor', () => {
  it('is stored as it is, with numbers below its bound', () => {
    const { stored, expression } = recipeOf({ kind: 'tensor', dtype: 'int64', shape: [4, 4], below: 10 }, 0)
    expect(expression).toBeUndefined()
    const elements = Array.from({ length: 16 }, (_, i) => Number(readElement(stored, i)))
    expect(elements.every((element) => element >= 0 && element < 10)).toBe(true)
    expect(new Set(elements).size).toBeGreaterThan(4)
  })

  it('may be empty or a number', () => {
    expect(recipeOf({ kind: 'tensor', dtype: 'float32', shape: [] }, 0).stored.sizes).toEqual([])
    expect(recipeOf({ kind: 'tensor', dtype: 'float32', shape: [0, 3] }, 0)).toMatchObject({ stored: { sizes: [0, 3] } })
  })

  it('differs from the next one', () => {
    const [a, b] = [0, 1].map((index) => readElement(recipeOf({ kind: 'tensor', dtype: 'float32', shape: [1] }, index).stored))
    expect(a).not.toBe(b)
  })
})

describe('a large tensor', () => {
  it('is a recipe with a stand-in that takes the room of a number', () => {
    const { stored, expression } = recipeOf({ kind: 'tensor', dtype: 'float32', shape: [1, 3, 224, 224] }, 0)
    expect(stored).toMatchObject({ sizes: [1, 3, 224, 224], strides: [0, 0, 0, 0], storage: { byteLength: 4 } })
    expect(expression).toBe('torch.reshape(torch.to(torch.mul(torch.mul(torch.to(torch.remainder(torch.add(torch.mul(torch.remainder('
      + 'torch.mul(torch.arange(1, 150529), torch.arange(1, 150529)), 16777213), 7368787), torch.mul(torch.arange(1, 150529), 10368889)), 16777213), 6), '
      + '5.960464477539063e-8), 1.), 6), [1, 3, 224, 224])')
  })
})
