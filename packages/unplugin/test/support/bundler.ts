import type { PetalOptions } from '../../src/index.ts'
import type { App } from './app.ts'
import { bun1 } from './bun.ts'
import { esbuild0 } from './esbuild.ts'
import { rolldown1, rollup4 } from './rollup.ts'
import { vite6, vite7, vite8 } from './vite.ts'
import { rsbuild2, rspack2, webpack5 } from './webpack.ts'

export interface BuildSettings {
  petal?: PetalOptions
  /** Where the output is served from: `./`, `/` or a URL. */
  base?: string | undefined
  /** Makes every unmarked `.pt` an asset, as an app may do. */
  ptAssets?: boolean
  /** Folder that the app has its assets named into. */
  assetNames?: string
  /** Keeps the bundler's own cache on disk, where it has one. */
  persistentCache?: boolean
  /** As production builds are; what runs models is counted so. */
  minify?: boolean
  /** For servers instead of browsers, without assets where the bundler lets an app say so. */
  ssr?: boolean
  sourceMaps?: boolean
  /** Modules that another plugin makes: specifier -> text. */
  virtual?: Record<string, string>
}

export interface Output {
  /** The folder with the output. */
  readonly dir: string
  /** Path in the folder -> content. */
  readonly files: Readonly<Record<string, Buffer>>
  /** Paths in the folder that the bundler's own report names: manifest, bundle, stats or metafile. */
  readonly listed: readonly string[]
  /** Everything that was logged or warned. */
  readonly log: string
  /** Runs the entry and gives what it assigned to `globalThis.result`. */
  run(): Promise<any>
}

export interface Watching {
  /** The output of the next build that ends; rejects if it fails. */
  next(): Promise<Output>
  close(): Promise<void>
}

/** One bundler, as the contract tests drive it. Failed builds reject with everything the bundler would print. */
export interface TestBundler {
  readonly name: string
  /** What pages load. */
  readonly kind: 'module' | 'script'
  /** Where output is served from when nobody says it. */
  readonly defaultBase: '/' | './'
  build(app: App, settings?: BuildSettings): Promise<Output>
  watch(app: App, settings?: BuildSettings): Promise<Watching>
}

export const BUNDLERS: readonly TestBundler[] = [vite8, vite7, vite6, rollup4, rolldown1, webpack5, rspack2, rsbuild2, esbuild0, bun1]

/** One for each way of bundling: what comes from the core is the same in further versions of these. */
export const KINDS: readonly TestBundler[] = [vite8, rollup4, rolldown1, webpack5, rspack2, esbuild0]

/** One for each adapter, for what takes long. */
export const ADAPTERS: readonly TestBundler[] = [vite8, rollup4, webpack5, esbuild0]

/** The script of a page that was built. */
export const entryOf = ({ files }: Output): string => Object.keys(files).find((name) => /(^|\/)main-[^/]*\.js$/.test(name))!

/** Where a run output finds its files. */
export function servedFrom({ dir }: Output, { kind }: TestBundler, base: string): string {
  if (base !== './') return base
  return kind === 'module' ? `file://${dir}/` : 'https://app.example/'
}

/** The models among the output. */
export const modelsOf = (output: Output): string[] => Object.keys(output.files).filter((name) => /\.(pt|ptl)$/.test(name))
