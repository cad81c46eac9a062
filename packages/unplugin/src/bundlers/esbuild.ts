import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { PetalError } from '@petaljs/core/asking'
import type { BuildOptions, OnLoadResult, PluginBuild } from 'esbuild'
import { MENTION, PACKAGES, placed, REWRITTEN, SCRIPT_FILE } from '../asking/plugin.ts'
import { ASSET_QUERY, MODEL_FILE, pathOf } from '../ids.ts'
import type { Models } from '../models.ts'
import type { Importer } from '../place.ts'
import { isOwnImport, ownRuntime, RUNTIME_IMPORT, withWorkerUrl, WORKER_CLIENT } from '../runtime.ts'
import { type BundlerFactory, errorText } from './bundler.ts'
import { fileModule } from './file-loader.ts'

/** Marks the import of the runtime's worker. */
const WORKER_QUERY = '?petal-worker'

/** Levels of logs that have esbuild's own summary. */
const TALKATIVE: ReadonlySet<BuildOptions['logLevel']> = new Set(['info', 'debug', 'verbose'])

/** esbuild. Its loader `file` does the emission, for extensions that have no loader yet. */
export const esbuild: BundlerFactory = (models) => {
  let isRelative = false
  const importers = new Map<string, Importer>()
  return {
    asset: (stored) => stored + ASSET_QUERY,
    emit: (_, stored) => fileModule(stored, isRelative),
    importer: (_, id) => importers.get(id),
    fail(context, _, error, place) {
      // esbuild shows errors at the import by itself, in the text that it sees.
      const { file, line, column, frame } = place?.isRewritten ? place : {}
      context.error(line === undefined ? errorText(error) : { message: `${errorText(error)}\n\n${frame}`, loc: { file, line, column: column! } })
      return ''
    },
    options: {
      esbuild: {
        onLoadFilter: MODEL_FILE,
        config(options) {
          isRelative = options.format === 'esm' && !options.publicPath
          options.loader = { '.pt': 'file', '.ptl': 'file', ...options.loader }
        },
        setup: (build) => {
          setUp(build, models)
          rememberImporters(build, importers)
          rewriteModules(build, models)
        },
      },
    },
  }
}

/** esbuild's own summary goes to the same place. */
const say = (line: string): void => console.error(`petal: ${line}`)

function setUp(build: PluginBuild, models: Models): void {
  const { absWorkingDir, logLevel } = build.initialOptions
  models.configure({ root: absWorkingDir ?? process.cwd(), ...TALKATIVE.has(logLevel) && { print: say, note: say } })
  // esbuild lists every folder once, and a stored file may be younger than that.
  build.onResolve({ filter: /\?petal-(?:asset|file)$/ }, ({ path, resolveDir }) => ({
    path: resolve(resolveDir, pathOf(path)), ...path.endsWith(ASSET_QUERY) && { suffix: ASSET_QUERY },
  }))
  // The runtime may be installed with the plugin only; an app's own copy is found first.
  build.onResolve({ filter: RUNTIME_IMPORT }, async ({ path, importer, resolveDir, kind, pluginData }) => {
    if (pluginData === build || !isOwnImport(path, importer)) return undefined
    const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: build })
    return found.errors.length > 0 ? { path: ownRuntime(path), sideEffects: false } : found
  })
  bundleWorker(build)
  build.onEnd(() => models.summarize())
  build.onDispose(() => { void models.close() })
}

/** esbuild bundles no workers. The script of the runtime's is one file, so that it can be emitted as it is. */
function bundleWorker(build: PluginBuild): void {
  build.onLoad({ filter: WORKER_CLIENT }, async ({ path }) => {
    const url = build.initialOptions.format === 'esm' ? 'new URL(petalWorker, import.meta.url)' : 'petalWorker'
    const contents = withWorkerUrl(await readFile(path, 'utf8'), () => url)
    return contents === undefined ? undefined : { contents: `import petalWorker from './worker.js${WORKER_QUERY}'\n${contents}`, loader: 'js' }
  })
  build.onResolve({ filter: /\?petal-worker$/ }, ({ path, resolveDir }) => ({
    // Paths are part of hashes, and only those of files are made relative.
    path: basename(pathOf(path)), namespace: 'petal-worker', pluginData: resolve(resolveDir, pathOf(path)),
  }))
  build.onLoad({ filter: /^/, namespace: 'petal-worker' }, async ({ pluginData }) => ({ contents: await readFile(String(pluginData)), loader: 'file' }))
}

/** A load is not told who imports. */
function rememberImporters(build: PluginBuild, importers: Map<string, Importer>): void {
  build.onResolve({ filter: MODEL_FILE }, async ({ path, importer, resolveDir, kind, pluginData }) => {
    if (pluginData === build || importer === '') return undefined
    const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: build })
    const chosen = found.errors.length === 0 ? found : fileWithHash(path, resolveDir)
    if (chosen) importers.set(chosen.path + chosen.suffix, { file: pathOf(importer), specifier: path })
    return chosen
  })
}

/** A file with a hash sign in its path, which esbuild takes for the beginning of a fragment. */
function fileWithHash(specifier: string, folder: string): { path: string; suffix: string } | undefined {
  const path = pathOf(specifier)
  const file = resolve(folder, path)
  return /^\.{0,2}\//.test(path) && path.includes('#') && existsSync(file) ? { path: file, suffix: specifier.slice(path.length) } : undefined
}

/** Other ways to ask for a model, made imports. What another plugin loads cannot be seen. */
function rewriteModules(build: PluginBuild, models: Models): void {
  build.onLoad({ filter: SCRIPT_FILE }, async ({ path }): Promise<OnLoadResult | undefined> => {
    if (PACKAGES.test(path)) return undefined
    const text = await readFile(path, 'utf8')
    if (!MENTION.test(text) || !REWRITTEN.test(text)) return undefined
    const { rewrite } = await import('../asking/rewrite.ts')
    try {
      const rewritten = rewrite(text, path, { base: 'import.meta.url', isOurs: models.isOurs })
      return rewritten && { contents: `${rewritten.code}\n//# sourceMappingURL=${rewritten.map.toUrl()}`, loader: 'default' }
    } catch (error) {
      if (!(error instanceof PetalError)) throw error
      const [{ message }, place] = placed(error)
      const { frame: _, ...at } = place ?? {}
      return { errors: [{ text: message, location: place ? { ...at, lineText: text.split('\n')[place.line - 1]! } : null }] }
    }
  })
}
