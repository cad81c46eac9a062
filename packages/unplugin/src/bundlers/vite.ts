import type { Plugin } from 'vite'
import { pathOf, MODEL_FILE } from '../ids.ts'
import type { Importer } from '../place.ts'
import { isOwnImport, ownFolder, ownRuntime, RUNTIME, RUNTIME_IMPORT } from '../runtime.ts'
import { type BundlerFactory, errorText } from './bundler.ts'

/**
 * Vite 7 and 8. Its asset plugin does the emission (`?url`); small models must not become data: URLs in a build (`no-inline`).
 * See packages/vite/src/node/plugins/asset.ts of Vite.
 */
export const vite: BundlerFactory = (models) => {
  let assetQuery = '?url&no-inline'
  const importers = new Map<string, Importer>()
  let isWatching = false
  /** Files that a failed import was made from, with the model that it is about. */
  const failed = new Map<string, string>()
  const plugin: Partial<Plugin> = {
    configResolved(config) {
      const isBuild = config.command === 'build'
      if (!isBuild) assetQuery = '?url'
      // A module may be served from anywhere, the script of its worker may not.
      config.server.fs.allow.push(ownFolder().replaceAll('\\', '/'))
      isWatching = isBuild && config.build.watch !== null
      const say = (line: string): void => config.logger.info(`petal: ${line}`)
      models.configure({ root: config.root, print: isBuild ? say : undefined, note: say })
    },
    // Found while the app runs, the runtime would be bundled anew and the page reloaded; a server needs it where its own packages are not.
    config: () => ({ optimizeDeps: { exclude: [RUNTIME] }, ssr: { noExternal: [RUNTIME] } }),
    // `load` is not told who imports; this only remembers it and leaves resolving to Vite. The runtime may be installed with the plugin only.
    resolveId: {
      filter: { id: [MODEL_FILE, RUNTIME_IMPORT] },
      async handler(source, importer, options) {
        const resolved = await this.resolve(source, importer && folderSafe(importer), { ...options, skipSelf: true })
        if (!resolved && isOwnImport(source, importer)) return { id: ownRuntime(source), moduleSideEffects: false }
        if (resolved && !RUNTIME_IMPORT.test(source) && importer !== undefined) importers.set(resolved.id, { file: pathOf(importer), specifier: source })
        return resolved
      },
    },
    // A module that never loaded is in no page yet, so Vite has nothing to update when its model is mended; the overlay would stay.
    hotUpdate({ file }) {
      const model = failed.get(file)
      if (this.environment.name !== 'client' || model === undefined) return
      for (const [other, about] of failed) if (about === model) failed.delete(other)
      for (const module of this.environment.moduleGraph.getModulesByFile(model) ?? []) this.environment.moduleGraph.invalidateModule(module)
      this.environment.hot.send({ type: 'full-reload', path: '*' })
      return []
    },
    async closeBundle() {
      models.summarize()
      if (!isWatching) await models.close()
    },
    closeWatcher: () => models.close(),
  }
  return {
    asset: (stored) => stored + assetQuery,
    importer: (_, id) => importers.get(id),
    fail(context, id, error, place) {
      for (const file of [pathOf(id), ...error.dependencies]) failed.set(file, pathOf(id))
      // A stack would be of this plugin, and rolldown prints it.
      const shown = Object.assign(new Error(errorText(error)), { stack: '' }, place && {
        id: place.file,
        loc: { file: place.file, line: place.line, column: place.column },
        frame: place.frame,
      })
      context.error(shown)
      throw shown
    },
    options: { vite: plugin },
  }
}

/** A model's module as an importer: directives may hold slashes (`weights=./net.pth`), which are no folders to resolve from. */
const folderSafe = (importer: string): string => (MODEL_FILE.test(importer) ? pathOf(importer) : importer)
