import { BLOCKABLE } from '../../compiler/blockable.ts'
import { badValue, type Directive, wordSet, written } from '../directive.ts'

/** Optimizations to leave out. */
export const block: Directive<'block'> = wordSet({
  name: 'block',
  words: BLOCKABLE.toSorted(),
  fallback: [],
  stage: 'compilation',
})

/** How much optimizing may change the outputs, relative to the largest. The sum of a row may be taken in another order, so 0 is never met. */
export const tolerance: Directive<'tolerance'> = written({
  name: 'tolerance',
  stage: 'compilation',
  example: '1e-4',
  fallback: 1e-4,
  read(value) {
    const number = Number(value)
    if (number > 0 && number < 1) return number
    throw badValue('tolerance', value, 'it is no number between 0 and 1', '1e-4')
  },
  print: String,
})
