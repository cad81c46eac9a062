import { createHash } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { modelApp } from './support/app.ts'
import { chromiumPath, launchBrowser, serveFiles } from './support/browser.ts'
import { BUNDLERS, entryOf } from './support/bundler.ts'
import { startDev } from './support/dev.ts'
import { VITES } from './support/vite.ts'

if (!chromiumPath) {
  const message = 'There is no Chromium here (set PETAL_CHROMIUM to one), so nothing is tested in a browser.'
  if (process.env['CI']) throw new Error(message)
  console.warn(`\n  SKIPPED: ${message}\n`)
}

const MAIN = `
  import model from './net.ptl?mobile'
  globalThis.model = model`

interface PageModel {
  bytes: number
  sha256: string
  said: any
  fetched: { ok: boolean; bytes: number; sha256: string }
}

/** What the page's handle says, and what its URL gives, fetched by the page. */
async function readModel(page: Page): Promise<PageModel> {
  await page.waitForFunction('globalThis.model')
  const { said, body, ok } = await page.evaluate(`(async () => {
    const response = await fetch(model)
    const body = [...new Uint8Array(await response.arrayBuffer())]
    return { said: { ...model, frozen: Object.isFrozen(model.inputs), text: String(model) }, body, ok: response.ok }
  })()`) as { said: any; body: number[]; ok: boolean }
  const sha256 = createHash('sha256').update(Uint8Array.from(body)).digest('hex')
  return { bytes: said.bytes, sha256: said.sha256, said, fetched: { ok, bytes: body.length, sha256 } }
}

describe.skipIf(!chromiumPath)('in a browser', () => {
  let browser: Browser
  beforeAll(async () => { browser = await launchBrowser() })
  afterAll(() => browser?.close())

  async function open(url: string): Promise<{ page: Page; problems: string[] }> {
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(url)
    return { page, problems }
  }

  it.each(BUNDLERS)('a page built by $name reads the handle and gets the file', async ({ kind, build }) => {
    const app = await modelApp(MAIN)
    const output = await build(app, { base: './' })
    const { files } = output
    const script = entryOf(output)
    const type = kind === 'script' ? 'defer' : 'type="module"'
    const { page, problems } = await open(await serveFiles({ ...files, 'index.html': `<script ${type} src="./${script}"></script>` }))
    const { said, fetched, bytes, sha256 } = await readModel(page)
    expect(said).toMatchObject({ text: said.url, frozen: true, inputs: [{ name: 'image', type: 'Tensor' }] })
    expect(fetched).toEqual({ ok: true, bytes, sha256 })
    expect(problems).toEqual([])
  })

  it.each(VITES)('a page of the dev server of %s does, too, and after a change', async (_, vite) => {
    const app = await modelApp(MAIN)
    await app.write('index.html', '<script type="module" src="/src/main.js"></script>')
    const dev = await startDev(vite, app)
    const { page, problems } = await open(dev.origin)
    const first = await readModel(page)
    expect(first.fetched).toEqual({ ok: true, bytes: first.bytes, sha256: first.sha256 })

    await app.model('src/net.ptl', 'other.ptl')
    await page.waitForFunction(`globalThis.model && globalThis.model.sha256 !== '${first.sha256}'`)
    const second = await readModel(page)
    expect(second.fetched).toEqual({ ok: true, bytes: second.bytes, sha256: second.sha256 })
    expect(problems).toEqual([])
  })

  it.each(VITES)('the overlay of %s tells what is wrong, and what to do', async (_, vite) => {
    const app = await modelApp(MAIN)
    await app.write('src/net.ptl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    await app.write('index.html', '<script type="module" src="/src/main.js"></script>')
    const dev = await startDev(vite, app)
    const { page } = await open(dev.origin)
    const overlay = page.locator('vite-error-overlay')
    await overlay.waitFor({ state: 'attached' })
    const text = await overlay.evaluate((element) => element.shadowRoot!.textContent!)
    expect(text).toMatch(/net\.ptl[^]*LFS/)
    expect(text).toContain('git lfs pull')
    expect(text).toContain('src/main.js:2:')
    expect(text).toContain(`2 |    import model from './net.ptl?mobile'`)
    expect(text).not.toContain('models.ts')

    await app.model('src/net.ptl')
    expect((await readModel(page)).fetched.ok).toBe(true)
  })
})
