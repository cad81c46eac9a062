import { readFileSync } from 'node:fs'
import { defineConfig, type UserConfig } from 'tsdown'

/** One entry for each family of operators, so that an app gets those its model needs. */
const families = [...readFileSync(new URL('src/families.ts', import.meta.url), 'utf8').matchAll(/'\.\/(ops\/[^']+)\.ts'/g)].map(([, path]) => path!)
const entries = ['index', 'handle', 'load', 'engine', 'build', 'react', 'vue', 'svelte', 'worker-client', ...families]

const common: UserConfig = { format: 'esm', platform: 'neutral', target: 'es2022', fixedExtension: false }

const config: UserConfig[] = defineConfig([
  {
    ...common, entry: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])), dts: { oxc: true },
    // A model is Disposable, which apps need not have in their `lib`.
    banner: { dts: '/// <reference lib="esnext.disposable" />' },
  },
  // One file: bundlers build workers on their own, and by default into formats that cannot be split.
  { ...common, entry: { worker: 'src/worker.ts' }, dts: false, clean: false, minify: true, outputOptions: { codeSplitting: false } },
]) as UserConfig[]

export default config
