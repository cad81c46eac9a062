import { createHash } from 'node:crypto'
import { SourceMap, type SourceMapping } from 'node:module'
import { describe, expect, it } from 'vitest'
import { modelApp } from './support/app.ts'
import { BUNDLERS, entryOf, modelsOf, type Output, type TestBundler } from './support/bundler.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The file of the output that a URL is of. */
const fileOf = (output: Output, url: string): Buffer => output.files[modelsOf(output).find((name) => url.endsWith(`/${name}`))!]!

async function failure(work: Promise<unknown>): Promise<string> {
  const text = await work.then(() => { throw new Error('the build did not fail') }, (error: Error) => error.message)
  return text.replace(/^ +(?:╰─▶ +× |│ ?)/gm, '')
}

/** An app whose modules run where `import.meta.url` is the page's or the script's, whatever the bundler. */
const SETTINGS = { base: './' } as const

describe.each(BUNDLERS)('$name: new URL()', ({ name, build }: TestBundler) => {
  it('is the URL of the compiled file', async () => {
    const app = await modelApp(`
      const compiled = new URL('./net.pt?mobile', import.meta.url)
      const blocked = new URL(\`net.pt?mobile&block=conv_bn_fusion\`, import.meta.url).href
      const again = new URL(/* the same */ "./net.pt?mobile", import.meta.url,)
      globalThis.result = [compiled.href, blocked, String(again), compiled instanceof URL]`)
    const output = await build(app, SETTINGS)
    const [compiled, blocked, again, isUrl] = await output.run()
    expect(modelsOf(output)).toHaveLength(2)
    expect(isUrl).toBe(true)
    expect(again).toBe(compiled)
    expect(fileOf(output, compiled).subarray(0, 2).toString()).toBe('PK')
    expect(sha256(fileOf(output, compiled))).not.toBe(sha256(fileOf(output, blocked)))
    for (const bytes of [fileOf(output, compiled), fileOf(output, blocked)]) expect(bytes).not.toEqual(await app.read('src/net.pt'))
  })

  it('is left alone when it is not ours', async () => {
    const app = await modelApp(`
      // new URL('./gone.pt?mobile', import.meta.url)
      const other = new URL('./net.pt?mobile', 'https://elsewhere.example/')
      const page = new URL('https://elsewhere.example/net.pt?mobile', 'https://app.example/')
      globalThis.result = [other.href, page.href]`)
    const output = await build(app, SETTINGS)
    expect(modelsOf(output)).toEqual([])
    const elsewhere = 'https://elsewhere.example/net.pt?mobile'
    expect(await output.run()).toEqual([elsewhere, elsewhere])
  })

  // The other bundlers know no workers.
  if (/^(?:vite|webpack|rspack|rsbuild)/.test(name)) it('leaves workers to the bundler', async () => {
    const app = await modelApp(`
      globalThis.start = () => new Worker(new URL('./mobile.worker.js', import.meta.url), { type: 'module' })
      globalThis.result = new URL('./net.pt?mobile', import.meta.url).href`)
    await app.write('src/mobile.worker.js', `globalThis.onmessage = () => globalThis.postMessage('a mark of the worker')`)
    const output = await build(app, SETTINGS)
    expect(modelsOf(output)).toHaveLength(1)
    const workers = Object.entries(output.files).filter(([file, text]) => file.endsWith('.js') && text.includes('a mark of the worker'))
    expect(workers).toHaveLength(1)
    expect(workers[0]![0]).not.toBe(entryOf(output))
    expect(fileOf(output, await output.run())).toBeDefined()
  })

  it('is refused where it stands', async () => {
    const app = await modelApp(`// an app\nglobalThis.result = new URL('./net.pt?mobile&blok=conv_bn_fusion', import.meta.url)`)
    const text = await failure(build(app, SETTINGS))
    expect(text).toContain('"blok" is not a directive of a "?mobile" import.')
    expect(text).toMatch(/src\/main\.js:2:(?:28|29|30)\b/)
    expect(text).toContain(`2 |  globalThis.result = new URL('./net.pt?mobile&blok=conv_bn_fusion', import.meta.url)`)
  })

  it('that is computed is refused', async () => {
    const app = await modelApp('const name = "net"\nglobalThis.result = new URL(`./${name}.pt?mobile`, import.meta.url)')
    const text = await failure(build(app, SETTINGS))
    expect(text).toContain('is only known when the app runs')
    expect(text).toMatch(/src\/main\.js:2:(?:28|29|30)\b/)
  })

  it('keeps source maps right', async () => {
    const app = await modelApp(`
      export const url = new URL('./net.pt?mobile', import.meta.url), after = globalThis.nothing ?? 'a mark on the same line'
      globalThis.result = [url, after, 'a mark on the next line']`)
    const output = await build(app, { ...SETTINGS, sourceMaps: true })
    const entry = entryOf(output)
    const map = new SourceMap(JSON.parse(output.files[`${entry}.map`]!.toString()))
    const source = (await app.read('src/main.js')).toString().split('\n')
    const code = output.files[entry]!.toString().split('\n')
    for (const mark of ['a mark on the same line', 'a mark on the next line']) {
      const line = code.findIndex((text) => text.includes(mark))
      const origin = map.findEntry(line, code[line]!.indexOf(mark) - 1) as SourceMapping
      expect(origin.originalSource).toMatch(/src\/main\.js$/)
      expect(source[origin.originalLine]).toContain(mark)
      // Bun takes no source map from a plugin: lines stay right, as rewriting keeps them.
      if (name.startsWith('bun')) continue
      // Some bundlers map statements, others each word; what stands before the rewritten part is 40 characters away from what follows.
      expect(source[origin.originalLine]!.slice(origin.originalColumn)).toContain(mark)
    }
  })
})

describe.each(BUNDLERS)('$name: import attributes', ({ build, kind }: TestBundler) => {
  it('say what a query says', async () => {
    const app = await modelApp(`
      import byQuery from './net.pt?mobile&block=conv_bn_fusion'
      import byAttributes from './net.pt' with { type: 'mobile', "block": 'conv_bn_fusion' }
      export { default as facts } from './net.pt' with { type: 'mobile', as: 'facts' }
      globalThis.result = [byQuery.url, byAttributes.url, byAttributes.optimizations.filter((one) => one.blocked).map((one) => one.name)]`)
    const output = await build(app, SETTINGS)
    const [query, attributes, blocked] = await output.run()
    expect(modelsOf(output)).toHaveLength(1)
    expect(attributes).toBe(query)
    expect(blocked).toEqual(['conv_bn_fusion'])
  })

  it('can be those of a dynamic import', async () => {
    const app = await modelApp(`
      globalThis.result = import('./net.ptl', { with: { type: 'mobile' } }).then(({ default: model }) => model.source.name)`)
    const output = await build(app, SETTINGS)
    expect(modelsOf(output)).toHaveLength(1)
    // webpack's kind splits it off into a file that its loader would fetch.
    if (kind === 'module') expect(await output.run()).toBe('net.ptl')
  })

  it('are refused where they stand', async () => {
    const app = await modelApp(`// an app\nimport model from './net.pt' with { type: 'mobile', blok: 'x' }\nglobalThis.result = model`)
    const text = await failure(build(app, SETTINGS))
    expect(text).toContain('"blok" is not a directive of a "?mobile" import.')
    expect(text).toMatch(/src\/main\.js:2:(?:18|19|20)\b/)
  })
})
