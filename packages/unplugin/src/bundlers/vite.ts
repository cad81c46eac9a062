import { join } from 'node:path'
import type { Plugin, ResolvedConfig } from 'vite'
import { pathOf } from '../ids.ts'
import { ownFolder, RUNTIME } from '../runtime.ts'
import { type BundlerFactory, errorAt } from './bundler.ts'
import { createResolver } from './resolve.ts'

/**
 * Vite 6, 7 and 8. Its asset plugin does the emission (`?url`); small models must not become data: URLs in a build (`no-inline`).
 * See packages/vite/src/node/plugins/asset.ts of Vite.
 */
export const vite: BundlerFactory = (models) => {
  let assetQuery = '?url&no-inline'
  // Who asks the server for a module by its address is given as the root's page.
  const { importers, resolveId } = createResolver((importer) => importer !== join(config?.root ?? '', 'index.html').replaceAll('\\', '/'))
  let config: ResolvedConfig | undefined
  let isWatching = false
  /** Files that a failed import was made from, with the model that it is about. */
  const failed = new Map<string, string>()
  const plugin: Partial<Plugin> = {
    configResolved(resolved) {
      config = resolved
      const { command, root, build, server, logger } = resolved
      const isBuild = command === 'build'
      if (!isBuild) assetQuery = '?url'
      // A module may be served from anywhere, the script of its worker may not.
      server.fs.allow.push(ownFolder().replaceAll('\\', '/'))
      isWatching = isBuild && build.watch !== null
      const say = (line: string): void => logger.info(`petal: ${line}`)
      models.configure({ root, print: isBuild ? say : undefined, note: say })
    },
    // Found while the app runs, the runtime would be bundled anew and the page reloaded; a server needs it where its own packages are not.
    config: () => ({ optimizeDeps: { exclude: [RUNTIME] }, ssr: { noExternal: [RUNTIME] } }),
    resolveId,
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
    // Anybody who reaches a server may ask it for any path with any query; nobody but the app's code has it run Python.
    async allows(id, files, runsCode) {
      if (config?.command !== 'serve' || importers.has(id)) return true
      if (runsCode) return false
      const { isFileLoadingAllowed } = await import('vite')
      return files.every((file) => isFileLoadingAllowed(config!, file.replaceAll('\\', '/')))
    },
    fail(context, id, error, place) {
      for (const file of [pathOf(id), ...error.dependencies]) failed.set(file, pathOf(id))
      const shown = errorAt(error, place)
      context.error(shown)
      throw shown
    },
    options: { vite: plugin },
  }
}
