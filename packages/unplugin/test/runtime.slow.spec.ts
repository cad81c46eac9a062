import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type App, fixture, installRuntime, modelApp } from './support/app.ts'
import { chromiumPath, launchBrowser, serveFiles } from './support/browser.ts'
import { BUNDLERS, KINDS, modelsOf, type Output, type TestBundler } from './support/bundler.ts'
import { startDev } from './support/dev.ts'
import { VITES } from './support/vite.ts'

/** What only the code that runs models has in it. */
const RUNS_MODELS = /UNSUPPORTED_OPERATOR|WebAssembly/

const scripts = ({ files }: Output): [name: string, text: string][] =>
  Object.entries(files).filter(([name]) => name.endsWith('.js')).map(([name, content]) => [name, content.toString()])

/** The scripts that a page gets before it asks for anything else. */
const atOnce = (output: Output): string => scripts(output).filter(([name]) => /main-/.test(name)).map(([, text]) => text).join('\n')

async function spectrumApp(query: string): Promise<App> {
  const app = await modelApp(`// an app\nimport model from './spectrum.pt?${query}'\nglobalThis.result = model`)
  await app.model('src/spectrum.pt')
  return app
}

describe.each(KINDS)('$name: what runs a model', ({ build }) => {
  it('is in no script that a page begins with', async () => {
    const output = await build(await modelApp(`import model from './net.pt?mobile'\nglobalThis.result = model.url`))
    expect(atOnce(output)).not.toMatch(RUNS_MODELS)
    expect(scripts(output).some(([, text]) => RUNS_MODELS.test(text))).toBe(true)
  })

  it('is nowhere where an app takes the URL or the facts alone', async () => {
    const output = await build(await modelApp(`
      import url from './net.pt?mobile&as=url'
      import facts from './net.pt?mobile&as=facts'
      globalThis.result = { url, facts }`))
    expect(scripts(output)).toHaveLength(1)
    expect(atOnce(output)).not.toMatch(/load|petaljs/)
    const { facts } = await output.run()
    expect(facts.runtime).toEqual({ families: expect.arrayContaining([expect.any(String)]), unsupported: [] })
  })

  it('is found where only the plugin brings it, and where the app has a copy', async () => {
    const main = `import model from './net.pt?mobile'\nglobalThis.result = typeof model.load`
    expect(await (await build(await modelApp(main))).run()).toBe('function')
    const app = await modelApp(main)
    await installRuntime(app)
    const marked = (await app.read('node_modules/@petaljs/runtime/dist/handle.js')).toString().replace(/load\(/, '/*! ours */ load(')
    await app.write('node_modules/@petaljs/runtime/dist/handle.js', `${marked}\nglobalThis.copyOfTheApp = true`)
    expect(atOnce(await build(app))).toContain('copyOfTheApp')
  })

  it('lacks an operator: a warning at the import, in the next build, too', async () => {
    const app = await spectrumApp('mobile')
    const lack = /spectrum\.pt: Petal's runtime for the web lacks aten::fft_rfft \(once, at code\/__torch__\.py:\d+\)/
    for (const { log } of [await build(app), await build(app)]) {
      expect(log).toMatch(lack)
      expect(log.match(/aten::fft_rfft/g)).toHaveLength(1)
    }
  })

  it('lacks an operator: an error where the app requires the web', async () => {
    const app = await spectrumApp('mobile&requires=web')
    const { message } = await build(app).then(() => { throw new Error('was built') }, (error: Error) => error)
    expect(message).toMatch(/spectrum\.pt cannot run on the web: .*aten::fft_rfft/)
    expect(message).toMatch(/src\/main\.js:2:/)
    expect(message).toMatch(/In the model: code\/__torch__\.py:\d+/)
  })

  it('is told how pictures become the input', async () => {
    const app = await modelApp(`
      import model from './net.pt?mobile&image=28x28&channels=gray&mean=0.5&std=0.25'
      globalThis.result = model`)
    const { image } = await (await build(app)).run()
    expect(image).toEqual({ size: [28, 28], channels: 'gray', mean: [0.5], std: [0.25] })
  })

  it('tries the model when it is built, and says so', async () => {
    const app = await modelApp(`import model from './net.pt?mobile&input=1x1x6x6'\nglobalThis.result = model`)
    const { check, signature, integrity, sha256 } = await (await build(app)).run()
    expect(check).toEqual({ inputs: ['1x1x6x6', '2x1x6x6'], worst: expect.any(Number), tolerance: 1e-4 })
    expect(signature.inputs).toEqual([{ name: 'image', type: 'Tensor', dtype: 'float32', shape: [null, 1, 6, 6] }])
    expect(Buffer.from(integrity.slice('sha256-'.length), 'base64').toString('hex')).toBe(sha256)
  })

  it('fails a build whose model gives something else once it is optimized', async () => {
    const app = await modelApp(`import model from './net.pt?mobile&input=1x1x6x6&tolerance=1e-10'\nglobalThis.result = model`)
    const { message } = await build(app).then(() => { throw new Error('was built') }, (error: Error) => error)
    expect(message).toMatch(/Optimizing net\.pt changed what it gives[^]*It begins at the module conv[^]*"conv_bn_fusion"/)
    expect(message).toMatch(/src\/main\.js:1:/)
  })

  it('gives a server the same handle', async () => {
    const app = await modelApp(`import model from './net.pt?mobile'\nglobalThis.result = [String(model), Object.isFrozen(model), typeof model.load]`)
    const [url, ...rest] = await (await build(app, { ssr: true })).run()
    expect(rest).toEqual([true, 'function'])
    expect(url).toMatch(/\/net[-.][\w-]{8,10}\.ptl$/)
  })
})

const PAGE = `
  import model from './net.pt?mobile'
  import other from './other.ptl?mobile'
  const data = Float32Array.from({ length: 36 }, (_, i) => i / 36)
  globalThis.answer = async (which, options) => {
    const loaded = await (which === 'net' ? model : other).load(options)
    const { output } = await loaded.run({ data, dims: [1, 1, 6, 6] })
    return [...output.data]
  }`

/** Of a small app whose one model is a CNN, all that `load()` brings to run it, gzip. */
const CNN_BYTES: Readonly<Record<string, number>> = { 'vite 6': 30_000, 'rollup 4': 46_000 /* it has no minifier */ }

describe.skipIf(!chromiumPath)('in a browser', () => {
  let browser: Browser
  beforeAll(async () => { browser = await launchBrowser() })
  afterAll(() => browser?.close())

  async function open(url: string): Promise<{ page: Page; requests: string[] }> {
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    const requests: string[] = []
    page.on('request', (request) => requests.push(new URL(request.url()).pathname.replace('/app/', '')))
    await page.goto(url)
    await page.waitForFunction('globalThis.answer')
    return { page, requests }
  }

  async function openBuilt({ kind }: TestBundler, output: Output): Promise<{ main: string; page: Page; requests: string[] }> {
    const [main] = scripts(output).find(([file]) => /main-/.test(file))!
    const type = kind === 'script' ? 'defer' : 'type="module"'
    return { main, ...await open(await serveFiles({ ...output.files, 'index.html': `<script ${type} src="./${main}"></script>` })) }
  }

  async function rightAnswer(page: Page, which: 'net' | 'other', options: object = {}): Promise<void> {
    const answers = JSON.parse(await readFile(fixture('answers.json'), 'utf8')) as Record<string, number[][]>
    const given = await page.evaluate(`globalThis.answer('${which}', ${JSON.stringify(options)})`) as number[]
    expect(given).toHaveLength(2)
    given.forEach((number, i) => expect(number).toBeCloseTo(answers[which]![0]![i]!, 5))
  }

  it.each(BUNDLERS)('a page built by $name runs its models, and loads nothing before', async (bundler) => {
    const output = await bundler.build(await modelApp(PAGE), { base: './', minify: true })
    const { main, page, requests } = await openBuilt(bundler, output)
    expect(requests.filter((path) => path !== '' && !/favicon/.test(path))).toEqual([main])
    await rightAnswer(page, 'net')
    expect(requests.filter((path) => /\.ptl?$/.test(path))).toHaveLength(1)
    await rightAnswer(page, 'other')
    await rightAnswer(page, 'net', { worker: true })
    expect(modelsOf(output)).toHaveLength(2)
  })

  it.each(BUNDLERS)('a page built by $name loads little to run a CNN', async (bundler) => {
    const output = await bundler.build(await modelApp(PAGE.replace(/import other.*/, 'const other = model')), { base: './', minify: true })
    const { main, page, requests } = await openBuilt(bundler, output)
    await rightAnswer(page, 'net')
    const loaded = requests.filter((path) => path.endsWith('.js') && path !== main)
    const bytes = loaded.reduce((sum, path) => sum + gzipSync(output.files[path]!, { level: 9 }).byteLength, 0)
    expect(bytes).toBeLessThan(CNN_BYTES[bundler.name] ?? 29_000)
  })

  it.each(VITES)('a page of the dev server of %s runs its models', async (_, vite) => {
    const app = await modelApp(PAGE)
    await app.write('index.html', '<script type="module" src="/src/main.js"></script>')
    const { page } = await open((await startDev(vite, app)).origin)
    await rightAnswer(page, 'net')
    await rightAnswer(page, 'other')
    await rightAnswer(page, 'net', { worker: true })
  })
})
