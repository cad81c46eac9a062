import { choice, type Directive } from '../directive.ts'

export const as: Directive<'as'> = choice({
  name: 'as',
  about: 'what the import evaluates to: a handle with facts and URL, the URL alone, or the facts alone',
  words: ['handle', 'url', 'facts'],
  fallback: 'handle',
  changesBytes: false,
})
