import type { PetalOptions } from '../../src/index.ts'
import type { App } from './app.ts'
import { vite7, vite8 } from './vite.ts'
import { webpack5 } from './webpack.ts'

export interface BuildSettings {
  petal?: PetalOptions
  /** Where the output is served from: `./`, `/` or a URL. */
  base?: string
  /** Makes every unmarked `.pt` an asset, as an app may do. */
  ptAssets?: boolean
  /** Folder that the app has its assets named into. */
  assetNames?: string
  /** Keeps the bundler's own cache on disk, where it has one. */
  persistentCache?: boolean
  /** As production builds are; what runs models is counted so. */
  minify?: boolean
  /** For servers instead of browsers. */
  ssr?: boolean
}

export interface Output {
  /** The folder with the output. */
  readonly dir: string
  /** Path in the folder -> content. */
  readonly files: Readonly<Record<string, Buffer>>
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
  build(app: App, settings?: BuildSettings): Promise<Output>
  watch(app: App, settings?: BuildSettings): Promise<Watching>
}

export const BUNDLERS: readonly TestBundler[] = [vite8, vite7, webpack5]

/** The models among the output. */
export const modelsOf = (output: Output): string[] => Object.keys(output.files).filter((name) => /\.(pt|ptl)$/.test(name))
