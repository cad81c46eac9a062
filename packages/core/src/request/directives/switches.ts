import { LINT_CODES, type LintCode } from '../../compiler/lint-codes.ts'
import { badValue, type Directive, sortedSet, written } from '../directive.ts'
import { printInput } from '../input-grammar.ts'
import { nearest } from '../nearest.ts'
import { GRAMMAR_CHARACTERS, setsOf } from './conversion.ts'

/** `encoder.layers.0.weight`: members of modules may be numbers. */
const MEMBER_PATH = /^(?:[A-Za-z_]\w*|\d+)(?:\.(?:[A-Za-z_]\w*|\d+))*$/

/** Methods that the file has beside `forward`, and attributes and modules that stay as they are. */
export const preserve: Directive<'preserve'> = written({
  name: 'preserve',
  stage: 'compilation',
  example: 'encode,encoder.weight',
  fallback: [],
  read(value) {
    const paths = value.split(',')
    const bad = paths.find((path) => !MEMBER_PATH.test(path))
    if (bad !== undefined) throw badValue('preserve', value, `"${bad}" is no name of a method or an attribute`, 'encode,encoder.weight')
    return sortedSet(paths)
  },
  print: (paths) => sortedSet(paths).join(','),
})

/** Example inputs that the file gets, for tools that run models on what they bring with them. */
export const bundle: Directive<'bundle'> = written({
  name: 'bundle',
  stage: 'compilation',
  example: '1x3x224x224',
  fallback: [],
  characters: GRAMMAR_CHARACTERS,
  read: (value) => setsOf('bundle', value),
  print: (sets) => sets.map((set) => set.map(printInput).join(';')).join(','),
})

const POLICIES = ['auto', 'off', 'warn', 'error'] as const

/** What lints are for. */
export const lint: Directive<'lint'> = written({
  name: 'lint',
  stage: 'compilation',
  words: POLICIES,
  example: 'error',
  fallback: 'auto',
  read(value) {
    const policy = POLICIES.find((word) => word === value.toLowerCase())
    if (policy !== undefined) return policy
    return [...new Set(value.split(',').map((word) => lintCode(word, value)))].toSorted()
  },
  print: (policy) => (typeof policy === 'string' ? policy : policy.toSorted().join(',')),
})

function lintCode(written: string, value: string): LintCode {
  const word = written.toUpperCase()
  const code = LINT_CODES.find((each) => each === word)
  if (code !== undefined) return code
  const meant = nearest(written, [...POLICIES, ...LINT_CODES])
  const example = meant?.toLowerCase() ?? 'error'
  throw badValue('lint', value, `"${written}" is none of ${[...POLICIES, ...LINT_CODES].join(', ')}`, example)
}
