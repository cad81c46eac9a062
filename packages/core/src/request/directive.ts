import { PetalError } from '../errors.ts'
import type { ModelRequest } from './model-request.ts'
import { nearest } from './nearest.ts'

/** How one field of a {@link ModelRequest} is written. Adding a directive is adding one of these to the table. */
export interface Directive<Field extends keyof ModelRequest = keyof ModelRequest> {
  /** The name users write; also the field it sets. */
  readonly name: Field
  /** Words a user may write as the value; all of them, where the value is a word. */
  readonly words: readonly string[]
  /** What holds when the directive is absent. */
  readonly fallback: ModelRequest[Field]
  /** False when it only changes what the import evaluates to: then it is no part of the compile key. */
  readonly changesBytes: boolean
  /** The value of what was written; throws a PetalError. */
  parse(value: string | undefined): ModelRequest[Field]
  /** The canonical spelling of a value. */
  print(value: ModelRequest[Field]): string
}

type DirectiveInit<Field extends keyof ModelRequest> = Pick<Directive<Field>, 'name' | 'words' | 'fallback' | 'changesBytes'>

/** A directive whose value is one word of a few. */
export function choice<Field extends 'backend' | 'format' | 'as'>(init: DirectiveInit<Field>): Directive<Field> {
  return {
    ...init,
    parse: (value) => validWord(init.name, requiredValue(init, value), init.words) as ModelRequest[Field],
    print: (value) => value,
  }
}

/** A directive whose value is a set of words, separated by commas; order and repetition mean nothing. */
export function wordSet<Field extends 'block'>(init: DirectiveInit<Field>): Directive<Field> {
  return {
    ...init,
    parse: (value) => sortedSet(requiredValue(init, value).split(',').map((word) => validWord(init.name, word, init.words))),
    print: (value) => sortedSet(value).join(','),
  }
}

const sortedSet = (words: readonly string[]): string[] => [...new Set(words)].toSorted()

function requiredValue(directive: { name: string; words: readonly string[] }, value: string | undefined): string {
  if (value !== undefined && value !== '') return value
  throw new PetalError({
    code: 'EMPTY_DIRECTIVE',
    message: `The directive "${directive.name}" has no value.`,
    fix: `Write "${directive.name}=${directive.words[0]}", or leave the directive out.`,
  })
}

/** The valid word that `written` is in any case; throws the error that names the nearest valid one. */
function validWord(name: string, written: string, words: readonly string[]): string {
  const word = written.toLowerCase()
  if (words.includes(word)) return word
  const meant = nearest(word, words)
  throw new PetalError({
    code: 'UNKNOWN_VALUE',
    message: written === ''
      ? `The directive "${name}" has an empty item in its list.`
      : `"${written}" is not a value of the directive "${name}".`,
    fix: meant === undefined ? `Valid: ${words.join(', ')}.` : `Did you mean "${meant}"? Valid: ${words.join(', ')}.`,
  })
}
