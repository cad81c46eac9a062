import { choice, type Directive } from '../directive.ts'

export const backend: Directive<'backend'> = choice({
  name: 'backend',
  about: 'the engine the model is compiled for',
  words: ['cpu'],
  fallback: 'cpu',
  changesBytes: true,
})

export const format: Directive<'format'> = choice({
  name: 'format',
  about: 'the file that comes out',
  words: ['ptl'],
  fallback: 'ptl',
  changesBytes: true,
})
