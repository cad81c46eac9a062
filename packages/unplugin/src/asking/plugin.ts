import { PetalError } from '@petaljs/core/asking'
import type { UnpluginOptions } from 'unplugin'
import type { Bundler } from '../bundlers/bundler.ts'
import type { Models } from '../models.ts'
import type { Place } from '../place.ts'

/** Modules that are searched: scripts, and components with scripts in them. */
export const SCRIPT_FILE: RegExp = /\.(?:[cm]?[jt]sx?|vue|svelte)(?:\?|$)/

/** What a searched module has to contain. */
export const MENTION: RegExp = /\bmobile\b/

/** And, for any of it to be rewritten: other ways to ask than plain imports, or signs that mean something to a bundler. */
export const REWRITTEN: RegExp = /\bURL\b|\bwith\b|[!#][^'"`\n]*\bmobile\b|\bmobile\b[^'"`\n]*[!#]/

/** Packages are built already, and their imports are plain. */
export const PACKAGES: RegExp = /[\\/]node_modules[\\/]/

/**
 * The plugin that rewrites other ways to ask for a model. It comes before all others, so that it sees what was written; unplugin has no
 * word for the order of hooks, which Rollup goes by.
 */
export function createRewriter(bundler: Bundler, models: Models): UnpluginOptions {
  const first = { order: 'pre' as const }
  return {
    name: 'petal-asking',
    enforce: 'pre',
    transform: {
      ...first,
      filter: { id: { include: SCRIPT_FILE, exclude: PACKAGES }, code: MENTION },
      async handler(code, id) {
        if (!REWRITTEN.test(code)) return undefined
        // Loaded here, as most apps import plainly.
        const { rewrite } = await import('./rewrite.ts')
        try {
          return rewrite(code, id, { base: bundler.base ?? 'import.meta.url', isOurs: models.isOurs, write: bundler.write })
        } catch (error) {
          if (!(error instanceof PetalError)) throw error
          return bundler.fail(this, id, ...placed(error))
        }
      },
    },
  }
}

/** An error with its place in a module, and that as bundlers take it. */
export function placed(error: PetalError): [error: PetalError, place: Place | undefined] {
  const { file, line, column, frame } = error.location ?? {}
  if (file === undefined || line === undefined || column === undefined) return [error, undefined]
  return [error.with({ location: {} }), { file, line, column: column - 1, frame: frame ?? '' }]
}
