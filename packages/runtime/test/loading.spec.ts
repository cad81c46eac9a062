import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { chromiumPath, INSECURE_HOST } from './support/browser.ts'
import { factsOf, integrityOf, PAGE_SCRIPT, type PageGlobals, readFixture, startApp, type TestApp, type TestFacts } from './support/page.ts'
import { inPieces, startServer, type TestServer, whole } from './support/server.ts'

/** The page, inside of what is evaluated there. */
declare const self: PageGlobals

const types = readFixture('types.ptl')
const pictures = readFixture('pictures.ptl')

describe.skipIf(!chromiumPath)('loading in a page', () => {
  let app: TestApp
  let server: TestServer
  let page: Page

  beforeAll(async () => {
    app = await startApp();
    ({ server } = app)
  }, 60_000)
  afterAll(() => app?.close())
  beforeEach(async () => {
    app.restore()
    server.routes.set('/net.ptl', whole(types))
    page = await app.open()
    server.requests.splice(0)
  })

  const requestsOf = (path: string): number => server.requests.filter((each) => each === path).length

  it('nothing is fetched before load(), then the model runs', async () => {
    await page.evaluate((facts) => { self.net = self.handle('/net.ptl', facts) }, factsOf(types))
    expect(server.requests).toEqual([])
    expect(await page.evaluate(async () => {
      const model = await self.net.load()
      const { output } = await model.run({ data: new Float32Array([1, 2]), dims: [2] })
      return [String(self.net), ...output.data]
    })).toEqual(['/net.ptl', 2, 4])
  })

  it('progress goes from the first byte to the end, by the bytes that the build counted', async () => {
    const pieces = inPieces(types, 8)
    server.routes.set('/net.ptl', pieces.route)
    await page.evaluate((facts) => {
      self.heard = []
      self.model = self.handle('/net.ptl', facts).load({ onProgress: (progress: object) => self.heard.push(progress) })
    }, factsOf(types))
    await page.waitForFunction('heard.length === 1')
    for (let i = 1; i < 8; i++) {
      pieces.go(1)
      await page.waitForFunction(`heard.at(-1).loaded === ${Math.ceil(types.length / 8) * i}`)
    }
    pieces.go()
    const heard = await page.evaluate(async () => {
      await self.model
      return self.heard as { phase: string; loaded: number; total: number; fraction: number; fromCache: boolean }[]
    })
    expect(heard[0]).toEqual({ phase: 'download', loaded: 0, total: types.length, fraction: 0, fromCache: false })
    expect(heard.at(-1)).toEqual({ phase: 'prepare', loaded: types.length, total: types.length, fraction: 1, fromCache: false })
    expect([...new Set(heard.map(({ phase }) => phase))]).toEqual(['download', 'verify', 'prepare'])
    const fractions = heard.map(({ fraction }) => fraction)
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
  })

  it('callers share one download and one model; one that gives up does not end it for the others', async () => {
    const pieces = inPieces(types, 4)
    server.routes.set('/net.ptl', pieces.route)
    await page.evaluate((facts) => {
      self.net = self.handle('/net.ptl', facts)
      self.controller = new AbortController()
      self.first = self.failure(self.net.load({ signal: self.controller.signal }))
      self.others = Promise.all([self.net.load(), self.net.load()])
    }, factsOf(types))
    pieces.go(1)
    const first = await page.evaluate(() => {
      self.controller.abort()
      return self.first
    })
    expect(first).toEqual({ name: 'AbortError', code: 'ABORTED', message: 'Loading the model was aborted.' })
    pieces.go()
    expect(await page.evaluate(async () => {
      const [one, two] = await self.others
      const same = one === two && one === await self.net.load()
      one.dispose()
      const next = await self.net.load()
      return [same, next === one, (await next.run([1])).output.item()]
    })).toEqual([true, false, 2])
    // The second load came from the cache.
    expect(requestsOf('/net.ptl')).toBe(1)
  })

  it('when the last one gives up, the connection is closed, and the next load begins anew', async () => {
    let closed = false
    server.routes.set('/net.ptl', (response) => {
      response.writeHead(200, { 'content-length': types.length })
      response.write(types.subarray(0, 100))
      response.on('close', () => { closed = true })
    })
    expect(await page.evaluate(async (facts) => {
      self.net = self.handle('/net.ptl', facts)
      const controller = new AbortController()
      const failure = self.failure(self.net.load({
        signal: controller.signal,
        onProgress: ({ loaded }: { loaded: number }) => { if (loaded > 0) controller.abort() },
      }))
      return (await failure).code
    }, factsOf(types))).toBe('ABORTED')
    await expect.poll(() => closed).toBe(true)
    server.routes.set('/net.ptl', whole(types))
    expect(await page.evaluate(async () => (await (await self.net.load()).run([3])).output.item())).toBe(6)
  })

  it.each(['verify', 'prepare'])('gives up also in the phase %s', async (phase) => {
    expect(await page.evaluate(async ([facts, phase]) => {
      const controller = new AbortController()
      const onProgress = (progress: { phase: string; fraction: number }): void => { if (progress.phase === phase && progress.fraction < 1) controller.abort() }
      return (await self.failure(self.handle('/net.ptl', facts).load({ signal: controller.signal, onProgress }))).name
    }, [factsOf(types), phase] as const)).toBe('AbortError')
  })

  it('a flipped bit is found', async () => {
    const damaged = Buffer.from(types)
    damaged[3000]! ^= 4
    server.routes.set('/net.ptl', whole(damaged))
    const failure = await page.evaluate((facts) => self.failure(self.handle('/net.ptl', facts).load()), factsOf(types))
    expect(failure.code).toBe('INTEGRITY')
    expect(failure.message).toContain(`The model from ${server.origin}/net.ptl is not the one that the app was built with`)
    expect(await page.evaluate(() => self.cached())).toEqual([])
  })

  it.each([
    ['shorter', types.subarray(0, 4000), `should have ${types.length} bytes and has 4000`],
    ['longer', Buffer.concat([types, types]), `should have ${types.length} bytes and has more than ${types.length}`],
  ])('a %s file is found', async (_, file, message) => {
    server.routes.set('/net.ptl', whole(file))
    const failure = await page.evaluate((facts) => self.failure(self.handle('/net.ptl', facts).load()), factsOf(types))
    expect(failure).toMatchObject({ code: 'INTEGRITY', message: expect.stringContaining(message) })
  })

  it.each([
    ['an error', 404, 'text/plain', 'no', 'the server answered 404 Not Found. Was the file deployed'],
    ['a page', 200, 'text/html; charset=utf-8', '<!doctype html>', 'there is a page (HTML) instead of the model'],
    ['a page that says it is none', 200, 'application/octet-stream', '\n<!DOCTYPE html><html>', 'there is a page (HTML) instead of the model'],
    ['a pointer', 200, 'application/octet-stream', 'version https://git-lfs.github.com/spec/v1\n', 'there is a pointer of Git LFS instead of the model'],
  ])('%s instead of the model is told by name', async (_, status, type, body, message) => {
    server.routes.set('/net.ptl', (response) => { response.writeHead(status, { 'content-type': type }).end(body) })
    const failure = await page.evaluate((facts) => self.failure(self.handle('/net.ptl', facts).load()), factsOf(types))
    expect(failure).toMatchObject({ code: 'DOWNLOAD', name: 'PetalError', message: expect.stringContaining(message) })
    expect(failure.message).toContain(`${server.origin}/net.ptl`)
  })

  it('a connection that breaks off is told, and loading can be tried again', async () => {
    server.routes.set('/net.ptl', (response) => {
      response.writeHead(200, { 'content-length': types.length })
      response.write(types.subarray(0, 2000), () => response.destroy())
    })
    const failure = await page.evaluate((facts) => {
      self.net = self.handle('/net.ptl', facts)
      return self.failure(self.net.load())
    }, factsOf(types))
    expect(failure).toMatchObject({ code: 'DOWNLOAD', message: expect.stringContaining('broke off') })
    server.routes.set('/net.ptl', whole(types))
    expect(await page.evaluate(async () => (await (await self.net.load()).run([1])).output.item())).toBe(2)
  })

  it('a server that is not there is told', async () => {
    const failure = await page.evaluate((facts) => self.failure(self.handle('http://127.0.0.1:9/net.ptl', facts).load()), factsOf(types))
    expect(failure).toMatchObject({ code: 'DOWNLOAD', message: expect.stringContaining('could not be fetched from http://127.0.0.1:9/net.ptl') })
  })

  describe('the cache', () => {
    const load = async (onPage: Page, facts: TestFacts, options = {}): Promise<boolean> => await onPage.evaluate(async ([facts, options]) => {
      let cached = false
      const onProgress = (progress: { fromCache: boolean }): void => { cached = progress.fromCache }
      await self.handle('/net.ptl', facts).load({ onProgress, ...options })
      return cached
    }, [facts, options] as const)
    const entries = async (): Promise<string[]> => await page.evaluate(() => self.cached())
    const entry = (file: Uint8Array, name = 'net.pt'): string => `https://petal.invalid/${name}/${encodeURIComponent(integrityOf(file))}`

    it('keeps the model for the next page, also without a network', async () => {
      expect(await load(page, factsOf(types))).toBe(false)
      await expect.poll(entries).toEqual([entry(types)])
      const next = await app.openBeside(page)
      server.routes.set('/net.ptl', (response) => { response.destroy() })
      expect(await load(next, factsOf(types))).toBe(true)
      expect(requestsOf('/net.ptl')).toBe(1)
      // The page and the runtime are the app's own to keep.
      await page.context().setOffline(true)
      expect(await load(next, factsOf(types))).toBe(true)
    })

    it('lets the old version of a model go, and keeps other models', async () => {
      await load(page, factsOf(types, 'a.pt'))
      await load(page, factsOf(types, 'b.pt'))
      await expect.poll(entries).toEqual([entry(types, 'a.pt'), entry(types, 'b.pt')])
      // The app is deployed anew, and the page opened again.
      const next = await app.openBeside(page)
      server.routes.set('/net.ptl', whole(pictures))
      await load(next, factsOf(pictures, 'a.pt'))
      await expect.poll(entries).toEqual([entry(types, 'b.pt'), entry(pictures, 'a.pt')])
    })

    it('keeps two models of one name that one page uses', async () => {
      await load(page, factsOf(types))
      server.routes.set('/net.ptl', whole(pictures))
      await load(page, factsOf(pictures))
      await expect.poll(entries).toEqual([entry(types), entry(pictures)])
    })

    it('is mended when what it holds is damaged', async () => {
      await page.evaluate(async (key) => {
        await (await caches.open('petal-models')).put(key, new Response(new Uint8Array(100)))
      }, entry(types))
      expect(await load(page, factsOf(types))).toBe(false)
      expect(requestsOf('/net.ptl')).toBe(1)
      const next = await app.openBeside(page)
      await expect.poll(() => load(next, factsOf(types))).toBe(true)
    })

    it('does what it is told', async () => {
      expect(await load(page, factsOf(types), { cache: 'no-store' })).toBe(false)
      expect(await entries()).toEqual([])
      expect(await page.evaluate((facts) => self.failure(self.handle('/net.ptl', facts).load({ cache: 'only-if-cached' })), factsOf(types)))
        .toMatchObject({ code: 'DOWNLOAD', message: expect.stringContaining('is not in this browser\'s cache') })
      await load(page, factsOf(types))
      await expect.poll(entries).toEqual([entry(types)])
      expect(await load(await app.openBeside(page), factsOf(types), { cache: 'reload' })).toBe(false)
      expect(requestsOf('/net.ptl')).toBe(3)
    })

    it.each([
      ['is missing', 'delete self.caches; Object.defineProperty(self, "caches", { value: undefined })'],
      ['is refused', 'caches.open = () => Promise.reject(new DOMException("no", "SecurityError")); Object.getPrototypeOf(caches).open = caches.open'],
      ['is full', 'Cache.prototype.put = () => Promise.reject(new DOMException("full", "QuotaExceededError"))'],
      ['fails to read', 'Cache.prototype.match = () => Promise.reject(new DOMException("broken", "UnknownError"))'],
    ])('does no harm when it %s', async (_, change) => {
      await page.evaluate(change)
      expect(await load(page, factsOf(types))).toBe(false)
    })

    it('is not used for files that are on the device', async () => {
      expect(await page.evaluate(async (facts) => {
        const file = await (await fetch('/net.ptl')).blob()
        const data = `data:application/octet-stream;base64,${btoa(String.fromCharCode(...new Uint8Array(await file.arrayBuffer())))}`
        const results = []
        for (const url of [URL.createObjectURL(file), data]) results.push((await (await self.handle(url, facts).load()).run([1])).output.item())
        await new Promise((resolve) => { setTimeout(resolve, 100) })
        return results
      }, factsOf(types))).toEqual([2, 2])
      expect(await entries()).toEqual([])
    })

    it('is not used in native apps, whose files are on the device', async () => {
      await page.evaluate(() => { self['Capacitor'] = { isNativePlatform: () => true } })
      expect(await load(page, factsOf(types))).toBe(false)
      await new Promise((resolve) => { setTimeout(resolve, 100) })
      expect(await entries()).toEqual([])
    })
  })

  it('without https the size is checked, and that is said once', async () => {
    const insecure = await page.context().newPage()
    const warnings: string[] = []
    insecure.on('console', (message) => { if (message.type() === 'warning') warnings.push(message.text()) })
    await insecure.goto(`http://${INSECURE_HOST}:${server.port}/`)
    await insecure.waitForFunction('globalThis.ready')
    expect(await insecure.evaluate(async (facts) => {
      const model = await self.handle('/net.ptl', facts).load()
      await self.handle('/net.ptl', facts).load()
      return [crypto.subtle === undefined, (await model.run([2])).output.item()]
    }, factsOf(types))).toEqual([true, 4])
    expect(warnings).toEqual([expect.stringContaining('this page was not loaded over https')])
  })

  it('a policy for content needs no more than wasm-unsafe-eval, also for a worker, and pages need no isolation', async () => {
    const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'"
    const strict = await startServer({ '/dist/': app.dist }, { 'content-security-policy': policy })
    onTestFinished(() => strict.close())
    strict.routes.set('/', whole(Buffer.from('<!doctype html><script type="module" src="/page.js"></script>'), 'text/html'))
    strict.routes.set('/page.js', whole(Buffer.from(PAGE_SCRIPT), 'text/javascript'))
    strict.routes.set('/net.ptl', whole(types))
    const opened = await app.openBeside(page, strict.origin)
    expect(await opened.evaluate(async (facts) => {
      const results = []
      for (const worker of [false, true]) {
        const model = await self.handle('/net.ptl', facts).load({ worker })
        results.push((await model.run([4])).output.item())
      }
      return [crossOriginIsolated, ...results]
    }, factsOf(types))).toEqual([false, 8, 8])
  })
})
