import { readFile } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import { ASSET_QUERY, MODEL_FILE, pathOf } from '../ids.ts'
import type { Models } from '../models.ts'
import type { Importer } from '../place.ts'
import { isOwnImport, ownRuntime, RUNTIME_IMPORT, withWorkerUrl, WORKER_CLIENT } from '../runtime.ts'
import { type BundlerFactory, errorText } from './bundler.ts'
import { fileModule } from './file-loader.ts'

/** The marker, also with a sign that it may not have: that is told of when the model is loaded. */
const MARKED = /[?&][!# ]*mobile(?:[&=!# ]|%2[013]|$)/

interface ResolveArgs {
  readonly path: string
  readonly importer: string
}

interface Loaded {
  readonly contents: string | Uint8Array
  readonly loader: string
}

/** What is used of Bun's builder; its types come with a package of globals. */
interface BunBuild {
  readonly config: { readonly format?: string; readonly publicPath?: string }
  onResolve(on: { filter: RegExp }, resolve: (args: ResolveArgs) => { path: string; namespace?: string } | undefined): void
  onLoad(on: { filter: RegExp; namespace?: string }, load: (args: { path: string }) => Promise<Loaded | undefined>): void
  onEnd(end: () => Promise<void>): void
}

declare const Bun: { resolveSync(specifier: string, from: string): string }

/** Bun. Its loader `file` does the emission, which it has for every extension that it does not know. */
export const bun: BundlerFactory = (models) => {
  let isRelative = true
  const importers = new Map<string, Importer>()
  return {
    asset: (stored) => stored + ASSET_QUERY,
    emit: (_, stored) => fileModule(stored, isRelative),
    importer: (_, id) => importers.get(id),
    fail(_, __, error, place) {
      // Bun shows the module that failed; where it is imported is up to the text.
      const where = place && `${relative(process.cwd(), place.file).replaceAll('\\', '/')}:${place.line}:${place.column + 1}\n${place.frame}`
      throw Object.assign(new Error([errorText(error), where].filter(Boolean).join('\n\n')), { stack: '' })
    },
    options: {
      bun: {
        setup(given: unknown) {
          const build = given as BunBuild
          const { format = 'esm', publicPath } = build.config
          isRelative = format === 'esm' && !publicPath
          setUp(build, models, importers)
          bundleWorker(build, isRelative)
        },
      } as object,
    },
  }
}

const say = (line: string): void => console.error(`petal: ${line}`)

function setUp(build: BunBuild, models: Models, importers: Map<string, Importer>): void {
  models.configure({ root: process.cwd(), print: say, note: say })
  build.onResolve({ filter: /\?petal-(?:asset|file)$/ }, ({ path, importer }) => ({
    path: resolve(dirname(pathOf(importer)), pathOf(path)) + (path.endsWith(ASSET_QUERY) ? ASSET_QUERY : ''),
  }))
  // The runtime may be installed with the plugin only; an app's own copy is found first.
  build.onResolve({ filter: RUNTIME_IMPORT }, ({ path, importer }) =>
    (isOwnImport(path, importer) ? { path: found(path, importer) ?? ownRuntime(path) } : undefined))
  // Bun finds files only by their names. What it does not find is another plugin's.
  build.onResolve({ filter: MODEL_FILE }, ({ path, importer }) => {
    const file = MARKED.test(path) ? found(pathOf(path), importer) : undefined
    if (file === undefined || !models.isOurs(file)) return undefined
    const id = file + path.slice(pathOf(path).length)
    importers.set(id, { file: pathOf(importer), specifier: path })
    return { path: id }
  })
  build.onEnd(async () => {
    models.summarize()
    await models.close()
  })
}

/** Plugins cannot ask Bun's bundler; its runtime finds files in the same way. */
function found(specifier: string, importer: string): string | undefined {
  try {
    return Bun.resolveSync(specifier, dirname(pathOf(importer)))
  } catch {
    return undefined
  }
}

/** Bun bundles no workers. The script of the runtime's is one file, so that it can be emitted as it is. */
function bundleWorker(build: BunBuild, isRelative: boolean): void {
  build.onLoad({ filter: WORKER_CLIENT }, async ({ path }) => {
    const url = isRelative ? 'new URL(petalWorker, import.meta.url)' : 'petalWorker'
    const contents = withWorkerUrl(await readFile(path, 'utf8'), () => url)
    return contents === undefined ? undefined : { contents: `import petalWorker from './worker.js?petal-worker'\n${contents}`, loader: 'js' }
  })
  // Paths are part of hashes, and only those of files are made relative.
  const scripts = new Map<string, string>()
  build.onResolve({ filter: /\?petal-worker$/ }, ({ path, importer }) => {
    const name = basename(pathOf(path))
    scripts.set(name, resolve(dirname(importer), pathOf(path)))
    return { path: name, namespace: 'petal-worker' }
  })
  build.onLoad({ filter: /^/, namespace: 'petal-worker' }, async ({ path }) => ({ contents: await readFile(scripts.get(path)!), loader: 'file' }))
}
