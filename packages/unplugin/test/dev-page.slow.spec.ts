import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type App, modelApp } from './support/app.ts'
import { chromiumPath, launchBrowser } from './support/browser.ts'
import { type DevServer, eventually, startDev } from './support/dev.ts'
import { VITES } from './support/vite.ts'

let browser: Browser
beforeAll(async () => { if (chromiumPath) browser = await launchBrowser() })
afterAll(() => browser?.close())

/** Shows the digest of the model that the page has. */
const MAIN = `import net from './net.pt?mobile'\ndocument.body.textContent = net.source.sha256`

async function pageApp(): Promise<App> {
  const app = await modelApp(MAIN)
  await app.write('index.html', `<!doctype html><link rel="icon" href="data:,"><body></body><script type="module" src="/src/main.js"></script>`)
  return app
}

async function open({ origin }: DevServer): Promise<Page> {
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  await page.goto(origin)
  return page
}

const text = (page: Page): Promise<string> => page.evaluate('document.body.textContent.trim()')
const overlays = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('vite-error-overlay')].map((one) => one.shadowRoot.querySelector('.message-body').textContent)`)

describe.skipIf(!chromiumPath).each(VITES)('%s: a page of the dev server', (_, vite) => {
  it('shows a changed model, and is served from the store when the server starts again', async () => {
    const app = await pageApp()
    const dev = await startDev(vite, app)
    const page = await open(dev)
    const before = await eventually(() => text(page))
    expect(before).toMatch(/^[0-9a-f]{64}$/)
    await app.model('src/net.pt', 'other.pt')
    const after = await eventually(async () => {
      const shown = await text(page).catch(() => '')
      return shown !== '' && shown !== before ? shown : undefined
    })
    await dev.server.close()
    // Frozen: whatever had to be compiled would be an error.
    const again = await open(await startDev(vite, app, app.root, { frozen: true }))
    expect(await eventually(() => text(again))).toBe(after)
  })

  it('has one overlay for a broken model, which goes when it is mended', async () => {
    const app = await pageApp()
    await app.write('src/net.pt', 'half of a model')
    const dev = await startDev(vite, app)
    const page = await open(dev)
    const [message] = await eventually(async () => {
      const all = await overlays(page)
      return all.length > 0 ? all : undefined
    })
    expect(message).toContain('net.pt')
    // Asked for again, as when the page is loaded anew, it is the same one.
    await page.reload()
    await eventually(async () => (await overlays(page)).length > 0)
    expect(await overlays(page)).toEqual([message])
    await app.model('src/net.pt')
    expect(await eventually(() => text(page).catch(() => ''))).toMatch(/^[0-9a-f]{64}$/)
    expect(await overlays(page)).toEqual([])
  })
})
