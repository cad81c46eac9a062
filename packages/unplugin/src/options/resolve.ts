import { type GivenDirectives, nearest, parseDirectives, PetalError, readDirectives, type WrittenDirective } from '@petaljs/core/asking'
import type { PetalOptions } from '../options.ts'
import { type OptionName, OPTIONS } from './table.ts'

/** Values of environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

type Values = Partial<Record<string, unknown>>

/**
 * The options, with those from the environment that were not given.
 * Throws a PetalError: UNKNOWN_OPTION, BAD_OPTION, and what is wrong with directives among them.
 */
export function resolveOptions(given: PetalOptions, env: Environment = process.env): PetalOptions {
  const written = flatten(given)
  const unknown = Object.keys(written).find((name) => !Object.hasOwn(OPTIONS, name))
  if (unknown !== undefined) throw unknownOption(unknown)
  const options: Record<string, unknown> = {}
  for (const name of Object.keys(OPTIONS) as OptionName[]) {
    const value = written[name] === undefined ? fromEnvironment(name, env) : checked(name, written[name], `the option "${name}"`)
    if (value !== undefined) put(options, name, value)
  }
  checkDirectives(options)
  return options
}

/** Directives of an option; errors tell of which. Throws a PetalError. */
export function directivesOf(given: GivenDirectives, option: string): WrittenDirective[] {
  try {
    const written = readDirectives(given)
    parseDirectives(written)
    return written
  } catch (error) {
    throw error instanceof PetalError ? error.with({ message: `${error.what.replace(/\.$/, '')}, in the option "${option}".` }) : error
  }
}

/** `block` and `lint` are for the defaults of that name. */
export function ownDefaults({ block = [], lint = [] }: PetalOptions): WrittenDirective[] {
  const directives = { block: block.join(','), lint: typeof lint === 'string' ? lint : lint.join(',') }
  return Object.entries(directives).filter(([, value]) => value !== '')
}

/** Of `{ cache: { dir } }`: `cache.dir`. */
function flatten(given: PetalOptions): Values {
  const groups = new Set(Object.keys(OPTIONS).flatMap((name) => (name.includes('.') ? [name.replace(/\..*/, '')] : [])))
  return Object.fromEntries(Object.entries(given).flatMap(([name, value]): [string, unknown][] => {
    if (value === undefined) return []
    if (!groups.has(name)) return [[name, value]]
    if (typeof value !== 'object' || value === null) throw badOption(`the option "${name}"`, value, 'an object')
    return Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one])
  }))
}

function put(options: Record<string, unknown>, name: string, value: unknown): void {
  const [group = '', inner] = name.split('.')
  if (inner === undefined) options[group] = value
  else options[group] = { ...options[group] as object, [inner]: value }
}

function fromEnvironment(name: OptionName, env: Environment): unknown {
  const { env: variable, read } = OPTIONS[name]
  const text = env[variable]
  if (text === undefined || text === '' || !read) return undefined
  return checked(name, read(text), `the environment variable ${variable}`, text)
}

function checked(name: OptionName, value: unknown, origin: string, text: unknown = value): unknown {
  const { isValid, expects } = OPTIONS[name]
  if (!isValid(value)) throw badOption(origin, text, expects)
  return value
}

function checkDirectives(options: PetalOptions): void {
  // As these two are known best, they are named where they are wrong.
  for (const [name, value = ''] of ownDefaults(options)) directivesOf({ [name]: value }, name)
  if (options.defaults !== undefined && typeof options.defaults !== 'function') directivesOf(options.defaults, 'defaults')
  for (const [name, preset] of Object.entries(options.presets ?? {})) {
    if (!/^[A-Za-z][\w.-]*$/.test(name) || name === 'true') {
      throw badOption('a name in the option "presets"', name, 'a letter, and then letters, digits and _ . -; and not "true"')
    }
    directivesOf(preset, `presets.${name}`)
  }
}

function badOption(origin: string, value: unknown, expects: string): PetalError {
  const shown = typeof value === 'string' ? `"${value}"` : typeof value === 'object' ? JSON.stringify(value) : String(value)
  const short = shown.length > 100 ? `${shown.slice(0, 100)}…` : shown
  return new PetalError({ code: 'BAD_OPTION', message: `${short} is not a value of ${origin}.`, fix: `It has to be ${expects}.` })
}

function unknownOption(name: string): PetalError {
  const names = Object.keys(OPTIONS)
  const meant = nearest(name, names)
  return new PetalError({
    code: 'UNKNOWN_OPTION',
    message: `"${name}" is not an option of unplugin-petal.`,
    fix: `${meant === undefined ? '' : `Did you mean "${meant}"? `}Options: ${names.join(', ')}.`,
  })
}
