import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PetalOptions } from '../options.ts'

/** Options that have options. */
type Group = 'python' | 'cache' | 'remote'

/** The name of every option: `concurrency`, `cache.dir`. */
export type OptionName = {
  [Key in keyof PetalOptions]-?: Key extends Group ? `${Key}.${keyof NonNullable<PetalOptions[Key]> & string}` : Key
}[keyof PetalOptions]

/** What is known of an option; an option without a row does not pass the compiler. */
export interface OptionRow {
  /** The environment variable that holds where the option is not given. */
  readonly env: string
  /** What it has to be, for errors and documents. */
  readonly expects: string
  isValid(value: unknown): boolean
  /** The value of the variable's text; undefined where it is none. Absent where the core reads the variable by itself. */
  readonly read?: (text: string) => unknown
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isSwitch = (value: unknown): boolean => typeof value === 'boolean'
const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string')
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const isDirectives = (value: unknown): boolean => typeof value === 'string' || isObject(value)
const isPattern = (value: unknown): boolean => isText(value) || value instanceof RegExp

/** Commas separate, but not inside of `{a,b}`. */
const list = (text: string): string[] => text.split(/,(?![^{]*\})/).map((one) => one.trim()).filter(Boolean)

const patterns = (env: string): OptionRow => ({
  env,
  expects: 'a glob, a regular expression, or a list of these; in the variable globs, by comma',
  isValid: (value) => isPattern(value) || (Array.isArray(value) && value.every(isPattern)),
  read: list,
})

/** Text that is no JSON is no value. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A module is loaded when it is needed. */
const functionOf = (file: string): NonNullable<PetalOptions['onFacts']> => async (facts, about) => {
  const { default: onFacts } = await import(/* @vite-ignore */ pathToFileURL(resolve(file)).href)
  await onFacts(facts, about)
}

/** Every option, and how it is said in the environment. */
export const OPTIONS: Readonly<Record<OptionName, OptionRow>> = {
  defaults: {
    env: 'PETAL_DEFAULTS', expects: 'a query like "image=224&lint=error", an object of directives, or a function; in the variable a query',
    isValid: (value) => isDirectives(value) || typeof value === 'function', read: (text) => text,
  },
  presets: {
    env: 'PETAL_PRESETS', expects: 'an object of names and directives, {"camera": "image=224"}; in the variable as JSON',
    isValid: (value) => isObject(value) && Object.values(value as object).every(isDirectives), read: parsed,
  },
  include: patterns('PETAL_INCLUDE'),
  exclude: patterns('PETAL_EXCLUDE'),
  onFacts: {
    env: 'PETAL_ON_FACTS', expects: 'a function; in the variable the path of a module that exports one by default',
    isValid: (value) => typeof value === 'function', read: functionOf,
  },
  concurrency: {
    env: 'PETAL_CONCURRENCY', expects: 'a whole number from 1 to 64',
    isValid: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 64, read: Number,
  },
  block: { env: 'PETAL_BLOCK', expects: 'a list of optimizations; in the variable by comma', isValid: isTexts, read: list },
  lint: {
    env: 'PETAL_LINT', expects: '"auto", "off", "warn", "error", or a list of codes; in the variable by comma',
    isValid: (value) => isText(value) || isTexts(value), read: (text) => (/^(?:auto|off|warn|error)$/i.test(text) ? text : list(text)),
  },
  dts: {
    env: 'PETAL_DTS', expects: 'true, false or the path of a declaration file',
    isValid: (value) => typeof value === 'boolean' || isText(value),
    read: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
  },
  'python.path': { env: 'PETAL_PYTHON', expects: 'a path', isValid: isText },
  'python.timeLimit': { env: 'PETAL_PYTHON_TIME_LIMIT', expects: 'a number of seconds above 0', isValid: isPositive, read: Number },
  frozen: { env: 'PETAL_FROZEN', expects: 'true or false; in the variable 1 or 0', isValid: isSwitch },
  'remote.url': { env: 'PETAL_REMOTE', expects: 'a URL', isValid: isText },
  'remote.token': { env: 'PETAL_REMOTE_TOKEN', expects: 'a text', isValid: isText },
  'remote.write': { env: 'PETAL_REMOTE_WRITE', expects: 'true or false; in the variable 1 or 0', isValid: isSwitch },
  'remote.timeout': { env: 'PETAL_REMOTE_TIMEOUT', expects: 'a number of milliseconds above 0', isValid: isPositive, read: Number },
  'cache.dir': { env: 'PETAL_CACHE_DIR', expects: 'a path', isValid: isText },
  'cache.maxAge': { env: 'PETAL_CACHE_MAX_AGE', expects: 'an age, "30d"', isValid: isText },
  'cache.maxSize': { env: 'PETAL_CACHE_MAX_SIZE', expects: 'a size, "5GB"', isValid: isText },
  'cache.readonly': { env: 'PETAL_CACHE_READONLY', expects: 'true or false; in the variable 1 or 0', isValid: isSwitch },
}
