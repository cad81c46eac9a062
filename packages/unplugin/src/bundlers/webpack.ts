import { relative } from 'node:path'
import { toolIdentity } from '@petaljs/core'
import type { Compiler, RuleSetRule } from 'webpack'
import { MODEL_FILE, pathOf } from '../ids.ts'
import { ownPackages } from '../runtime.ts'
import { type BundlerFactory, errorText, type LoadContext } from './bundler.ts'

/** Marks the import of a stored file, so that no rule has to know where the store is. */
const ASSET_QUERY = '?petal-asset'

/** The app's own naming of assets, where it has one, else a name that tells what the file is. */
function rulesFor({ assetModuleFilename: chosen }: Compiler['options']['output']): RuleSetRule[] {
  const packages = ownPackages()
  const filename = typeof chosen === 'string' ? chosen.replaceAll('[query]', '') : chosen ?? 'models/[name]-[hash:8][ext]'
  return [
    { resourceQuery: /^\?petal-asset$/, type: 'asset/resource', generator: { filename } },
    // Apps may have a rule of their own that makes every .pt an asset; a marked one is a module.
    {
      test: MODEL_FILE, resourceQuery: /[?&]mobile(?:[&=]|$)/, type: 'javascript/auto',
      // The runtime may be installed with the plugin only; an app's own copy is found first.
      ...packages !== undefined && { resolve: { modules: ['...', packages] } },
    },
  ]
}

/** webpack 5. An asset module does the emission; it survives persistent caches and watch mode, a loader's `emitFile` would not. */
export const webpack: BundlerFactory = (models, settings) => ({
  asset: (stored) => stored + ASSET_QUERY,
  importer(context) {
    const { module, compilation } = native(context)
    const issuer = module && compilation?.moduleGraph.getIssuer(module)
    if (!issuer || !('resource' in issuer) || !('rawRequest' in module)) return undefined
    return { file: pathOf(String(issuer.resource)), specifier: String(module.rawRequest) }
  },
  fail(context, _, error, place) {
    const root = native(context).compiler?.context ?? process.cwd()
    const where = place && `${relative(root, place.file)}:${place.line}:${place.column + 1}\n${place.frame}`
    // webpack prints a stack that it hides from the message below it, as details: the text again, and places in this plugin.
    throw Object.assign(new Error([errorText(error), where].filter(Boolean).join('\n\n')), { stack: '', hideStack: true })
  },
  options: {
    webpack(compiler) {
      const logger = compiler.getInfrastructureLogger('petal')
      const say = (line: string): void => logger.info(line)
      models.configure({ root: compiler.context, print: say, note: say })
      // webpack's persistent cache keeps our modules: it has to know what else they were made from.
      const { cache } = compiler.options
      if (cache && cache.type === 'filesystem') cache.version = `${cache.version ?? ''}|petal ${toolIdentity()} ${settings}`
      compiler.options.module.rules.push(...rulesFor(compiler.options.output))
      compiler.hooks.environment.tap('petal', () => exemptFromSizeHints(compiler))
      compiler.hooks.done.tapPromise('petal', async () => {
        models.summarize()
        if (!compiler.watchMode) await models.close()
      })
      compiler.hooks.shutdown.tapPromise('petal', () => models.close())
    },
  },
})

/** webpack's hints are about JavaScript that delays a page; a model is loaded when the app asks for it. */
function exemptFromSizeHints(compiler: Compiler): void {
  const { performance } = compiler.options
  if (!performance) return
  const before = performance.assetFilter ?? ((name: string) => !name.endsWith('.map'))
  performance.assetFilter = (name, source, info) => !/\.ptl?$/.test(name) && before(name, source, info)
}

function native(context: LoadContext) {
  const build = context.getNativeBuildContext?.()
  if (build?.framework !== 'webpack') return {}
  return { compiler: build.compiler, compilation: build.compilation, module: build.loaderContext?._module }
}
