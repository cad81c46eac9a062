import { choice, type Directive } from '../directive.ts'

const shapes: Directive<'as'> = choice({
  name: 'as',
  words: ['handle', 'url', 'facts'],
  fallback: 'handle',
  stage: 'import',
})

/** How a handle asks for what it runs the model with; not for users, so that no message names it. */
const RUNTIME = 'runtime'

/** What the import evaluates to: a handle with facts and URL, the URL alone, or the facts alone. */
export const as: Directive<'as'> = { ...shapes, parse: (value) => (value === RUNTIME ? RUNTIME : shapes.parse(value)) }

/** Where the model has to run: `web` makes an operator that the runtime for the web lacks an error. */
export const requires: Directive<'requires'> = choice({
  name: 'requires',
  words: ['web'],
  fallback: '',
  stage: 'import',
})
