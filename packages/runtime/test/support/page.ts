import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { launchBrowser } from './browser.ts'
import { installPackage } from './package.ts'
import { startServer, type TestServer, whole } from './server.ts'

/** A model of the tests; test/fixtures/make.py. */
export function readFixture(name: string): Buffer<ArrayBuffer> {
  return readFileSync(new URL(`../fixtures/${name}`, import.meta.url))
}

/** What loading needs of a model's facts. */
export interface TestFacts {
  readonly bytes: number
  readonly integrity: string
  readonly source: { readonly name: string }
  readonly signature: { readonly inputs: readonly object[]; readonly outputs: readonly object[] }
}

/** As the build writes them. */
export function factsOf(file: Uint8Array, name: string = 'net.pt'): TestFacts {
  return { bytes: file.length, integrity: integrityOf(file), source: { name }, signature: { inputs: [], outputs: [] } }
}

export function integrityOf(file: Uint8Array): string {
  return `sha256-${createHash('sha256').update(file).digest('base64')}`
}

/** What every page of a test has: handles as a generated module makes them, with all families. */
export const PAGE_SCRIPT = `
  import { createHandle } from '/dist/handle.js'
  Object.assign(globalThis, {
    handle: (url, facts) => createHandle(url, facts, async () => {
      const [{ load }, { families }] = await Promise.all([import('/dist/load.js'), import('/dist/build.js')])
      return { load, families }
    }),
    runtime: () => import('/dist/index.js'),
    failure: (promise) => promise.then(() => 'no failure', ({ name, code, message }) => ({ name, code, message })),
    cached: async () => (await (await caches.open('petal-models')).keys()).map(({ url }) => url),
    ready: true,
  })`

/** {@link PAGE_SCRIPT}, for the tests' types. */
export interface PageGlobals {
  handle(url: string, facts: TestFacts): any
  runtime(): Promise<typeof import('../../src/index.ts')>
  failure(promise: Promise<unknown>): Promise<{ name: string; code: string; message: string }>
  cached(): Promise<string[]>
  [name: string]: any
}

/** A server with the built package and the models of the tests, and a browser. */
export interface TestApp {
  readonly server: TestServer
  readonly dist: string
  /** A page in a profile of its own, gone when the test is over. */
  open(origin?: string): Promise<Page>
  /** Another page of the same profile. */
  openBeside(page: Page, origin?: string): Promise<Page>
  /** Brings the server back to what it was. */
  restore(): void
  close(): Promise<void>
}

export async function startApp(): Promise<TestApp> {
  const { dist, remove } = await installPackage()
  const server = await startServer({ '/dist/': dist })
  const browser: Browser = await launchBrowser()
  const openIn = async (context: BrowserContext, origin = server.origin): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(`${origin}/`)
    await page.waitForFunction('globalThis.ready')
    return page
  }
  return {
    server, dist,
    async open(origin) {
      const context = await browser.newContext()
      onTestFinished(() => context.close())
      return await openIn(context, origin)
    },
    openBeside: (page, origin) => openIn(page.context(), origin),
    restore() {
      server.routes.clear()
      server.routes.set('/', whole(Buffer.from(`<!doctype html><title>test</title><script type="module">${PAGE_SCRIPT}</script>`), 'text/html'))
      for (const name of ['types', 'pictures']) server.routes.set(`/${name}.ptl`, whole(readFixture(`${name}.ptl`)))
      server.requests.splice(0)
    },
    async close() {
      await browser.close()
      await server.close()
      await remove()
    },
  }
}
