import { PetalError } from '../errors.ts'
import type { ModelRequest } from './model-request.ts'
import { nearest } from './nearest.ts'

/**
 * What a directive has a say in: how Python is converted, on which examples that and the compiled model are checked, how TorchScript is
 * compiled, or only what the import evaluates to.
 */
export type Stage = 'conversion' | 'examples' | 'compilation' | 'import'

/** How one field of a {@link ModelRequest} is written. Adding a directive is adding one of these to the table. */
export interface Directive<Field extends keyof ModelRequest = keyof ModelRequest> {
  /** The name users write; also the field it sets. */
  readonly name: Field
  /** Words a user may write as the value; all of them, where the value is a word. Else empty. */
  readonly words: readonly string[]
  /** A value as errors show it. */
  readonly example: string
  /** What holds when the directive is absent. */
  readonly fallback: ModelRequest[Field]
  /** Decides which cache key it is part of; `import` of none. */
  readonly stage: Stage
  /** Characters of a value in a query, where it may have others than words have. */
  readonly characters?: RegExp
  /** The value of what was written; throws a PetalError. */
  parse(value: string | undefined): ModelRequest[Field]
  /** The canonical spelling of a value. */
  print(value: ModelRequest[Field]): string
}

type Choice = 'backend' | 'format' | 'runtime' | 'as' | 'convert' | 'quantize' | 'requires' | 'crop' | 'scaling' | 'channels' | 'layout'
type WordSet = 'block'
type ChoiceInit<Field extends Choice | WordSet> = Pick<Directive<Field>, 'name' | 'words' | 'fallback' | 'stage'>

/** A directive whose value is one word of a few. */
export function choice<Field extends Choice>(init: ChoiceInit<Field>): Directive<Field> {
  const example = init.words[0]!
  return {
    ...init,
    example,
    parse: (value) => validWord(init.name, requiredValue(init.name, example, value), init.words) as ModelRequest[Field],
    print: (value) => value,
  }
}

/** A directive whose value is a set of words, separated by commas; order and repetition mean nothing. */
export function wordSet<Field extends WordSet>(init: ChoiceInit<Field>): Directive<Field> {
  const example = init.words[0]!
  return {
    ...init,
    example,
    parse: (value) => sortedSet(requiredValue(init.name, example, value).split(',').map((word) => validWord(init.name, word, init.words))),
    print: (value) => sortedSet(value).join(','),
  }
}

type PatternInit<Field extends keyof ModelRequest> =
  Pick<Directive<Field>, 'name' | 'example' | 'fallback' | 'print'> & Partial<Pick<Directive<Field>, 'words' | 'characters' | 'stage'>>
  & {
    readonly read: (value: string) => ModelRequest[Field]
    /** What to write, where the directive stands alone and that is a likely slip. */
    readonly whenEmpty?: string
  }

/** A directive whose value has a grammar of its own, about Python sources unless `stage` says else; `read` throws a PetalError for what does not fit. */
export function written<Field extends keyof ModelRequest>({ read, whenEmpty, ...init }: PatternInit<Field>): Directive<Field> {
  return { words: [], stage: 'conversion', ...init, parse: (value) => read(requiredValue(init.name, init.example, value, whenEmpty)) }
}

/** A directive that is a bare word. */
export function flag<Field extends 'trust' | 'code' | 'debug'>(name: Field, stage: Stage): Directive<Field> {
  return {
    name,
    words: [],
    example: 'true',
    fallback: false,
    stage,
    parse(value) {
      if (value === undefined || value === '' || value === 'true') return true
      if (value === 'false') return false
      throw badValue(name, value, 'it takes no value', 'true')
    },
    print: String,
  }
}

/** The set without repetitions, in one order. */
export const sortedSet = (words: readonly string[]): string[] => [...new Set(words)].toSorted()

function requiredValue(name: string, example: string, value: string | undefined, whenEmpty?: string): string {
  if (value !== undefined && value !== '') return value
  throw new PetalError({
    code: 'EMPTY_DIRECTIVE',
    message: `The directive "${name}" has no value.`,
    fix: whenEmpty ?? `Write "${name}=${example}", or leave the directive out.`,
  })
}

/** The error for a value that does not fit a directive's grammar. */
export function badValue(name: string, value: string, why: string, example: string): PetalError {
  return new PetalError({
    code: 'BAD_VALUE',
    message: `"${value}" is not a value of the directive "${name}": ${why}.`,
    fix: `Write it as in "${name}=${example}".`,
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
