import { PetalError } from '../errors.ts'

/** How much a store keeps. */
export interface StoreLimits {
  /** What nobody used for so many milliseconds goes. */
  readonly maxAge: number
  /** Bytes of stored files; what was used longest ago goes first. */
  readonly maxSize: number
}

const DAY_MS = 24 * 60 * 60 * 1000

/** A month of work in other branches comes back without a compile, and no disk is filled. */
export const LIMITS: StoreLimits = { maxAge: 30 * DAY_MS, maxSize: 10e9 }

const AGES: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS }
const SIZES: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 }

/** `30d` or `12h` in milliseconds, as `name` was given it. Throws a PetalError (BAD_VALUE). */
export const parseAge = (text: string, name: string): number => parse(text, name, AGES, 'a number and s, m, h, d or w: 30d')

/** `5GB` or `500 MB` in bytes, as `name` was given it. Throws a PetalError (BAD_VALUE). */
export const parseSize = (text: string, name: string): number => parse(text, name, SIZES, 'a number and B, kB, MB, GB or TB: 5GB')

function parse(text: string, name: string, units: Readonly<Record<string, number>>, form: string): number {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) ?? []
  const factor = Object.hasOwn(units, unit?.toLowerCase() ?? '') ? units[unit!.toLowerCase()]! : undefined
  if (number !== undefined && factor !== undefined) return Number(number) * factor
  throw new PetalError({ code: 'BAD_VALUE', message: `"${text}" is not a value of ${name}.`, fix: `Write ${form}.` })
}

/**
 * The limits of a store: options, else `PETAL_CACHE_MAX_AGE` and `PETAL_CACHE_MAX_SIZE`, else a month and 10 GB. Throws a PetalError
 * (BAD_VALUE).
 */
export function storeLimits(
  options: { readonly maxAge?: string | undefined; readonly maxSize?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): StoreLimits {
  const given = (option: string | undefined, name: string, variable: string): [string, string] | undefined =>
    option ? [option, name] : env[variable] ? [env[variable], variable] : undefined
  const age = given(options.maxAge, 'maxAge', 'PETAL_CACHE_MAX_AGE')
  const size = given(options.maxSize, 'maxSize', 'PETAL_CACHE_MAX_SIZE')
  return { maxAge: age ? parseAge(...age) : LIMITS.maxAge, maxSize: size ? parseSize(...size) : LIMITS.maxSize }
}
