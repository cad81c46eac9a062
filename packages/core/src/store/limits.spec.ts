import { expect, it } from 'vitest'
import { LIMITS, parseAge, parseSize, storeLimits } from './limits.ts'

it.each([
  ['90s', 90_000], ['15m', 900_000], ['12h', 43_200_000], ['1.5d', 129_600_000], [' 2 w ', 1_209_600_000],
])('%s is an age', (text, ms) => {
  expect(parseAge(text, 'maxAge')).toBe(ms)
})

it.each([['0B', 0], ['500kB', 500e3], ['20 MB', 20e6], ['1.5gb', 1.5e9], ['1TB', 1e12]])('%s is a size', (text, bytes) => {
  expect(parseSize(text, 'maxSize')).toBe(bytes)
})

it.each(['', '5', 'soon', '-1d', '5 constructor', '1e3d', 'd'])('"%s" is neither', (text) => {
  for (const parse of [parseAge, parseSize]) expect(() => parse(text, 'PETAL_X')).toThrow(`"${text}" is not a value of PETAL_X`)
})

it('options come before the environment, which comes before what is usual', () => {
  expect(storeLimits({}, {})).toEqual(LIMITS)
  expect(storeLimits({}, { PETAL_CACHE_MAX_AGE: '1d', PETAL_CACHE_MAX_SIZE: '1GB' })).toEqual({ maxAge: 86_400_000, maxSize: 1e9 })
  expect(storeLimits({ maxAge: '1h' }, { PETAL_CACHE_MAX_AGE: '1d' }).maxAge).toBe(3_600_000)
  expect(() => storeLimits({}, { PETAL_CACHE_MAX_SIZE: 'much' })).toThrow('PETAL_CACHE_MAX_SIZE')
})
