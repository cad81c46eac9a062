import { readFile } from 'node:fs/promises'
import * as rolldownPackage from 'rolldown'
import * as rollupPackage from 'rollup'
import petalRolldown from '../../src/rolldown.ts'
import petalRollup from '../../src/rollup.ts'
import { type App, readTree } from './app.ts'
import type { BuildSettings, Output, TestBundler } from './bundler.ts'
import { printed, runModule } from './module.ts'
import { createQueue } from './queue.ts'
import { virtualModules } from './virtual.ts'

/** Rollup has no public path, but a hook for plugins that know one. */
const publicPath = (base: string): rollupPackage.Plugin => ({ name: 'public-path', resolveFileUrl: ({ fileName }) => JSON.stringify(base + fileName) })

/** Takes down what the last build wrote. */
const report = (listed: Set<string>): rollupPackage.Plugin => ({
  name: 'report',
  writeBundle(_, bundle) {
    listed.clear()
    for (const name of Object.keys(bundle)) listed.add(name)
  },
})

/** As an app makes every `.pt` an asset. */
const ptAssets: rollupPackage.Plugin = {
  name: 'assets',
  async load(id) {
    if (!id.endsWith('.pt')) return undefined
    return `export default import.meta.ROLLUP_FILE_URL_${this.emitFile({ type: 'asset', name: 'raw.pt', source: await readFile(id) })}`
  },
}

function outputOptions(name: string, app: App, settings: BuildSettings): rollupPackage.OutputOptions {
  return {
    // Rollup has no minifier.
    ...name.startsWith('rolldown') && { minify: settings.minify ?? false },
    dir: app.path('dist'), format: 'es', entryFileNames: '[name]-[hash].js', sourcemap: settings.sourceMaps ?? false,
    ...settings.assetNames && { assetFileNames: `${settings.assetNames}/[name].[hash][extname]` },
  }
}

/** What a build lets one know. */
interface Heard {
  readonly log: string[]
  readonly written: Set<string>
}

async function outputOf(app: App, { log, written }: Heard): Promise<Output> {
  const dir = app.path('dist')
  const files = await readTree(dir)
  return {
    dir, files, listed: [...written], log: log.join('\n'),
    run: () => runModule(dir, [...written].find((name) => /^main-.*\.js$/.test(name))!),
  }
}

/** Rollup knows no root but the working directory. */
async function inside<T>(app: App, work: () => Promise<T>): Promise<T> {
  const before = process.cwd()
  process.chdir(app.root)
  try {
    return await work()
  } finally {
    process.chdir(before)
  }
}

function rollupBundler(name: string, { rollup, watch }: typeof rollupPackage, petal: typeof petalRollup): TestBundler {
  const caches = new WeakMap<App, rollupPackage.RollupCache | undefined>()
  const inputOptions = (app: App, settings: BuildSettings, { log, written }: Heard): rollupPackage.InputOptions => ({
    input: app.path('src/main.js'),
    ...name.startsWith('rolldown') && { cwd: app.root },
    ...settings.persistentCache && name.startsWith('rollup') && { cache: caches.get(app) ?? true },
    plugins: [
      petal(settings.petal), settings.ptAssets && ptAssets, settings.base !== undefined && settings.base !== './' && publicPath(settings.base),
      report(written),
      settings.virtual && (name.startsWith('rolldown') ? virtualModules.rolldown(settings.virtual) as never : virtualModules.rollup(settings.virtual)),
    ],
    onLog: (_, { plugin, message }) => { log.push(`${plugin ?? ''} ${message}`) },
  })
  return {
    name, kind: 'module', defaultBase: './',
    build: (app, settings = {}) => inside(app, async () => {
      const heard: Heard = { log: [], written: new Set() }
      const bundle = await rollup(inputOptions(app, settings, heard)).catch((error: unknown) => { throw printed(error) })
      try {
        if (settings.persistentCache) caches.set(app, bundle.cache)
        await bundle.write(outputOptions(name, app, settings)).catch((error: unknown) => { throw printed(error) })
      } finally {
        await bundle.close()
      }
      return await outputOf(app, heard)
    }),
    async watch(app, settings = {}) {
      const heard: Heard = { log: [], written: new Set() }
      const before = process.cwd()
      process.chdir(app.root)
      const watcher = watch({ ...inputOptions(app, settings, heard), output: outputOptions(name, app, settings), watch: { buildDelay: 10 } })
      const queue = createQueue<Output>()
      watcher.on('event', (event) => {
        if (event.code === 'BUNDLE_END') queue.push(event.result.close().then(() => outputOf(app, heard)))
        if (event.code === 'ERROR') queue.push(Promise.reject(printed(event.error)))
      })
      return {
        next: queue.next,
        async close() {
          await watcher.close()
          process.chdir(before)
        },
      }
    },
  }
}

export const rollup4: TestBundler = rollupBundler('rollup 4', rollupPackage, petalRollup)
/** Rolldown's API is Rollup's. */
export const rolldown1: TestBundler =
  rollupBundler('rolldown 1', { ...rolldownPackage, rollup: rolldownPackage.rolldown } as unknown as typeof rollupPackage, petalRolldown as unknown as typeof petalRollup)
