import { basename, dirname, isAbsolute, relative } from 'node:path'
import { PetalError, stripDevQuery } from '@petaljs/core/asking'
import { createUnplugin, type UnpluginInstance, type UnpluginOptions } from 'unplugin'
import { createRewriter } from './asking/plugin.ts'
import { fingerprint } from './asking/requests.ts'
import { type Bundler, type BundlerFactory, type LoadContext, withPlace } from './bundlers/bundler.ts'
import { bun } from './bundlers/bun.ts'
import { esbuild } from './bundlers/esbuild.ts'
import { rollup } from './bundlers/rollup.ts'
import { vite } from './bundlers/vite.ts'
import { rsbuild, rspack, webpack } from './bundlers/webpack.ts'
import { MODEL_FILE, pathOf, queryOf, storedOf } from './ids.ts'
import { createModels, type Models } from './models.ts'
import type { ModelFacts } from './handle.ts'
import { generateModule, modelFacts, runtimeSpecifier } from './module.ts'
import type { FactsAbout, PetalOptions } from './options.ts'
import { resolveOptions } from './options/resolve.ts'
import { findImport } from './place.ts'
import { filesOf, notAllowed, runsCode } from './safety.ts'

export type { ModelFacts, ModelHandle, ModelOptimization, ModelPort, ModelSource } from './handle.ts'
export type { Directives, FactsAbout, PetalOptions } from './options.ts'

/** The bundlers there is an adapter for; supporting another one is a row here and an entry file. */
const BUNDLERS: Readonly<Record<string, BundlerFactory>> = { vite, rollup, rolldown: rollup, webpack, rspack, rsbuild, esbuild, bun }

function createPlugins(given: PetalOptions, framework: string): UnpluginOptions[] {
  const factory = BUNDLERS[framework]
  if (!factory) throw new Error(`unplugin-petal has no adapter for ${framework}; there are some for ${Object.keys(BUNDLERS).join(', ')}.`)
  const options = resolveOptions(given)
  const models = createModels(options)
  const bundler = factory(models, fingerprint(options))
  const plugin: UnpluginOptions = {
    name: 'petal',
    // Before the bundler's own loading, which knows no `?mobile`.
    enforce: 'pre',
    load: {
      filter: { id: MODEL_FILE },
      handler(id) {
        return load.call(this, id, models, bundler, options.onFacts)
      },
    },
    ...bundler.options,
  }
  // unplugin would give esbuild every file to a second one; esbuild's adapter does it by itself.
  return framework === 'esbuild' ? [plugin] : [plugin, createRewriter(bundler, models)]
}

async function load(
  this: LoadContext, id: string, models: Models, bundler: Bundler, onFacts: PetalOptions['onFacts'],
): Promise<string | undefined> {
  // What is no file is another plugin's.
  if (!isAbsolute(pathOf(id))) return undefined
  const stored = storedOf(id)
  if (stored !== undefined) return await bundler.emit?.(this, stored)
  try {
    const asked = models.of(stripDevQuery(id))
    if (!asked) return undefined
    const { path, request } = asked
    if (await bundler.allows?.(id, filesOf(asked), runsCode(asked)) === false) throw notAllowed(path)
    this.addWatchFile(path)
    const { buildLayered } = await import('@petaljs/core')
    const result = await buildLayered(asked, (wanted) => models.build(path, wanted))
    for (const file of result.dependencies) this.addWatchFile(file)
    // The handle has said it already.
    const warnings = request.as === 'runtime' ? [] : result.warnings
    for (const { code, message, location } of warnings) {
      this.warn(withPlace(`${result.source.name}: ${code === undefined ? '' : `${code}: `}${message}`, location))
    }
    const facts = modelFacts(result)
    const written = (specifier: string): string => bundler.write?.(specifier) ?? specifier
    if (onFacts && request.as !== 'runtime') await tell(onFacts, facts, { file: path, importer: bundler.importer(this, id)?.file })
    // Types change nothing that ships: a file that cannot be written is no reason to fail.
    await models.declare(path, queryOf(stripDevQuery(id)), request.as, facts).catch((error: Error) => this.warn(error.message))
    return generateModule(request.as, {
      asset: bundler.asset(written(specifierOf(result.file, path))), runtime: written(runtimeSpecifier(stripDevQuery(id))), facts,
      imports: result.facts.imports,
    })
  } catch (error) {
    if (!(error instanceof PetalError)) throw error
    for (const file of error.dependencies) this.addWatchFile(file)
    const importer = bundler.importer(this, id)
    const { namedMiss } = await import('@petaljs/core')
    const named = namedMiss(error, importer?.specifier ?? basename(stripDevQuery(id)), importer && shownPath(importer.file))
    return bundler.fail(this, id, named, importer && await findImport(importer))
  }
}

/** What it throws is about the model, and shown as such. */
async function tell(onFacts: NonNullable<PetalOptions['onFacts']>, facts: ModelFacts, about: FactsAbout): Promise<void> {
  try {
    await onFacts(facts, about)
  } catch (error) {
    throw error instanceof PetalError ? error : new PetalError({
      code: 'ON_FACTS', message: error instanceof Error ? error.message : String(error), cause: 'The option "onFacts" refuses the model.',
    })
  }
}

/** A path as one reads it where the build was started. */
const shownPath = (file: string): string => relative(process.cwd(), file).replaceAll('\\', '/')

/** How the model's module names the stored file: relatively, so that the module is the same text in every checkout. */
function specifierOf(stored: string, model: string): string {
  const path = relative(dirname(model), stored).replaceAll('\\', '/')
  return isAbsolute(path) || path.startsWith('.') ? path : `./${path}`
}

/** The plugin for every supported bundler: `petal.vite()`, `petal.rollup()`, `petal.webpack()` and so on. */
export const petal: UnpluginInstance<PetalOptions | undefined, true> =
  createUnplugin<PetalOptions | undefined, true>((options, meta) => createPlugins(options ?? {}, meta.framework))

export default petal
