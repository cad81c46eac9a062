import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { runInNewContext } from 'node:vm'
import { createRsbuild, type RsbuildConfig } from '@rsbuild/core'
import { rspack } from '@rspack/core'
import { type Compiler, type Configuration, type Stats, webpack } from 'webpack'
import petalRsbuild from '../../src/rsbuild.ts'
import petalRspack from '../../src/rspack.ts'
import petalWebpack from '../../src/webpack.ts'
import { type App, readTree } from './app.ts'
import type { BuildSettings, Output, TestBundler } from './bundler.ts'
import { runModule } from './module.ts'
import { createQueue } from './queue.ts'
import { virtualModules } from './virtual.ts'

const publicPath = ({ base = '/' }: BuildSettings): string => (base === './' ? 'auto' : base)

/** What Rspack takes as webpack does. */
function configOf(app: App, settings: BuildSettings, log: string[]): Configuration {
  return {
    context: app.root,
    mode: 'production',
    target: settings.ssr ? 'node' : 'web',
    entry: './src/main.js',
    devtool: settings.sourceMaps ? 'source-map' : false,
    output: {
      path: app.path('dist'), filename: '[name]-[contenthash].js', clean: true, publicPath: publicPath(settings),
      ...settings.assetNames && { assetModuleFilename: `${settings.assetNames}/[name].[hash][ext][query]` },
    },
    optimization: { minimize: settings.minify ?? false },
    module: {
      rules: settings.ptAssets ? [{ test: /\.pt$/, type: 'asset/resource' }] : [],
      // webpack's way to leave to a browser's build what it writes itself.
      ...settings.ssr && { generator: { 'asset/resource': { emit: false } } },
    },
    // Every model of the fixtures is larger, so that hints about their size would show.
    performance: { maxAssetSize: 10_000 },
    infrastructureLogging: {
      stream: { write: (line: string) => log.push(line) } as unknown as NodeJS.WritableStream, colors: false,
    },
  }
}

function webpackCompiler(app: App, settings: BuildSettings, log: string[]): Compiler {
  return webpack({
    ...configOf(app, settings, log),
    cache: settings.persistentCache ? { type: 'filesystem', cacheDirectory: app.path('.webpack') } : false,
    plugins: [petalWebpack(settings.petal), ...settings.virtual ? [virtualModules.webpack(settings.virtual)] : []],
  })!
}

function rspackCompiler(app: App, settings: BuildSettings, log: string[]): Compiler {
  return rspack({
    ...configOf(app, settings, log) as object,
    cache: settings.persistentCache ? { type: 'persistent', storage: { type: 'filesystem', directory: app.path('.rspack') } } : false,
    plugins: [petalRspack(settings.petal), ...settings.virtual ? [virtualModules.rspack(settings.virtual)] : []],
  })! as unknown as Compiler
}

async function rsbuildCompiler(app: App, settings: BuildSettings, log: string[]): Promise<Compiler> {
  const say = (...said: unknown[]): void => { log.push(said.join(' ')) }
  const { ptAssets, ssr, assetNames } = settings
  const rsbuildConfig: RsbuildConfig = {
    mode: 'production',
    logLevel: 'silent',
    customLogger: { level: 'info', log: say, info: say, warn() {}, error() {}, debug() {}, start: say, ready: say, success: say, greet() {}, override() {} } as never,
    plugins: [petalRsbuild(settings.petal), ...settings.virtual ? [virtualModules.rsbuild(settings.virtual)] : []],
    source: { entry: { main: './src/main.js' }, ...ptAssets && { assetsInclude: /\.pt$/ } },
    output: {
      target: ssr ? 'node' : 'web', assetPrefix: publicPath(settings), minify: settings.minify ?? false, emitAssets: !ssr, cleanDistPath: true,
      distPath: { js: '', ...assetNames && { assets: assetNames } },
      filename: { js: '[name]-[contenthash].js', ...assetNames && { assets: '[name].[contenthash:8][ext]' } },
      sourceMap: settings.sourceMaps ? { js: 'source-map' } : false,
    },
    performance: { buildCache: settings.persistentCache ? { cacheDirectory: app.path('.rsbuild') } : false, printFileSize: false },
  }
  const rsbuild = await createRsbuild({ cwd: app.root, config: rsbuildConfig })
  return await rsbuild.createCompiler() as unknown as Compiler
}

async function outputOf(app: App, stats: Stats, log: readonly string[]): Promise<Output> {
  // Rspack draws in colours in CI, whatever it is told.
  if (stats.hasErrors()) throw new Error(stripVTControlCharacters(stats.toString({ preset: 'errors-only', errorDetails: true, colors: false })))
  const { warnings, modules, assets } = stats.toJson({ all: false, warnings: true, modules: true, cachedModules: true, assets: true, cachedAssets: true })
  const dir = app.path('dist')
  const files = await readTree(dir)
  const listed = assets!.map(({ name }) => name)
  return {
    dir,
    files,
    listed,
    log: [
      ...log, ...warnings!.map((warning) => stripVTControlCharacters(warning.message)), `built ${modules!.filter((module) => module.built).length} modules`,
    ].join('\n'),
    async run() {
      const entry = listed.find((name) => /^main(-.*)?\.js$/.test(name))!
      // Rsbuild's output for servers is a module.
      if (/\bimport\.meta\.(?:url|dirname|filename)\b/.test(files[entry]!.toString())) return await runModule(dir, entry)
      const scope: { result?: unknown; [name: string]: unknown } = {
        URL, process, require: createRequire(join(dir, entry)), __dirname: dir, __filename: join(dir, entry), location: new URL('https://app.example/'),
        document: { baseURI: 'https://app.example/', currentScript: { tagName: 'SCRIPT', src: `https://app.example/${entry}` } },
        module: { exports: {} }, exports: {},
      }
      scope['globalThis'] = scope['self'] = scope['window'] = scope
      runInNewContext(await readFile(join(dir, entry), 'utf8'), scope)
      return scope.result
    },
  }
}

/** webpack and what has its API. */
function webpackBundler(name: string, compilerOf: (app: App, settings: BuildSettings, log: string[]) => Compiler | Promise<Compiler>): TestBundler {
  return {
    name, kind: 'script', defaultBase: '/',
    async build(app, settings = {}) {
      const log: string[] = []
      const compiler = await compilerOf(app, settings, log)
      try {
        const stats = await new Promise<Stats>((done, fail) => compiler.run((error, result) => (result ? done(result) : fail(error))))
        return await outputOf(app, stats, log)
      } finally {
        await new Promise((closed) => compiler.close(closed))
      }
    },
    async watch(app, settings = {}) {
      const log: string[] = []
      const compiler = await compilerOf(app, settings, log)
      const queue = createQueue<Output>()
      const watching = compiler.watch({ aggregateTimeout: 20 }, (error, stats) => {
        queue.push(stats ? outputOf(app, stats, log) : Promise.reject(error))
      })!
      return { next: queue.next, close: () => new Promise((closed) => watching.close(() => compiler.close(() => closed()))) }
    },
  }
}

export const webpack5: TestBundler = webpackBundler('webpack 5', webpackCompiler)
export const rspack2: TestBundler = webpackBundler('rspack 2', rspackCompiler)
export const rsbuild2: TestBundler = webpackBundler('rsbuild 2', rsbuildCompiler)
