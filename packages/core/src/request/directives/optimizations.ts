import { BLOCKABLE } from '../../compiler/backends/cpu.ts'
import { type Directive, wordSet } from '../directive.ts'

/** Optimizations to leave out. */
export const block: Directive<'block'> = wordSet({
  name: 'block',
  words: BLOCKABLE.toSorted(),
  fallback: [],
  stage: 'compilation',
})
