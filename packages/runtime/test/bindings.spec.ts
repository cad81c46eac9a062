import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { chromiumPath, launchBrowser } from './support/browser.ts'
import { type Installed, installPackage } from './support/package.ts'
import { factsOf, readFixture } from './support/page.ts'
import { inPieces, startServer, type TestServer, whole } from './support/server.ts'

const types = readFixture('types.ptl')

/** A handle as a generated module makes it. */
const NET = `
  import { createHandle } from '@petaljs/runtime/handle'
  export default createHandle('/types.ptl', ${JSON.stringify(factsOf(types))}, async () => {
    const [{ load }, { families }] = await Promise.all([import('@petaljs/runtime/load'), import('@petaljs/runtime/build')])
    return { load, families }
  })`

/** Each shows the state of a model, and gives `unmount`. */
const APPS: Readonly<Record<string, string>> = {
  react: `
    import { createElement as h, StrictMode } from 'react'
    import { createRoot } from 'react-dom/client'
    import { useModel } from '@petaljs/runtime/react'
    import net from './net.js'
    function App() {
      const { status, progress, error, model } = useModel(net)
      globalThis.model = model
      return h('p', null, status, ' ', progress?.phase, ' ', error?.code)
    }
    const root = createRoot(document.body.firstElementChild)
    root.render(h(StrictMode, null, h(App)))
    globalThis.unmount = () => root.unmount()`,
  vue: `
    import { createApp, h, isReactive, ref } from 'vue'
    import { useModel } from '@petaljs/runtime/vue'
    import net from './net.js'
    const app = createApp({
      setup() {
        const { status, progress, error, model } = useModel(() => net)
        const deep = ref()
        return () => {
          deep.value = model.value
          globalThis.model = deep.value
          if (isReactive(deep.value)) throw new Error('a model must not be made reactive')
          return h('p', [status.value, ' ', progress.value?.phase, ' ', error.value?.code])
        }
      },
    })
    app.mount(document.body.firstElementChild)
    globalThis.unmount = () => app.unmount()`,
  svelte: `
    import { mount, unmount } from 'svelte'
    import App from './App.svelte.js'
    const app = mount(App, { target: document.body.firstElementChild })
    globalThis.unmount = () => unmount(app)`,
}

const SVELTE = `
  <script>
    import { useModel } from '@petaljs/runtime/svelte'
    import net from './net.js'
    const state = useModel(net)
    $effect(() => { globalThis.model = $state.model })
  </script>
  <p>{$state.status} {$state.progress?.phase} {$state.error?.code}</p>`.replaceAll('$state', '$loaded').replace('const state', 'const loaded')

describe.skipIf(!chromiumPath)('useModel', () => {
  let installed: Installed
  let browser: Browser
  let server: TestServer

  beforeAll(async () => {
    installed = await installPackage(['react', 'react-dom', 'vue', 'svelte'])
    const { app } = installed
    await writeFile(join(app, 'package.json'), '{ "type": "module" }')
    await writeFile(join(app, 'net.js'), NET)
    const { compile } = await import('svelte/compiler')
    await writeFile(join(app, 'App.svelte.js'), compile(SVELTE, { generate: 'client' }).js.code)
    const { build } = await import('vite')
    const input: Record<string, string> = {}
    for (const [name, code] of Object.entries(APPS)) {
      await writeFile(join(app, `${name}.js`), code)
      await writeFile(join(app, `${name}.html`), `<!doctype html><title>${name}</title><div></div><script type="module" src="./${name}.js"></script>`)
      input[name] = join(app, `${name}.html`)
    }
    const outDir = join(app, 'dist')
    await build({ root: app, configFile: false, logLevel: 'error', build: { outDir, rollupOptions: { input } } })
    server = await startServer({ '/': outDir })
    browser = await launchBrowser()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await installed?.remove()
  })
  beforeEach(() => {
    server.routes.clear()
    server.requests.splice(0)
  })

  async function open(name: string): Promise<Page> {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    page.on('pageerror', (error) => { throw error })
    await page.goto(`${server.origin}/${name}.html`)
    return page
  }
  const shows = (page: Page, text: string): Promise<void> => expect.poll(async () => (await page.textContent('p'))?.trim()).toBe(text)

  describe.each(Object.keys(APPS))('of %s', (name) => {
    it('shows how far it is, then gives the model', async () => {
      const pieces = inPieces(types, 3)
      server.routes.set('/types.ptl', pieces.route)
      const page = await open(name)
      await shows(page, 'loading download')
      pieces.go()
      await shows(page, 'ready prepare')
      expect(await page.evaluate('model.run([4]).then(({ output }) => output.item())')).toBe(8)
      expect(server.requests.filter((path) => path === '/types.ptl')).toHaveLength(1)
    })

    it('gives the error', async () => {
      server.routes.set('/types.ptl', whole(types.subarray(1)))
      const page = await open(name)
      await shows(page, 'error download INTEGRITY')
    })

    it('ends the download when the component goes', async () => {
      let closed = false
      server.routes.set('/types.ptl', (response) => {
        response.writeHead(200, { 'content-length': types.length }).flushHeaders()
        response.on('close', () => { closed = true })
      })
      const page = await open(name)
      await shows(page, 'loading download')
      await page.evaluate('unmount()')
      await expect.poll(() => closed).toBe(true)
    })
  })
})

describe('on a server, nothing is loaded', () => {
  const never = { load: () => { throw new Error('loaded on a server') } }

  it('by React', async () => {
    const [{ createElement }, { renderToString }, { useModel }] = await Promise.all([import('react'), import('react-dom/server'), import('../src/react.ts')])
    const App = (): string => useModel(never).status
    expect(renderToString(createElement(App))).toBe('idle')
  })

  it('by Vue', async () => {
    const [{ createSSRApp }, { renderToString }, { useModel }] = await Promise.all([import('vue'), import('vue/server-renderer'), import('../src/vue.ts')])
    const app = createSSRApp({ setup() { const { status } = useModel(never); return () => status.value } })
    expect(await renderToString(app)).toBe('idle')
  })

  it('by Svelte', async () => {
    const [{ get }, { useModel }] = await Promise.all([import('svelte/store'), import('../src/svelte.ts')])
    expect(get(useModel(never)).status).toBe('idle')
  })
})
