import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { type Compiler, type Configuration, type Stats, webpack } from 'webpack'
import petal from '../../src/webpack.ts'
import { type App, readTree } from './app.ts'
import type { BuildSettings, Output, TestBundler } from './bundler.ts'
import { createQueue } from './queue.ts'

function compilerOf(app: App, settings: BuildSettings, log: string[]): Compiler {
  const config: Configuration = {
    context: app.root,
    mode: 'production',
    target: settings.ssr ? 'node' : 'web',
    entry: './src/main.js',
    output: {
      path: app.path('dist'), filename: '[name]-[contenthash].js', clean: true,
      publicPath: settings.base === './' ? 'auto' : settings.base ?? '/',
      ...settings.assetNames && { assetModuleFilename: `${settings.assetNames}/[name].[hash][ext][query]` },
    },
    optimization: { minimize: settings.minify ?? false },
    cache: settings.persistentCache ? { type: 'filesystem', cacheDirectory: app.path('.webpack') } : false,
    plugins: [petal(settings.petal)],
    module: { rules: settings.ptAssets ? [{ test: /\.pt$/, type: 'asset/resource' }] : [] },
    // Every model of the fixtures is larger, so that hints about their size would show.
    performance: { maxAssetSize: 10_000 },
    infrastructureLogging: {
      stream: { write: (line: string) => log.push(line) } as unknown as NodeJS.WritableStream, colors: false,
    },
  }
  return webpack(config)!
}

async function outputOf(app: App, stats: Stats, log: readonly string[]): Promise<Output> {
  if (stats.hasErrors()) throw new Error(stats.toString({ preset: 'errors-only', errorDetails: true, colors: false }))
  const { warnings, modules } = stats.toJson({ all: false, warnings: true, modules: true, cachedModules: true })
  const dir = app.path('dist')
  const files = await readTree(dir)
  return {
    dir,
    files,
    log: [
      ...log, ...warnings!.map((warning) => warning.message), `built ${modules!.filter((module) => module.built).length} modules`,
    ].join('\n'),
    async run() {
      const entry = Object.keys(files).find((name) => /^main-.*\.js$/.test(name))!
      const scope: { result?: unknown; [name: string]: unknown } = {
        URL, process, require: createRequire(join(dir, entry)), __dirname: dir, __filename: join(dir, entry), location: new URL('https://app.example/'),
        document: { baseURI: 'https://app.example/', currentScript: { tagName: 'SCRIPT', src: `https://app.example/${entry}` } },
      }
      scope['globalThis'] = scope['self'] = scope
      runInNewContext(await readFile(join(dir, entry), 'utf8'), scope)
      return scope.result
    },
  }
}

export const webpack5: TestBundler = {
  name: 'webpack 5',
  async build(app, settings = {}) {
    const log: string[] = []
    const compiler = compilerOf(app, settings, log)
    try {
      const stats = await new Promise<Stats>((done, fail) => compiler.run((error, result) => (result ? done(result) : fail(error))))
      return await outputOf(app, stats, log)
    } finally {
      await new Promise((closed) => compiler.close(closed))
    }
  },
  async watch(app, settings = {}) {
    const log: string[] = []
    const compiler = compilerOf(app, settings, log)
    const queue = createQueue<Output>()
    const watching = compiler.watch({ aggregateTimeout: 20 }, (error, stats) => {
      queue.push(stats ? outputOf(app, stats, log) : Promise.reject(error))
    })!
    return { next: queue.next, close: () => new Promise((closed) => watching.close(() => compiler.close(() => closed()))) }
  },
}
