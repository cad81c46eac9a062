import { build, type BuildResult, createStore, type ModelRequest, type Store } from '@petaljs/core'
import type { PetalOptions } from './options.ts'

/** The models of one app: compiles them, keeps them, and counts what happened for the line at the end of a build. */
export interface Models {
  /** Called once by the bundler, before the first build: the app's root, and where to print. */
  configure(root: string, print?: (line: string) => void): void
  /** A compiled model. Throws a PetalError. */
  build(file: string, request: ModelRequest): Promise<BuildResult>
  /** Prints what was built since the last time; nothing if nothing was. */
  summarize(): void
}

/** The models of one instance of the plugin. */
export function createModels(options: PetalOptions): Models {
  let root = process.cwd()
  let print: ((line: string) => void) | undefined
  let store: Store | undefined
  /** By content: a model that is imported twice is one model. */
  const built = new Map<string, BuildResult>()

  return {
    configure(appRoot, printer) {
      root = appRoot
      print = printer
    },
    async build(file, request) {
      const { dir } = options.cache ?? {}
      store ??= createStore(dir === undefined ? { root } : { root, dir })
      const result = await build({ ...request, file }, { store })
      // Of several answers, the one that took a compile counts: the others of a build come from the cache.
      const key = `${file}\0${result.sha256}`
      if (!built.has(key) || !result.fromCache) built.set(key, result)
      return result
    },
    summarize() {
      if (built.size > 0) print?.(summary([...built.values()]))
      built.clear()
    },
  }
}

/** `2 models, 1 compiled, 1 from the cache: 1.20 MB → 1.10 MB` */
export function summary(results: readonly BuildResult[]): string {
  const cached = results.filter((result) => result.fromCache).length
  const counted = [[results.length - cached, 'compiled'], [cached, 'from the cache']]
    .filter(([n]) => n !== 0)
    .map(([n, what]) => (n === results.length ? what : `${n} ${what}`))
  const total = (size: (result: BuildResult) => number): string => readableSize(results.reduce((sum, one) => sum + size(one), 0))
  const models = results.length === 1 ? '1 model' : `${results.length} models`
  return `${models}, ${counted.join(', ')}: ${total((one) => one.source.bytes)} → ${total((one) => one.bytes)}`
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
