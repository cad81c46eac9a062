import { choice, type Directive } from '../directive.ts'

/** The engine the model is compiled for. */
export const backend: Directive<'backend'> = choice({
  name: 'backend',
  words: ['cpu'],
  fallback: 'cpu',
  stage: 'compilation',
})

/** The file that comes out. */
export const format: Directive<'format'> = choice({
  name: 'format',
  words: ['ptl'],
  fallback: 'ptl',
  stage: 'compilation',
})
