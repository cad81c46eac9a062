import { dirname, isAbsolute, relative } from 'node:path'
import { type BuildResult, type ModelRequest, parseDirectives, parseImport, PetalError, stripDevQuery } from '@petaljs/core'
import { createUnplugin, type UnpluginInstance, type UnpluginOptions } from 'unplugin'
import { type Bundler, type BundlerFactory, type LoadContext, withPlace } from './bundlers/bundler.ts'
import { vite } from './bundlers/vite.ts'
import { webpack } from './bundlers/webpack.ts'
import { MODEL_FILE } from './ids.ts'
import { createModels, type Models } from './models.ts'
import { generateModule, modelFacts, runtimeSpecifier } from './module.ts'
import type { PetalOptions } from './options.ts'
import { findImport } from './place.ts'

export type { ModelFacts, ModelHandle, ModelOptimization, ModelPort, ModelSource } from './handle.ts'
export type { PetalOptions } from './options.ts'

/** The bundlers there is an adapter for; supporting another one is a row here and an entry file. */
const BUNDLERS: Readonly<Record<string, BundlerFactory>> = { vite, webpack }

function createPlugin(options: PetalOptions, framework: string): UnpluginOptions {
  const factory = BUNDLERS[framework]
  if (!factory) throw new Error(`unplugin-petal has no adapter for ${framework}; there is one for ${Object.keys(BUNDLERS).join(' and ')}.`)
  const block = parseDirectives(options.block?.length ? [['block', options.block.join(',')]] : []).block
  const models = createModels(options)
  const bundler = factory(models, JSON.stringify(block))
  return {
    name: 'petal',
    // Before the bundler's own loading, which knows no `?mobile`.
    enforce: 'pre',
    load: {
      filter: { id: MODEL_FILE },
      handler(id) {
        return load.call(this, id, models, bundler, block)
      },
    },
    ...bundler.options,
  }
}

async function load(
  this: LoadContext, id: string, models: Models, bundler: Bundler, block: readonly string[],
): Promise<string | undefined> {
  try {
    const parsed = parseImport(stripDevQuery(id))
    if (!parsed) return undefined
    this.addWatchFile(parsed.path)
    const { path, request } = parsed
    const result = await buildWithDefaults(models, path, request, block)
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

/** The plugin's own blocklist is for models that are compiled; one that is compiled already passes. */
async function buildWithDefaults(models: Models, path: string, request: ModelRequest, block: readonly string[]): Promise<BuildResult> {
  if (request.block.length > 0 || block.length === 0) return await models.build(path, request)
  try {
    return await models.build(path, { ...request, block })
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

/** The plugin for every supported bundler: `petal.vite()`, `petal.webpack()`. */
export const petal: UnpluginInstance<PetalOptions | undefined, false> =
  createUnplugin<PetalOptions | undefined, false>((options, meta) => createPlugin(options ?? {}, meta.framework))

export default petal
