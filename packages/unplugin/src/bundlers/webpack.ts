import { basename, dirname, relative, sep } from 'node:path'
import { toolIdentity } from '@petaljs/core/asking'
import type { Compiler, NormalModule, RuleSetRule } from 'webpack'
import type { UnpluginOptions } from 'unplugin'
import { ASSET_QUERY, MODEL_FILE, pathOf, storedOf } from '../ids.ts'
import type { Models } from '../models.ts'
import type { Importer } from '../place.ts'
import { ownPackages } from '../runtime.ts'
import { type BundlerFactory, errorText } from './bundler.ts'
import { dropHeadings } from './webpack-messages.ts'

/**
 * `!` parts loaders and `#` begins a fragment; a zero before the latter makes it a part of the name. What has loaders before it is left
 * alone: somebody knows what they do.
 */
function writtenFor(specifier: string): string | undefined {
  const path = pathOf(specifier)
  if (/^!|!\.{1,2}\//.test(path) || !/^[./]/.test(path)) return specifier
  if (path.includes('!')) return undefined
  return path.replaceAll(/\0?#/g, '\0#') + specifier.slice(path.length).replaceAll('!', '%21')
}

/** The app's own naming of assets, where it has one, else a name that tells what the file is. */
function rulesFor({ assetModuleFilename: chosen }: Compiler['options']['output'], { isOurs }: Models): RuleSetRule[] {
  const packages = ownPackages()
  const filename = typeof chosen === 'string' ? chosen.replaceAll('[query]', '') : chosen ?? 'models/[name]-[hash:8][ext]'
  return [
    { resourceQuery: /^\?petal-asset$/, type: 'asset/resource', generator: { filename } },
    // Apps may have a rule of their own that makes every .pt an asset; a marked one is a module.
    {
      test: (path) => MODEL_FILE.test(path) && isOurs(path), resourceQuery: /[?&]mobile(?:[&=]|$)/, type: 'javascript/auto',
      // The runtime may be installed with the plugin only; an app's own copy is found first.
      ...packages !== undefined && { resolve: { modules: ['...', packages] } },
    },
  ]
}

/** Sets a compiler up; Rspack's has the shape of webpack's. `say` prints a line, where the compiler's own logger does not. */
type SetUp = (compiler: object, say?: (line: string) => void) => void

/** webpack 5, Rspack and Rsbuild. An asset module does the emission; it survives persistent caches and watch mode, a loader's `emitFile` would not. */
const webpackLike = (optionsFor: (setUp: SetUp) => Partial<UnpluginOptions>): BundlerFactory => (models, settings) => {
  const importers = new Map<string, Importer>()
  const refused = new Set<string>()
  let root = process.cwd()
  return {
    asset: (specifier) => specifier + ASSET_QUERY,
    // Of `import.meta.url` it makes the source's own path.
    base: '__webpack_base_uri__',
    write: writtenFor,
    importer: (_, id) => importers.get(id),
    fail(_, __, error, place) {
      const where = place && `${relative(root, place.file)}:${place.line}:${place.column + 1}\n${place.frame}`
      // webpack prints a stack that it hides from the message below it, as details: the text again, and places in this plugin.
      const text = [errorText(error), where].filter(Boolean).join('\n\n')
      refused.add(text)
      throw Object.assign(new Error(text), { stack: '', hideStack: true })
    },
    options: optionsFor((given, say) => {
      const compiler = given as Compiler
      root = compiler.context
      setUpCompiler(compiler, models, settings, say)
      rememberImporters(compiler, importers)
      watchNothingStored(compiler)
      compiler.hooks.compilation.tap('petal', (compilation) => {
        compilation.hooks.afterSeal.tap('petal', () => dropHeadings(compilation, refused))
      })
    }),
  }
}

/** A loader is not told who imports; Rspack has no module graph yet while it runs. */
function rememberImporters(compiler: Compiler, importers: Map<string, Importer>): void {
  compiler.hooks.compilation.tap('petal', (_, { normalModuleFactory }) => {
    normalModuleFactory.hooks.afterResolve.tap('petal', ({ request, contextInfo, createData }) => {
      const id = createData.resource?.replaceAll('\0#', '#')
      if (id && MODEL_FILE.test(request)) importers.set(id, { file: pathOf(contextInfo.issuer), specifier: request })
    })
  })
}

/**
 * What is stored never changes. webpack takes files and folders that are younger than the compilation for changed ones, so that a model
 * that was compiled would be followed by one more compilation.
 */
function watchNothingStored(compiler: Compiler): void {
  compiler.hooks.afterCompile.tap('petal', ({ modules, fileDependencies }) => {
    for (const module of modules) {
      const stored = storedOf((module as NormalModule).resource ?? '')
      for (let path = stored; path !== undefined && isBeside(path, compiler.context); path = dirname(path)) fileDependencies.delete(path)
    }
  })
}

/** Whether a path is neither a folder that the app is in, nor one of packages. */
const isBeside = (path: string, root: string): boolean =>
  basename(path) !== 'node_modules' && !`${root}${sep}`.startsWith(path.endsWith(sep) ? path : `${path}${sep}`)

function setUpCompiler(compiler: Compiler, models: Models, settings: string, told?: (line: string) => void): void {
  const logger = compiler.getInfrastructureLogger('petal')
  const say = told ?? ((line: string): void => logger.info(line))
  models.configure({ root: compiler.context, print: say, note: say })
  // The persistent cache keeps our modules: it has to know what else they were made from.
  const { cache } = compiler.options
  if (cache && cache.type !== 'memory') cache.version = `${cache.version ?? ''}|petal ${toolIdentity()} ${settings}`
  compiler.options.module.rules.push(...rulesFor(compiler.options.output, models))
  compiler.hooks.environment.tap('petal', () => exemptFromSizeHints(compiler))
  compiler.hooks.done.tapPromise('petal', async () => {
    models.summarize()
    if (!compiler.watchMode) await models.close()
  })
  compiler.hooks.shutdown.tapPromise('petal', () => models.close())
}

export const webpack: BundlerFactory = webpackLike((setUp) => ({ webpack: (compiler) => setUp(compiler) }))

export const rspack: BundlerFactory = webpackLike((setUp) => ({ rspack: (compiler) => setUp(compiler) }))

export const rsbuild: BundlerFactory = webpackLike((setUp) => ({
  rsbuild: {
    setup(api) {
      const say = (line: string): void => api.logger.info(`petal: ${line}`)
      api.modifyRspackConfig((config) => {
        config.plugins.push({ apply: (compiler: object) => setUp(compiler, say) })
      })
    },
  },
}))

/** webpack's hints are about JavaScript that delays a page; a model is loaded when the app asks for it. */
function exemptFromSizeHints(compiler: Compiler): void {
  const { performance } = compiler.options
  if (!performance) return
  const before = performance.assetFilter ?? ((name: string) => !name.endsWith('.map'))
  performance.assetFilter = (name, source, info) => !/\.ptl?$/.test(name) && before(name, source, info)
}
