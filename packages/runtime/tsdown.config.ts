import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type UserConfig } from 'tsdown'
import { operatorExports } from './scripts/operators.mjs'

/** One entry for each family of operators, so that an app gets those its model needs. */
const families = [...readFileSync(new URL('src/families.ts', import.meta.url), 'utf8').matchAll(/'\.\/(ops\/[^']+)\.ts'/g)].map(([, path]) => path!)
const entries = ['index', 'handle', 'load', 'engine', 'build', 'spec', 'react', 'vue', 'svelte', 'worker-client', ...families]

const source = fileURLToPath(new URL('src/', import.meta.url))
const operators = { root: `${source}ops/`, families: families.map((path) => `${source}${path}.ts`) }

/** A source and all that it imports, but for what it imports when it is needed. */
function withImports(file: string, known: Set<string> = new Set()): Set<string> {
  if (known.has(file)) return known
  known.add(file)
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/^(?:(?:im|ex)port (?!type).*|\}) from '(\..+)'$/gm)) withImports(resolve(dirname(file), path!), known)
  return known
}

/** What every load takes is one file: apps' bundlers make chunks of files, and many little ones compress badly. */
const core = withImports(`${source}load.ts`)

const common: UserConfig = { format: 'esm', platform: 'neutral', target: 'es2022', fixedExtension: false }

const config: UserConfig[] = defineConfig([
  {
    ...common, entry: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])), dts: { oxc: true },
    plugins: [operatorExports(operators)],
    outputOptions: { codeSplitting: { groups: [{ name: 'core', test: (id) => core.has(id) }] } },
    // A model is Disposable, which apps need not have in their `lib`.
    banner: { dts: '/// <reference lib="esnext.disposable" />' },
  },
  // One file: bundlers build workers on their own, and by default into formats that cannot be split.
  {
    ...common, entry: { worker: 'src/worker.ts' }, dts: false, clean: false, minify: true, outputOptions: { codeSplitting: false },
    plugins: [operatorExports({ ...operators, split: false })],
  },
]) as UserConfig[]

export default config
