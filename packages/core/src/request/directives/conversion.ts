import type { Argument, InputSpec } from '../../conversion-request.ts'
import { badValue, choice, type Directive, flag, sortedSet, written } from '../directive.ts'
import { GrammarError, printInput, readInputSets } from '../input-grammar.ts'

const MODULE_PATH = /^[A-Za-z_]\w*(?:\.(?:[A-Za-z_]\w*|\d+))*$/
const NAME = /^[A-Za-z_]\w*$/
/** Whole and decimal numbers as Python and JavaScript both write them. */
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?$/i
/** A string argument; it is written without quotes. */
const WORD = /^[\w./-]+$/
/** `%` and `&` would not be read again as they are printed. */
const PATH_CHARACTERS = /^[\p{L}\p{N}_.,:;/@()[\]~=+!#' -]*$/u
/** Of example inputs and arguments. */
export const GRAMMAR_CHARACTERS: RegExp = /^[A-Za-z0-9_.,:;<>=()[\]/-]*$/

/** How Python becomes TorchScript. */
export const convert: Directive<'convert'> = choice({ name: 'convert', words: ['auto', 'trace', 'script'], fallback: 'auto', stage: 'conversion' })

/** Whether to quantize, and how. */
export const quantize: Directive<'quantize'> = choice({
  name: 'quantize', words: ['dynamic', 'static', 'none'], fallback: 'none', stage: 'conversion',
})

/** What in the file is the model. */
export const entry: Directive<'entry'> = written({
  name: 'entry',
  example: 'make_net',
  fallback: '',
  read(value) {
    if (value.split('.').every((part) => NAME.test(part))) return value
    throw badValue('entry', value, 'it is no Python name', 'make_net')
  },
  print: (value) => value,
})

/** Constructor arguments. */
export const args: Directive<'args'> = written({
  name: 'args',
  example: '10,hidden=64',
  fallback: [],
  characters: GRAMMAR_CHARACTERS,
  read(value) {
    const list = value.split(',').map(readArgument)
    if (list.some((argument, at) => argument.name === undefined && list.slice(0, at).some(({ name }) => name !== undefined))) {
      throw badValue('args', value, 'an argument without a name follows one with a name', '10,hidden=64')
    }
    return list
  },
  print: (list) => list.map(({ name, value }) => (name === undefined ? String(value) : `${name}=${value}`)).join(','),
})

function readArgument(text: string): Argument {
  const equals = text.indexOf('=')
  const name = equals < 0 ? undefined : text.slice(0, equals)
  if (name !== undefined && !NAME.test(name)) throw badValue('args', text, `"${name}" is no Python name`, '10,hidden=64')
  const value = readLiteral(text.slice(equals + 1))
  return name === undefined ? { value } : { name, value }
}

function readLiteral(text: string): Argument['value'] {
  if (NUMBER.test(text)) return Number(text)
  const word = text.toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  if (word === 'none' || word === 'null') return null
  if (WORD.test(text)) return text
  throw badValue('args', text, 'it is no number, True, False, None or plain word', '10,hidden=64,mode=fast')
}

/** A state dict. */
export const weights: Directive<'weights'> = written({
  name: 'weights', example: './net.pth', fallback: '', characters: PATH_CHARACTERS, read: (value) => value, print: (value) => value,
})

/** Example inputs of one call. */
export const input: Directive<'input'> = written({
  name: 'input',
  stage: 'examples',
  example: '1x3x224x224',
  fallback: [],
  characters: GRAMMAR_CHARACTERS,
  read(value) {
    const sets = setsOf('input', value)
    if (sets.length === 1) return sets[0]!
    throw badValue('input', value, 'a comma separates the parts of a tuple; inputs are separated by ";"', '1x3x224x224;int64[1x16]<1000')
  },
  print: (specs) => specs.map(printInput).join(';'),
})

/** How a trace and the compiled model are checked. */
export const check: Directive<'check'> = written({
  name: 'check',
  stage: 'examples',
  words: ['auto', 'none'],
  example: '2x3x64x64,1x3x96x96',
  fallback: 'auto',
  characters: GRAMMAR_CHARACTERS,
  read(value) {
    const word = value.toLowerCase()
    return word === 'auto' || word === 'none' ? word : setsOf('check', value)
  },
  print: (value) => (typeof value === 'string' ? value : value.map((set) => set.map(printInput).join(';')).join(',')),
})

/** The example inputs of several calls; throws a PetalError that names the directive. */
export function setsOf(name: string, value: string): InputSpec[][] {
  try {
    return readInputSets(value)
  } catch (error) {
    if (!(error instanceof GrammarError)) throw error
    throw badValue(name, value, error.message, '1x3x224x224;int64[1x16]<1000')
  }
}

/** Submodules that are scripted in a trace. */
export const script: Directive<'script'> = modulePaths('script')

/** Submodules that are traced in a script. */
export const trace: Directive<'trace'> = modulePaths('trace')

function modulePaths<Field extends 'script' | 'trace'>(name: Field): Directive<Field> {
  const example = 'encoder,decoder.attn'
  return written<Field>({
    name,
    example,
    fallback: [],
    whenEmpty: `Write "convert=${name}" to ${name} the whole model, or "${name}=${example}" for submodules of it.`,
    read(value) {
      const paths = value.split(',')
      const bad = paths.find((path) => !MODULE_PATH.test(path))
      if (bad !== undefined) throw badValue(name, value, `"${bad}" is no path of a submodule`, example)
      return sortedSet(paths)
    },
    print: (paths) => sortedSet(paths).join(','),
  })
}

/** Leave to run the code in a checkpoint or an exported program. */
export const trust: Directive<'trust'> = flag('trust', 'conversion')
