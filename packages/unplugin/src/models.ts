import { basename, join } from 'node:path'
import {
  build, type BuildResult, createLimit, createPyTorch, type Engine, type Limit, type ModelRequest, openStore, type Store,
} from '@petaljs/core'
import { createRequests, type Requests } from './asking/requests.ts'
import { createDeclarationFile, moduleTypes } from './declarations/index.ts'
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
  let tools: Tools | undefined
  /** By content: a model that is imported twice is one model. */
  const built = new Map<string, BuildResult>()
  const declarations = options.dts ? createDeclarationFile(options.dts, () => context.root) : undefined
  let began: number | undefined

  return {
    ...createRequests(options, () => context.root),
    configure(given) {
      context = given
    },
    async build(file, request) {
      const used = tools ??= createTools(options, context)
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
      if (shape !== 'runtime') await declarations?.record(file, query, moduleTypes(shape, facts))
    },
    summarize() {
      if (built.size > 0) context.print?.(`${summary([...built.values()])} in ${seconds(clock.now() - began!)}`)
      built.clear()
      began = undefined
    },
    close: async () => {
      await tools?.engine.close()
      await tools?.store.tidy()
    },
  }
}

interface Tools {
  readonly store: Store
  readonly engine: Engine
  readonly limit?: Limit
}

function createTools({ cache, python, concurrency, frozen, remote }: PetalOptions, { root, note }: ModelsContext): Tools {
  const store = openStore({ ...cache, root, frozen, remote, note: (line) => note?.(line) })
  const engine = createPyTorch({
    root, python: python?.path, timeLimit: python?.timeLimit, memo: join(store.dir, 'python'), onOutput: (line) => note?.(`python: ${line}`),
  })
  const convert: Engine['convert'] = (job, control) => {
    note?.(`converting ${basename(job.source.file)} with PyTorch`)
    return engine.convert(job, control)
  }
  return { store, engine: { ...engine, convert }, ...concurrency !== undefined && { limit: createLimit(concurrency) } }
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
