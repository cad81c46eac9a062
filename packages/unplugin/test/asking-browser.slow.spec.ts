import { createHash } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { modelApp } from './support/app.ts'
import { chromiumPath, launchBrowser, serveFiles } from './support/browser.ts'
import { BUNDLERS, entryOf, modelsOf, type TestBundler } from './support/bundler.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(!chromiumPath)('in a browser', () => {
  let browser: Browser
  beforeAll(async () => { browser = await launchBrowser() })
  afterAll(() => browser?.close())

  /** What a page of an app with this entry makes of `globalThis.result`. */
  async function inPage({ kind, build }: TestBundler, main: string): Promise<{ result: any; files: Record<string, Buffer>; models: string[] }> {
    const output = await build(await modelApp(main), { base: './' })
    const type = kind === 'script' ? 'defer' : 'type="module"'
    const url = await serveFiles({ ...output.files, 'index.html': `<script ${type} src="./${entryOf(output)}"></script>` })
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(url)
    await page.waitForFunction('globalThis.result')
    return { result: await page.evaluate('globalThis.result'), files: output.files, models: modelsOf(output) }
  }

  it.each(BUNDLERS)('a page built by $name finds the file of a new URL()', async (bundler) => {
    const { result, files, models } = await inPage(bundler, `
      const url = new URL('./net.pt?mobile', import.meta.url)
      globalThis.result = fetch(url).then(async (response) => [response.ok, [...new Uint8Array(await response.arrayBuffer())]])`)
    const [ok, bytes] = result
    expect(ok).toBe(true)
    expect(models).toHaveLength(1)
    expect(sha256(Uint8Array.from(bytes))).toBe(sha256(files[models[0]!]!))
  })

  it.each(BUNDLERS)('a page built by $name imports with attributes when it wants', async (bundler) => {
    const { result } = await inPage(bundler, `
      globalThis.result = import('./net.ptl', { with: { type: 'mobile' } }).then(({ default: model }) => model.source.name)`)
    expect(result).toBe('net.ptl')
  })

  const vites = BUNDLERS.filter(({ name }) => name.startsWith('vite'))
  const globs = [
    [`{ query: '?mobile', import: 'default' }`, '(load) => load()'],
    [`{ query: { mobile: true } }`, '(load) => load().then((module) => module.default)'],
  ] as const
  it.each(vites.flatMap((bundler) => globs.map(([options, open]) => ({ name: bundler.name, bundler, options, open }))))(
    'a page built by $name loads models of a glob $options when it wants', async ({ bundler, options, open }) => {
      const { result } = await inPage(bundler, `
        const models = Object.entries(import.meta.glob('./*.ptl', ${options}))
        globalThis.result = Promise.all(models.map(async ([file, load]) => [file, (await (${open})(load)).source.name]))`)
      expect(result).toEqual([['./net.ptl', 'net.ptl'], ['./other.ptl', 'other.ptl']])
    },
  )
})
