import { expect, it } from 'vitest'
import { fromHalf, toHalf } from './half.ts'

it('every half float survives being a number', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromHalf(bits)
    if (!Number.isNaN(value)) expect(toHalf(value)).toBe(bits)
  }
})

it.each([
  // Halfway between two halves: to the even one.
  [1 + 2 ** -11, 0x3c00], [1 + 3 * 2 ** -11, 0x3c02], [2 ** -25, 0], [3 * 2 ** -25, 2], [-(2 ** -24), 0x8001],
  [65519, 0x7bff], [65520, 0x7c00], [-1e10, 0xfc00], [0.1, 0x2e66], [NaN, 0x7e00],
])('%d becomes the nearest one', (value, bits) => {
  expect(toHalf(value)).toBe(bits)
})
