import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { expect } from 'vitest'
import { type App, createApp, installRuntime, modelApp } from './app.ts'
import { entryOf, modelsOf, type Output, servedFrom, type TestBundler } from './bundler.ts'

/** What an import does, whatever bundles it. */
export interface Contract {
  /** As docs/bundlers.md has it. */
  readonly title: string
  check(bundler: TestBundler): Promise<void>
  /** By bundler, as a pattern of names: what is so instead, and why. It is checked like the rest. */
  readonly otherwise?: Readonly<Record<string, { readonly why: string; check(bundler: TestBundler): Promise<void> }>>
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const ONE = `import model from './net.ptl?mobile'\nglobalThis.result = model`

function at(base: string | undefined): Contract['check'] {
  return async (bundler) => {
    const app = await modelApp(ONE)
    const output = await bundler.build(app, { base })
    const [asset] = modelsOf(output)
    expect((await output.run()).url).toBe(servedFrom(output, bundler, base ?? bundler.defaultBase) + asset)
  }
}

async function failure(work: Promise<unknown>): Promise<string> {
  return await work.then(() => { throw new Error('the build did not fail') }, (error: Error) => error.message)
}

/** Two models by two ways, which is enough to see names and bytes. */
const TWO = `import model from './net.pt?mobile'\nimport second from './other.ptl?mobile'\nglobalThis.result = [model, second]`

async function survivesCache({ build }: TestBundler): Promise<void> {
  const app = await modelApp(TWO)
  const cold = await build(app, { persistentCache: true })
  await rm(app.path('dist'), { recursive: true })
  const warm = await build(app, { persistentCache: true })
  expect(modelsOf(warm)).toHaveLength(2)
  expect(warm.files).toEqual(cold.files)
  const blocked = await build(app, { persistentCache: true, petal: { block: ['conv_bn_fusion'] } })
  expect(modelsOf(blocked).filter((name) => !modelsOf(cold).includes(name))).toHaveLength(1)
}

const ODD_PATHS = ['a b+c.pt', 'a#b.pt', '50%20%.pt', 'é模.pt', 'a&amp;b.pt', `it's.pt`, 'in#side/net.pt']
const BANG_PATH = 'a!b.pt'

const ODD_QUERIES = ['mobile!', 'mobile#top', 'mobile&block=a!b', 'mobile&block=a b+é', 'block=50%&mobile', 'mobile&amp;block=x']

async function takesPaths({ build }: TestBundler, paths: readonly string[]): Promise<void> {
  const app = await modelApp(`${paths.map((path, i) => `import m${i} from ${JSON.stringify(`./${path}?mobile`)}`).join('\n')}
    globalThis.result = [${paths.map((_, i) => `m${i}`).join(', ')}]`)
  for (const path of paths) await app.model(`src/${path}`, 'net.pt')
  const output = await build(app)
  const models = await output.run() as { url: string; source: { name: string } }[]
  expect(models.map(({ source }) => source.name)).toEqual(paths.map((path) => path.replace(/^.*\//, '')))
  for (const { url } of models) expect(modelsOf(output).some((name) => decodeURIComponent(url).endsWith(name)), url).toBe(true)
}

/** The text of an error, which says where the import is. */
async function shownAtImport({ build }: TestBundler): Promise<string> {
  const app = await modelApp(`import { net } from './models/index.js'\nglobalThis.result = net`)
  await app.write('src/models/index.js', `\n\nexport { default as net } from "../net.ptl?mobile&blok=x"\n`)
  const text = await failure(build(app))
  expect(text).toContain('"blok" is not a directive')
  expect(text).toMatch(/src\/models\/index\.js:3:3[123]\b/)
  expect(text).toMatch(/3 [|│] +export \{ default as net \} from "\.\.\/net\.ptl\?mobile&blok=x"\n[ │]*[|╵] +[~^]{22,24}/)
  return text
}

async function buildsAgain({ build, watch }: TestBundler): Promise<void> {
  const app = await modelApp(ONE)
  await expect(watch(app)).rejects.toThrow('no watch mode')
  const { sha256: first } = await (await build(app)).run()
  await app.model('src/net.ptl', 'other.ptl')
  const output = await build(app)
  const model = await output.run()
  expect(model.sha256).not.toBe(first)
  expect(modelsOf(output).some((name) => model.url.endsWith(name))).toBe(true)
}

/** The server's module has the URL that the page's has. */
async function serverAgrees(bundler: TestBundler, emitted: number): Promise<void> {
  const app = await modelApp(ONE)
  const server = await bundler.build(app, { ssr: true, base: '/' })
  const said = await server.run()
  expect(modelsOf(server)).toHaveLength(emitted)
  const browser = await bundler.build(app, { base: '/' })
  expect(said.url).toBe((await browser.run()).url)
  expect(modelsOf(browser)).toHaveLength(1)
}

export const CONTRACTS: readonly Contract[] = [
  { title: 'the URL is right under the default base or public path', check: at(undefined) },
  { title: 'the URL is right under a base that is relative', check: at('./') },
  { title: 'the URL is right under a base that is a path', check: at('/') },
  { title: 'the URL is right under a base that is a CDN', check: at('https://cdn.example/app/') },
  {
    title: 'files have names with hashes, which change with the model',
    async check({ build }) {
      const app = await modelApp(ONE)
      const [before] = modelsOf(await build(app))
      await app.model('src/net.ptl', 'other.ptl')
      await rm(app.path('dist'), { recursive: true })
      const [after] = modelsOf(await build(app))
      for (const name of [before, after]) expect(name).toMatch(/(^|\/)net[-.][\w-]{8,10}\.ptl$/)
      expect(after).not.toBe(before)
    },
  },
  {
    title: 'files are named as the app has its assets named',
    async check({ build }) {
      const output = await build(await modelApp(ONE), { assetNames: 'static/media' })
      expect(modelsOf(output)).toEqual([expect.stringMatching(/^static\/media\/net\.[\w-]{8,}\.ptl$/)])
    },
  },
  {
    title: 'the file is in the manifest, the bundle, the stats or the metafile',
    async check({ build }) {
      const output = await build(await modelApp(ONE))
      expect(output.listed).toContain(modelsOf(output)[0])
    },
  },
  {
    title: 'a dynamic import is a chunk of its own, with the facts in it',
    async check({ build }) {
      const output = await build(await modelApp(`globalThis.result = import('./net.ptl?mobile')`))
      const [asset] = modelsOf(output)
      const name = asset!.replace(/^.*\//, '')
      expect(output.files[entryOf(output)]!.toString()).not.toContain(name)
      expect(Object.entries(output.files).filter(([file, text]) => file.endsWith('.js') && text.includes(name))).toHaveLength(1)
    },
  },
  {
    title: 'two imports of a model with different directives are two files',
    async check({ build }) {
      const output = await build(await modelApp(`
        import all from './net.pt?mobile'
        import some from './net.pt?mobile&block=conv_bn_fusion'
        globalThis.result = [all, some]`))
      const [all, some] = await output.run()
      expect(modelsOf(output)).toHaveLength(2)
      for (const model of [all, some]) {
        const file = modelsOf(output).find((name) => model.url.endsWith(name))!
        expect(sha256(output.files[file]!)).toBe(model.sha256)
      }
      expect(all.sha256).not.toBe(some.sha256)
    },
  },
  {
    title: 'a model that is imported twice is one file',
    async check({ build }) {
      const app = await modelApp(`
        import a from './net.pt?mobile&block=fuse_add_relu,remove_dropout'
        import b from './net.pt?block=REMOVE_DROPOUT,fuse_add_relu&format=ptl&mobile'
        import c from './more.js'
        globalThis.result = [a.url, b.url, c.url]`)
      await app.write('src/more.js', `export { default } from './net.pt?mobile&block=remove_dropout,fuse_add_relu'`)
      const output = await build(app)
      expect(modelsOf(output)).toHaveLength(1)
      expect(new Set(await output.run()).size).toBe(1)
    },
  },
  {
    title: 'a warm cache of the bundler keeps the file, and other options do not get an old one',
    check: survivesCache,
  },
  {
    title: 'the second build of a watch keeps the file, and a changed model is built again',
    async check({ watch }) {
      const app = await modelApp(ONE)
      const watching = await watch(app)
      // A build amid a change fails, and files may be gone when the next one has begun; another follows both.
      const ran = async (): Promise<{ output: Output; model: any }> => {
        for (;;) {
          const output = await watching.next().catch((error: Error) => {
            if (!error.message.includes('changed while it was being compiled')) throw error
          })
          const model = await output?.run().catch(() => undefined)
          if (output && model) return { output, model }
        }
      }
      try {
        const first = (await ran()).model
        await app.model('src/net.ptl', 'other.ptl')
        for (;;) {
          const { output, model } = await ran()
          if (model.sha256 === first.sha256) continue
          expect(modelsOf(output).some((name) => model.url.endsWith(name))).toBe(true)
          expect(model.url).not.toBe(first.url)
          break
        }
        await app.write('src/main.js', `${ONE}\nglobalThis.more = 'more'`)
        const bytes = await app.read('src/net.ptl')
        for (;;) {
          const { output } = await ran()
          expect(modelsOf(output).some((name) => output.files[name]!.equals(bytes))).toBe(true)
          if (Object.values(output.files).some((text) => text.includes('globalThis.more'))) break
        }
      } finally {
        await watching.close()
      }
    },
    otherwise: {
      bun: { why: '`Bun.build` has no watch mode; a changed model is built again by the next build.', check: buildsAgain },
    },
  },
  {
    title: 'two checkouts give the same names and bytes',
    async check({ build }) {
      // As deep: webpack names modules by where the plugin is as well, which in an app is always the same.
      const [here, there] = [await modelApp(TWO, 'some/folder'), await modelApp(TWO, 'other/place of it')]
      for (const app of [here, there]) await installRuntime(app)
      const [one, two] = [await build(here), await build(there)]
      expect(Object.keys(two.files)).toEqual(Object.keys(one.files))
      expect(two.files).toEqual(one.files)
    },
  },
  {
    title: 'a build for a server gives the same URL, and writes no file where the app wants none',
    check: (bundler) => serverAgrees(bundler, 0),
    otherwise: {
      rollup: { why: 'Rollup and Rolldown have one kind of build; the file is there once, for a server that loads it.', check: (bundler) => serverAgrees(bundler, 1) },
      rolldown: { why: 'Rollup and Rolldown have one kind of build; the file is there once, for a server that loads it.', check: (bundler) => serverAgrees(bundler, 1) },
      esbuild: { why: 'The loader `file` has no setting that leaves the file out; it is there once, under the same name.', check: (bundler) => serverAgrees(bundler, 1) },
      bun: { why: 'The loader `file` has no setting that leaves the file out; it is there once, under the same name.', check: (bundler) => serverAgrees(bundler, 1) },
    },
  },
  {
    title: 'source maps of the app stay right',
    async check({ build }) {
      const app = await modelApp(`import model from './net.ptl?mobile'\n\nglobalThis.result = model\nexport function thrower() {\n  throw new Error('landmark')\n}\nglobalThis.thrower = thrower`)
      const output = await build(app, { sourceMaps: true })
      const { SourceMap } = await import('node:module')
      const [entry, text] = Object.entries(output.files).find(([name, content]) => name.endsWith('.js') && content.includes('landmark'))!
      const map = new SourceMap(JSON.parse(output.files[`${entry}.map`]!.toString()))
      const before = text.toString().split('landmark')[0]!.split('\n')
      const origin = map.findEntry(before.length - 1, before.at(-1)!.length - 1) as { originalSource: string; originalLine: number }
      expect(origin).toMatchObject({ originalSource: expect.stringMatching(/src\/main\.js$/), originalLine: 4 })
    },
  },
  {
    title: 'an error points at the line that imports, with a frame, and without a stack',
    async check(bundler) {
      expect(await shownAtImport(bundler)).not.toMatch(/\n\s+at /)
    },
    otherwise: {
      bun: {
        why: 'Bun shows every error of a plugin at the module that failed, the model, and without a line; the line that imports, and its frame, are in the text above that.',
        async check(bundler) {
          const text = await shownAtImport(bundler)
          expect(text.match(/\n\s+at .*/g)).toEqual([expect.stringMatching(/src\/net\.ptl\?mobile&blok=x:0$/)])
        },
      },
    },
  },
  {
    title: 'queries may hold odd characters',
    async check({ build }) {
      const app = await modelApp(`
        import url from './net with (brackets) [and] more.pt?mobile&as=url'
        import some from './net.pt?block=conv_bn_fusion%2Cremove_dropout&as=facts&mobile'
        globalThis.result = { url, blocked: some.optimizations.filter((one) => one.blocked).map((one) => one.name) }`)
      await app.model('src/net with (brackets) [and] more.pt', 'net.pt')
      const output = await build(app)
      const { url, blocked } = await output.run()
      expect(blocked.toSorted()).toEqual(['conv_bn_fusion', 'remove_dropout'])
      expect(modelsOf(output).some((name) => decodeURIComponent(url).endsWith(name))).toBe(true)
      const text = await failure(build(await modelApp(`import url from './net.pt?mobile&block=a%00b;c|d'\nglobalThis.result = url`)))
      expect(text).toMatch(/block/)
    },
  },
  {
    title: 'paths of models may hold odd characters',
    check: (bundler) => takesPaths(bundler, [...ODD_PATHS, BANG_PATH]),
    otherwise: Object.fromEntries(['webpack', 'rspack', 'rsbuild'].map((name) => [name, {
      why: 'A "!" in a path parts loaders, which cannot be escaped: it is refused where it stands. In a query it is escaped.',
      check: async (bundler) => {
        await takesPaths(bundler, ODD_PATHS)
        const app = await modelApp(`// an app\nimport model from './${BANG_PATH}?mobile'\nglobalThis.result = model`)
        await app.model(`src/${BANG_PATH}`, 'net.pt')
        const text = await failure(bundler.build(app))
        expect(text.split(`The path of the model in "./${BANG_PATH}?mobile" has a "!"`)).toHaveLength(2)
        expect(text).toMatch(/Rename the file[^]*src\/main\.js:2:20\n/)
        expect(text).not.toMatch(/\n\s+at |Can't resolve/)
      },
    }])),
  },
  {
    title: 'characters that a query may not have are refused by one error, at the import',
    async check({ build }) {
      for (const query of ODD_QUERIES) {
        const app = await modelApp(`// an app\nimport model from './net.pt?${query}'\nglobalThis.result = model`)
        const text = await failure(build(app))
        expect(text.split(/has characters that it may not have|begins with what HTML writes/), query).toHaveLength(2)
        expect(text).toMatch(/src\/main\.js:2:(?:18|19|20)\b/)
        expect(text).toContain(`import model from './net.pt?${query}'`)
        // Bun tells the module, too.
        expect(text).not.toMatch(/\n\s+at (?!.*net\.pt\?)|Can't resolve/)
      }
    },
  },
  {
    title: 'models may be outside of the root',
    async check({ build }) {
      const app = await createApp({ 'src/main.js': `import model from '../../shared/net.ptl?mobile'\nglobalThis.result = model` }, 'app')
      await app.model('../shared/net.ptl')
      const output = await build(app)
      expect(modelsOf(output)).toHaveLength(1)
      expect((await output.run()).source.name).toBe('net.ptl')
    },
  },
  {
    title: 'models may be in node_modules',
    check: inPackage('zoo/net.ptl'),
    otherwise: {
      rollup: { why: 'Rollup finds no packages without `@rollup/plugin-node-resolve`; a path into them works.', check: inPackage('../node_modules/zoo/net.ptl') },
    },
  },
  {
    title: 'modules that other plugins make are left alone',
    async check({ build }) {
      const app = await modelApp(`
        import words from 'other/words.py'
        import marked from 'other/words.pt?mobile'
        import model from './net.ptl?mobile'
        globalThis.result = [words, marked, model.format]`)
      const output = await build(app, {
        virtual: { 'other/words.py': `export default 'some words'`, 'other/words.pt?mobile': `export default 'marked words'` },
      })
      expect(await output.run()).toEqual(['some words', 'marked words', 'ptl'])
    },
  },
  {
    title: '`new URL(…, import.meta.url)` of a model is the URL of the file',
    async check({ build }) {
      const output = await build(await modelApp(`
        import model from './net.pt?mobile'
        globalThis.result = [model.url, new URL('./net.pt?mobile', import.meta.url).href]`), { base: './' })
      const [url, href] = await output.run()
      expect(modelsOf(output)).toHaveLength(1)
      expect(href).toBe(url)
    },
  },
  {
    title: 'import attributes say what a query says',
    async check({ build }) {
      const output = await build(await modelApp(`
        import query from './net.pt?mobile&block=conv_bn_fusion'
        import attributes from './net.pt' with { type: 'mobile', block: 'conv_bn_fusion' }
        globalThis.result = [query, attributes]`))
      const [query, attributes] = await output.run()
      expect(modelsOf(output)).toHaveLength(1)
      expect(JSON.stringify(attributes)).toBe(JSON.stringify(query))
    },
  },
  {
    title: 'an import wins over its preset, and that over defaults',
    async check({ build }) {
      const output = await build(await modelApp(`
        import plain from './net.pt?mobile'
        import preset from './net.pt?mobile=careful'
        import own from './net.pt?mobile=careful&block=fuse_add_relu'
        globalThis.result = [plain, preset, own].map((model) => model.optimizations.filter((one) => one.blocked).map((one) => one.name).join())`), {
        petal: { defaults: 'block=remove_dropout&as=facts', presets: { careful: { block: ['conv_bn_fusion'] } } },
      })
      expect(await output.run()).toEqual(['remove_dropout', 'conv_bn_fusion', 'fuse_add_relu'])
    },
  },
]

function inPackage(specifier: string): Contract['check'] {
  return async ({ build }) => {
    const app: App = await createApp({
      'src/main.js': `import model from '${specifier}?mobile'\nglobalThis.result = model`, 'node_modules/zoo/package.json': '{ "name": "zoo", "version": "1.0.0" }',
    })
    await app.model('node_modules/zoo/net.ptl')
    const output = await build(app)
    expect(modelsOf(output)).toHaveLength(1)
    expect((await output.run()).source.name).toBe('net.ptl')
  }
}

/** What is checked of a bundler in one row. */
export function ruleFor({ check, otherwise = {} }: Contract, { name }: TestBundler): { why?: string; check: Contract['check'] } {
  return otherwise[name.replace(/ .*/, '')] ?? { check }
}
