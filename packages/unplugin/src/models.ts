import { basename, join } from 'node:path'
import type { BuildResult, Engine, Limit, ModelRequest, Store } from '@petaljs/core'
import { createRequests, type Requests } from './asking/requests.ts'
import { createDeclarationFile } from './declarations/index.ts'
import type { ModelFacts } from './handle.ts'
import type { Shape } from './module.ts'
import type { PetalOptions } from './options.ts'
import { announced, type Clock, CLOCK, seconds } from './waiting.ts'

/** What a bundler tells before the first build. */
export interface ModelsContext {
  /** The app's root. */
  readonly root: string
  /** Takes the line at the end of a build. */
  readonly print?: ((line: string) => void) | undefined
  /** Takes what is worth knowing while one waits: that Python is at work, and what models print there. */
  readonly note?: ((line: string) => void) | undefined
}

/** The models of one app: compiles them, keeps them, and counts what happened for the line at the end of a build. */
export interface Models extends Requests {
  /** Called once by the bundler, before the first build. */
  configure(context: ModelsContext): void
  /** A compiled model. Throws a PetalError. */
  build(file: string, request: ModelRequest): Promise<BuildResult>
  /** Notes in the declaration file what an import gives, if there is to be one: of a model's path, with a query. Throws a PetalError. */
  declare(file: string, query: string, shape: Shape, facts: ModelFacts): Promise<void>
  /** Prints what was built since the last time; nothing if nothing was. */
  summarize(): void
  /** Ends Python, if it was started, and tidies the store now and then. A later build starts it again. */
  close(): Promise<void>
}

/** The models of one instance of the plugin. */
export function createModels(options: PetalOptions, clock: Clock = CLOCK): Models {
  let context: ModelsContext = { root: process.cwd() }
  let tools: Promise<Tools> | undefined
  /** By content: a model that is imported twice is one model. */
  const built = new Map<string, BuildResult>()
  const declarations = options.dts ? createDeclarationFile(options.dts, () => context.root) : undefined
  let began: number | undefined
  // What is wrong may be mended while one watches.
  const loaded = (): Promise<Tools> => tools ??= createTools(options, context).catch((error: unknown) => {
    tools = undefined
    throw error
  })

  return {
    ...createRequests(options, () => context.root),
    configure(given) {
      context = given
    },
    async build(file, request) {
      const { build, ...used } = await loaded()
      const { root, print, note: say = () => undefined } = context
      began ??= clock.now()
      const work = { say, isLast: print === undefined, clock }
      const result = await announced(basename(file), (onProgress) => build({ ...request, file }, { ...used, root, onProgress }), work)
      // Of several answers, the one that took a compile counts: the others of a build come from the cache.
      const key = `${file}\0${result.sha256}`
      if (!built.has(key) || !result.fromCache) built.set(key, result)
      return result
    },
    async declare(file, query, shape, facts) {
      if (!declarations || shape === 'runtime') return
      const { moduleTypes } = await import('./declarations/module-types.ts')
      await declarations.record(file, query, moduleTypes(shape, facts))
    },
    summarize() {
      if (built.size > 0) context.print?.(`${summary([...built.values()])} in ${seconds(clock.now() - began!)}`)
      built.clear()
      began = undefined
    },
    close: async () => {
      const used = await tools
      await used?.engine.close()
      await used?.store.tidy()
    },
  }
}

interface Tools {
  readonly build: typeof import('@petaljs/core').build
  readonly store: Store
  readonly engine: Engine
  readonly limit?: Limit
}

/** What builds is loaded with the first model: a dev server answers before that. Rejects with a PetalError for settings that are wrong. */
async function createTools({ cache, python, concurrency, frozen, remote }: PetalOptions, { root, note }: ModelsContext): Promise<Tools> {
  const { build, createLimit, createPyTorch, openStore } = await import('@petaljs/core')
  const store = openStore({ ...cache, root, frozen, remote, note: (line) => note?.(line) })
  const engine = createPyTorch({
    root, python: python?.path, timeLimit: python?.timeLimit, memo: join(store.dir, 'python'), onOutput: (line) => note?.(`python: ${line}`),
  })
  const convert: Engine['convert'] = (job, control) => {
    note?.(`converting ${basename(job.source.file)} with PyTorch`)
    return engine.convert(job, control)
  }
  return { build, store, engine: { ...engine, convert }, ...concurrency !== undefined && { limit: createLimit(concurrency) } }
}

/** `2 models, 1 compiled, 1 from the cache: 1.20 MB → 1.10 MB` */
export function summary(results: readonly BuildResult[]): string {
  const cached = results.filter((result) => result.fromCache).length
  const counted = [[results.length - cached, 'compiled'], [cached, 'from the cache']]
    .filter(([n]) => n !== 0)
    .map(([n, what]) => (n === results.length ? what : `${n} ${what}`))
  const total = (size: (result: BuildResult) => number): string => readableSize(results.reduce((sum, one) => sum + size(one), 0))
  const models = results.length === 1 ? '1 model' : `${results.length} models`
  return `${models}, ${counted.join(', ')}: ${total((one) => one.facts.bytes.before)} → ${total((one) => one.bytes)}`
}

const UNITS = ['B', 'kB', 'MB', 'GB']

/** Three digits and a decimal unit, as bundlers print sizes. */
function readableSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`
}
