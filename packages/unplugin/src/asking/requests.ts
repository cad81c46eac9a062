import { type Layers, type ModelImport, parseImport, type WrittenDirective } from '@petaljs/core/asking'
import { createFilter } from 'unplugin-utils'
import type { PetalOptions } from '../options.ts'
import { directivesOf, ownDefaults } from '../options/resolve.ts'
import { pathOf } from '../ids.ts'

/** What imports ask for, with what the plugin's options say of it. */
export interface Requests {
  /** Whether marked imports of a file are for this plugin. */
  isOurs(file: string): boolean
  /** What an import asks for; undefined when it is not ours. Throws a PetalError. */
  of(id: string): ModelImport | undefined
}

/** The requests of one instance of the plugin; `root` is known when the first of them comes. */
export function createRequests(options: PetalOptions, root: () => string): Requests {
  const layers: Layers = { defaults: defaultsOf(options), presets: presetsOf(options) }
  let filter: ((file: string) => boolean) | undefined
  const isOurs = (file: string): boolean => {
    filter ??= createFilter(patterns(options.include), patterns(options.exclude), { resolve: root() })
    return filter(pathOf(file))
  }
  return { isOurs, of: (id) => (isOurs(id) ? parseImport(id, layers) : undefined) }
}

const patterns = (given: PetalOptions['include'] = []): (string | RegExp)[] =>
  (typeof given === 'string' || given instanceof RegExp ? [given] : [...given])

function defaultsOf(options: PetalOptions): (path: string) => readonly WrittenDirective[] {
  const { defaults = {} } = options
  const own = ownDefaults(options)
  if (typeof defaults === 'function') return (path) => [...own, ...directivesOf(defaults(path) ?? {}, 'defaults')]
  const all = [...own, ...directivesOf(defaults, 'defaults')]
  return () => all
}

const presetsOf = ({ presets = {} }: PetalOptions): Record<string, WrittenDirective[]> =>
  Object.fromEntries(Object.entries(presets).map(([name, preset]) => [name, directivesOf(preset, `presets.${name}`)]))

/** A text that differs where options make other modules; functions are known by their source. */
export function fingerprint(given: PetalOptions): string {
  const { cache: _cache, python: _python, concurrency: _concurrency, ...options } = given
  return JSON.stringify(options, (_, value: unknown) => (typeof value === 'function' || value instanceof RegExp ? String(value) : value))
}
