import { parseQuery } from './import-id.ts'
import type { WrittenDirective } from './model-request.ts'
import { MARKER } from './table.ts'

/** Directives as options have them: a query, or an object; `true` is a bare word, and a list is written with commas. */
export type GivenDirectives = string | Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>

/** The directives of an option. Throws a PetalError for a query with characters that it may not have. */
export function readDirectives(given: GivenDirectives): WrittenDirective[] {
  if (typeof given === 'string') return parseQuery(given)
  return Object.entries(given).map(([name, value]) => [name, value === true ? undefined : textOf(value)])
}

const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))

/** Fit for a query; `!` would part loaders in webpack. */
const escaped = (value: string): string => encodeURIComponent(value).replaceAll('%2C', ',').replaceAll('!', '%21')

/**
 * The specifier that says with a query what an import says with attributes: `with { type: 'mobile', block: '…' }`, and `preset` for the
 * name of a preset. Undefined when their type is not the marker: then the import is not ours.
 */
export function specifierOfAttributes(specifier: string, attributes: readonly WrittenDirective[]): string | undefined {
  if (!attributes.some(([name, value]) => name === 'type' && value === MARKER)) return undefined
  const preset = attributes.find(([name]) => name === 'preset')?.[1]
  const rest = attributes.filter(([name]) => name !== 'type' && name !== 'preset')
  const pieces = rest.map(([name, value = '']) => (value === '' ? name : `${name}=${escaped(value)}`))
  const mark = specifier.includes('?') ? '&' : '?'
  return specifier + mark + [preset === undefined ? MARKER : `${MARKER}=${preset}`, ...pieces].join('&')
}
