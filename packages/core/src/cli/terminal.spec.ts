import { expect, it } from 'vitest'
import { count, plain, size } from './terminal.ts'

it('prints no text that a terminal would obey', () => {
  expect(plain('a\u001b[31m\u0007\u009b\r\nb\tc \u202e\u2066é')).toBe('a\\u001b[31m\\u0007\\u009b\\u000d\nb\tc \\u202e\\u2066é')
})

it.each([
  [0, '0 bytes'], [999, '999 bytes'], [1000, '1.00 kB'], [13554, '13.6 kB'], [999_499, '999 kB'], [999_500, '1.00 MB'], [531e6, '531 MB'],
  [2.5e9, '2.50 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(size(bytes)).toBe(text)
})

it('counts', () => {
  expect([count(1, 'place'), count(2, 'place'), count(0, 'place')]).toEqual(['1 place', '2 places', '0 places'])
})
