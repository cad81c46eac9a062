import { dirname, isAbsolute, relative } from 'node:path'
import { type BuildResult, type ModelRequest, parseDirectives, parseImport, PetalError, stripDevQuery } from '@petaljs/core'
import { createUnplugin, type UnpluginInstance, type UnpluginOptions } from 'unplugin'
import { type Bundler, type BundlerFactory, type LoadContext, withPlace } from './bundlers/bundler.ts'
import { esbuild } from './bundlers/esbuild.ts'
import { rollup } from './bundlers/rollup.ts'
import { vite } from './bundlers/vite.ts'
import { rsbuild, rspack, webpack } from './bundlers/webpack.ts'
import { MODEL_FILE, pathOf, storedOf } from './ids.ts'
import { createModels, type Models } from './models.ts'
import { generateModule, modelFacts, runtimeSpecifier } from './module.ts'
import type { PetalOptions } from './options.ts'
import { findImport } from './place.ts'

export type { ModelFacts, ModelHandle, ModelOptimization, ModelPort, ModelSource } from './handle.ts'
export type { PetalOptions } from './options.ts'

/** The bundlers there is an adapter for; supporting another one is a row here and an entry file. */
const BUNDLERS: Readonly<Record<string, BundlerFactory>> = { vite, rollup, rolldown: rollup, webpack, rspack, rsbuild, esbuild }

function createPlugin(options: PetalOptions, framework: string): UnpluginOptions {
  const factory = BUNDLERS[framework]
  if (!factory) throw new Error(`unplugin-petal has no adapter for ${framework}; there are some for ${Object.keys(BUNDLERS).join(', ')}.`)
  const defaults = defaultsOf(options)
  const models = createModels(options)
  const bundler = factory(models, JSON.stringify(defaults))
  return {
    name: 'petal',
    // Before the bundler's own loading, which knows no `?mobile`.
    enforce: 'pre',
    load: {
      filter: { id: MODEL_FILE },
      handler(id) {
        return load.call(this, id, models, bundler, defaults)
      },
    },
    ...bundler.options,
  }
}

/** What the plugin's options say for imports that say nothing. */
type Defaults = Pick<ModelRequest, 'block' | 'lint'>

function defaultsOf({ block = [], lint = [] }: PetalOptions): Defaults {
  const directives = { block: block.join(','), lint: typeof lint === 'string' ? lint : lint.join(',') }
  const { block: blocked, lint: policy } = parseDirectives(Object.entries(directives).filter(([, value]) => value !== ''))
  return { block: blocked, lint: policy }
}

async function load(
  this: LoadContext, id: string, models: Models, bundler: Bundler, defaults: Defaults,
): Promise<string | undefined> {
  // What is no file is another plugin's.
  if (!isAbsolute(pathOf(id))) return undefined
  const stored = storedOf(id)
  if (stored !== undefined) return await bundler.emit?.(this, stored)
  try {
    const parsed = parseImport(stripDevQuery(id))
    if (!parsed) return undefined
    this.addWatchFile(parsed.path)
    const { path, request } = parsed
    const result = await buildWithDefaults(models, path, request, defaults)
    for (const file of result.dependencies) this.addWatchFile(file)
    // The handle has said it already.
    const warnings = request.as === 'runtime' ? [] : result.warnings
    for (const { code, message, location } of warnings) {
      this.warn(withPlace(`${result.source.name}: ${code === undefined ? '' : `${code}: `}${message}`, location))
    }
    return generateModule(request.as, {
      asset: bundler.asset(specifierOf(result.file, path)), runtime: runtimeSpecifier(stripDevQuery(id)), facts: modelFacts(result), imports: result.facts.imports,
    })
  } catch (error) {
    if (!(error instanceof PetalError)) throw error
    for (const file of error.dependencies) this.addWatchFile(file)
    const importer = bundler.importer(this, id)
    return bundler.fail(this, id, error, importer && await findImport(importer))
  }
}

/** The plugin's own options are for models that are compiled; one that is compiled already passes. */
async function buildWithDefaults(models: Models, path: string, request: ModelRequest, defaults: Defaults): Promise<BuildResult> {
  const block = request.block.length > 0 ? request.block : defaults.block
  const lint = request.lint === 'auto' ? defaults.lint : request.lint
  if (block === request.block && lint === request.lint) return await models.build(path, request)
  try {
    return await models.build(path, { ...request, block, lint })
  } catch (error) {
    if (error instanceof PetalError && error.code === 'ALREADY_COMPILED') return await models.build(path, request)
    throw error
  }
}

/** How the model's module names the stored file: relatively, so that the module is the same text in every checkout. */
function specifierOf(stored: string, model: string): string {
  const path = relative(dirname(model), stored).replaceAll('\\', '/')
  return isAbsolute(path) || path.startsWith('.') ? path : `./${path}`
}

/** The plugin for every supported bundler: `petal.vite()`, `petal.rollup()`, `petal.webpack()` and so on. */
export const petal: UnpluginInstance<PetalOptions | undefined, false> =
  createUnplugin<PetalOptions | undefined, false>((options, meta) => createPlugin(options ?? {}, meta.framework))

export default petal
