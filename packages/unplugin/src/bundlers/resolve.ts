import { MODEL_FILE, pathOf } from '../ids.ts'
import type { Importer } from '../place.ts'
import { isOwnImport, ownRuntime, RUNTIME_IMPORT } from '../runtime.ts'

interface Resolved {
  readonly id: string
}

/** What the hook needs of its context; Vite, Rollup and Rolldown have types of their own for it. */
interface ResolveContext {
  resolve(source: string, importer: string | undefined, options: object): Promise<Resolved | null>
}

/** The hook that Vite, Rollup and Rolldown share, and what it remembers. */
export interface Resolver {
  /** By id of a model's module: who imports it. `load` is not told. */
  readonly importers: ReadonlyMap<string, Importer>
  readonly resolveId: {
    readonly filter: { readonly id: RegExp[] }
    handler(this: ResolveContext, source: string, importer: string | undefined, options: object): Promise<Resolved | null>
  }
}

/**
 * Resolving is left to the bundler; the runtime may be installed with the plugin only. `isImport` tells who imports from who only stands for
 * somebody.
 */
export function createResolver(isImport: (importer: string) => boolean = () => true): Resolver {
  const importers = new Map<string, Importer>()
  return {
    importers,
    resolveId: {
      filter: { id: [MODEL_FILE, RUNTIME_IMPORT] },
      async handler(source, importer, options) {
        const resolve = (wanted: string): Promise<Resolved | null> =>
          this.resolve(wanted, importer && folderSafe(importer), { ...options, skipSelf: true })
        if (RUNTIME_IMPORT.test(source)) {
          return await resolve(source) ?? (isOwnImport(source, importer) ? { id: ownRuntime(source, importer), moduleSideEffects: false } as Resolved : null)
        }
        const resolved = await resolve(source) ?? withQuery(await resolve(pathOf(source)), source)
        if (resolved && importer !== undefined && isImport(importer)) importers.set(resolved.id, { file: pathOf(importer), specifier: source })
        return resolved
      },
    },
  }
}

/** Rollup finds files only by their names. */
const withQuery = (resolved: Resolved | null, source: string): Resolved | null =>
  resolved && { ...resolved, id: resolved.id + source.slice(pathOf(source).length) }

/** A model's module as an importer: directives may hold slashes (`weights=./net.pth`), which are no folders to resolve from. */
const folderSafe = (importer: string): string => (MODEL_FILE.test(importer) ? pathOf(importer) : importer)
