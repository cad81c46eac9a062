import { choice, type Directive } from '../directive.ts'

/** What the import evaluates to: a handle with facts and URL, the URL alone, or the facts alone. */
export const as: Directive<'as'> = choice({
  name: 'as',
  words: ['handle', 'url', 'facts'],
  fallback: 'handle',
  stage: 'import',
})
