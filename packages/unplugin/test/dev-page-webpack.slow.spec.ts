import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { modelApp } from './support/app.ts'
import { chromiumPath, launchBrowser } from './support/browser.ts'
import { PAGE_BUNDLERS, type PageServer } from './support/dev-webpack.ts'
import { eventually } from './support/dev.ts'

let browser: Browser
beforeAll(async () => { if (chromiumPath) browser = await launchBrowser() })
afterAll(() => browser?.close())

/** Shows the digest of the model that the page has. */
const MAIN = `import net from './net.pt?mobile'\ndocument.body.textContent = net.source.sha256`

async function open({ origin }: PageServer): Promise<Page> {
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  await page.goto(origin)
  return page
}

/** What the page shows; nothing while it is loaded anew. */
const text = (page: Page): Promise<string> => page.evaluate<string>('document.body.textContent.trim()').catch(() => '')

/** The digest that the page shows, once it is another one. */
const digest = (page: Page, before?: string): Promise<string> => eventually(async () => {
  const shown = await text(page)
  return /^[0-9a-f]{64}$/.test(shown) && shown !== before ? shown : undefined
})

/** How often models were compiled, and not only read from the store. */
const compiles = ({ log }: PageServer): number => log.filter((line) => /1 model, compiled: /.test(line)).length

describe.skipIf(!chromiumPath).each(PAGE_BUNDLERS)('$name: a page of the dev server', ({ start, overlays }) => {
  /**
   * The texts of all overlays, once one of them has what is expected. A page's script may run, and throw, before the server has told
   * why: until then the overlay of webpack's kind shows that.
   */
  const shown = (page: Page, expected: RegExp): Promise<string[]> => eventually(async () => {
    const all = await page.evaluate<string[]>(overlays).catch(() => [])
    return all.some((one) => expected.test(one) && !one.startsWith('Uncaught runtime errors')) ? all : undefined
  })

  it('shows a changed model, which is compiled once, and is served from the store when the server starts again', async () => {
    const app = await modelApp(MAIN)
    const server = await start(app)
    const page = await open(server)
    const before = await digest(page)
    await app.model('src/net.pt', 'other.pt')
    const after = await digest(page, before)
    expect(compiles(server)).toBe(2)
    // What is stored never changes; watched, it would be taken for a change, as it is new.
    expect(server.watched()).toContain(app.path('src/net.pt'))
    expect(server.watched().filter((path) => path.includes('.cache'))).toEqual([])
    await server.close()
    // Frozen: whatever had to be compiled would be an error.
    expect(await digest(await open(await start(app, { frozen: true })))).toBe(after)
  })

  it('runs the model, by what is served when it is asked for', async () => {
    const app = await modelApp(`
      import net from './net.pt?mobile'
      net.load()
        .then((model) => model.run({ image: { data: new Float32Array(36), dims: [1, 1, 6, 6] } }))
        .then(({ output }) => 'sizes: ' + output.dims.join(), (error) => 'failed: ' + error)
        .then((answer) => { document.body.textContent = answer })`)
    const page = await open(await start(app))
    await eventually(async () => /^(sizes|failed): /.test(await text(page)))
    expect(await text(page)).toMatch(/^sizes: 1,\d+/)
  })

  it('has one overlay for a broken model, which goes when it is mended', async () => {
    const app = await modelApp(MAIN)
    await app.write('src/net.pt', 'half of a model')
    let asked = 0
    const server = await start(app, { defaults: () => { asked++; return {} } })
    const page = await open(server)
    const [message, ...others] = await shown(page, /a model/)
    expect(others).toEqual([])
    expect(message).toMatch(/net\.pt is a text, not a model: "half of a model"\.\n[^]*Open it in an editor/)
    expect(message).toMatch(/src\/main\.js:1:18\n.*import net from '\.\/net\.pt\?mobile'\n/)
    for (const all of [message, server.errors()]) {
      expect(all!.split('is a text, not a model')).toHaveLength(2)
      expect(all).not.toMatch(/Module build failed|unplugin|\.mjs|\n\s+at /)
    }
    // Loaded anew, the page has the same one.
    await page.reload()
    expect(await shown(page, /a model/)).toEqual([message])
    // webpack takes files that are as new as this app's for changed, and may compile twice: each time the model is tried once.
    await eventually(() => asked === server.compilations())
    // It is told anew when something else changes, and still once.
    await app.write('src/main.js', `// an app\n${MAIN}`)
    const [moved, ...more] = await shown(page, /src\/main\.js:2:18/)
    expect(more).toEqual([])
    expect(moved).not.toMatch(/Module build failed|main\.js:1:/)
    await app.model('src/net.pt')
    await digest(page)
    expect(await page.evaluate(overlays)).toEqual([])
    expect(server.errors()).toBe('')
    expect(compiles(server)).toBe(1)
  })

  it('has one overlay for a directive that is wrong, where it stands', async () => {
    const app = await modelApp(`// an app\n${MAIN.replace(`?mobile'`, `' with { type: 'mobile', blok: 'x' }`)}`)
    const server = await start(app)
    const page = await open(server)
    const [message, ...others] = await shown(page, /blok/)
    expect(others).toEqual([])
    expect(message).toMatch(/"blok" is not a directive of a "\?mobile" import\.\n[^]*Did you mean "block"\?[^]*src\/main\.js:2:18\n/)
    expect(message).not.toMatch(/Module build failed|unplugin|\.mjs|\n\s+at /)
    await app.write('src/main.js', MAIN)
    await digest(page)
    expect(await page.evaluate(overlays)).toEqual([])
  })

  it('has warnings without the path of a loader', async () => {
    const app = await modelApp(MAIN)
    await app.model('src/net.pt', 'dropped.pt')
    const server = await start(app)
    await digest(await open(server))
    expect(server.warnings()).toMatch(/net\.pt: DROPOUT: /)
    expect(server.warnings()).not.toMatch(/Module Warning|unplugin|\.mjs/)
  })
})
