import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Plugin } from 'rollup'
import { ASSET_QUERY } from '../ids.ts'
import { WORKER_CLIENT, withWorkerUrl } from '../runtime.ts'
import { type BundlerFactory, errorAt } from './bundler.ts'
import { createResolver } from './resolve.ts'

/** What of Rollup's plugin is Rolldown's, too. */
type Hooks = Pick<Plugin, 'resolveId' | 'transform' | 'buildStart' | 'closeBundle' | 'closeWatcher'>

/** Rollup 4 and Rolldown 1. They have no assets that are imported, but files that a plugin emits, and `import.meta.ROLLUP_FILE_URL_…` of these. */
export const rollup: BundlerFactory = (models) => {
  const { importers, resolveId } = createResolver()
  let isWatching = false
  const plugin: Hooks = {
    resolveId,
    // Neither bundles workers. The script of the runtime's is one file, so that it can be emitted as it is.
    transform: {
      filter: { id: WORKER_CLIENT },
      async handler(code, id) {
        const script = await readFile(join(dirname(id), 'worker.js')).catch(() => undefined)
        const replaced = script && withWorkerUrl(code, () => {
          const reference = this.emitFile({ type: 'asset', name: 'worker.js', source: script })
          return `import.meta.ROLLUP_FILE_URL_${reference}`
        })
        return replaced === undefined ? null : { code: replaced, map: null }
      },
    },
    buildStart(options) {
      isWatching = this.meta.watchMode
      const say = (line: string): void => this.info(line)
      models.configure({ root: ('cwd' in options && String(options.cwd)) || process.cwd(), print: say, note: say })
    },
    async closeBundle() {
      models.summarize()
      if (!isWatching) await models.close()
    },
    closeWatcher: () => models.close(),
  }
  return {
    asset: (stored) => stored + ASSET_QUERY,
    async emit(context, stored) {
      // Typed as if it gave nothing (unplugin's types are of all bundlers).
      const reference = context.emitFile({ type: 'asset', name: basename(stored), source: await readFile(stored) }) as unknown as string
      return `export default import.meta.ROLLUP_FILE_URL_${reference}\n`
    },
    importer: (_, id) => importers.get(id),
    fail(context, _, error, place) {
      const shown = errorAt(error, place)
      context.error(shown)
      throw shown
    },
    options: { rollup: plugin, rolldown: plugin as object },
  }
}
