import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { chromiumPath } from './support/browser.ts'
import { factsOf, type PageGlobals, readFixture, startApp, type TestApp } from './support/page.ts'
import { whole } from './support/server.ts'

/** The page, inside of what is evaluated there. */
declare const self: PageGlobals

const types = readFixture('types.ptl')

describe.skipIf(!chromiumPath)('a model in a worker', () => {
  let app: TestApp
  let page: Page

  beforeAll(async () => { app = await startApp() }, 60_000)
  afterAll(() => app?.close())
  beforeEach(async () => {
    app.restore()
    page = await app.open()
    await page.evaluate((facts) => { self.net = self.handle('types.ptl', facts) }, factsOf(types))
  })

  it('runs as it does in the page, with the same interface, and ends when disposed', async () => {
    expect(await page.evaluate(async () => {
      const { TensorValue } = await self.runtime()
      const model = await self.net.load({ worker: true })
      self.model = model
      const { output } = await model.run({ x: [[1, 2]], scale: 3 })
      const point = await model.call('point', [{ x: [1], count: 4 }])
      const table = await model.call('table', [{ one: 1 }])
      return [output instanceof TensorValue, output.toArray(), point.count, point.x.item(), table.output, model.inputs[0].name, Object.keys(model.methods).length, model.memory.peak > 0]
    })).toEqual([true, [[3, 6]], 5, 2, { one: 1, added: 7 }, 'x', 7, true])
    expect(page.workers()).toHaveLength(1)
    // Nothing of the model is in the page.
    expect(app.server.requests.filter((path) => path === '/types.ptl')).toHaveLength(1)
    expect(await page.evaluate(async () => {
      const late = self.failure(self.model.run([1]))
      self.model.dispose()
      return [(await late).code, (await self.failure(self.model.run([1]))).code]
    })).toEqual(['DISPOSED', 'DISPOSED'])
    await expect.poll(() => page.workers()).toHaveLength(0)
  })

  it('leaves the arrays of the app alone, unless they are to be handed over', async () => {
    expect(await page.evaluate(async () => {
      const model = await self.net.load({ worker: true })
      const large = new Float32Array(1000).fill(1)
      const part = large.subarray(10, 12)
      const kept = await model.run(part)
      const before = large.length
      await model.call('same', [large], { transfer: true })
      return [kept.output.toArray(), before, large.length]
    })).toEqual([[2, 2], 1000, 0])
  })

  it('keeps state, order and errors', async () => {
    expect(await page.evaluate(async () => {
      const model = await self.net.load({ worker: true })
      const counts = await Promise.all([1, 2, 3].map(() => model.call('count', [[1]])))
      await model.reset()
      const again = await model.call('count', [[1]])
      const wrong = await self.failure(model.run('cat.png'))
      const unsendable = await self.failure(model.run({ x: () => 1 } as never))
      return [counts.map(({ output1 }) => output1), again.output1, wrong, unsendable.code]
    })).toEqual([
      [1, 2, 3], 1, { name: 'PetalError', code: 'WRONG_INPUT', message: 'forward: input "x": expected Tensor, got the string "cat.png".' }, 'WRONG_INPUT',
    ])
  })

  it('downloads, verifies and caches there, with progress', async () => {
    const damaged = Buffer.from(types)
    damaged[3000]! ^= 1
    app.server.routes.set('/types.ptl', whole(damaged))
    expect(await page.evaluate(() => self.failure(self.net.load({ worker: true })))).toMatchObject({ code: 'INTEGRITY', name: 'PetalError' })
    await expect.poll(() => page.workers()).toHaveLength(0)

    app.server.routes.set('/types.ptl', whole(types))
    const heard = await page.evaluate(async () => {
      const heard: { phase: string; fraction: number }[] = []
      await self.net.load({ worker: true, onProgress: (progress: never) => heard.push(progress) })
      return heard
    })
    expect(heard[0]).toMatchObject({ phase: 'download', fraction: 0, total: types.length })
    expect(heard.at(-1)).toMatchObject({ phase: 'prepare', fraction: 1 })
    await expect.poll(() => page.evaluate(() => self.cached())).toHaveLength(1)
  })

  it('ends when nobody has the model any more, but not while it is called', async () => {
    expect(await page.evaluate(async () => {
      // The functions of a model keep it.
      const { run } = await self.net.load({ worker: true })
      self.run = run
      return (await run([1])).output.item()
    })).toBe(2)
    await page.requestGC()
    expect(await page.evaluate(async () => {
      const { output } = await self.run([2])
      self.run = undefined
      return output.item()
    })).toBe(4)
    await expect.poll(async () => {
      await page.requestGC()
      return page.workers()
    }).toHaveLength(0)
    expect(await page.evaluate(async () => (await (await self.net.load({ worker: true })).run([3])).output.item())).toBe(6)
  })

  it('is given up at once', async () => {
    app.server.routes.set('/types.ptl', (response) => { response.writeHead(200).flushHeaders() })
    expect(await page.evaluate(async () => {
      const controller = new AbortController()
      const failure = self.failure(self.net.load({ worker: true, signal: controller.signal }))
      setTimeout(() => controller.abort(), 100)
      return (await failure).name
    })).toBe('AbortError')
    await expect.poll(() => page.workers()).toHaveLength(0)
  })

  it('is one of several, side by side with those of the page', async () => {
    expect(await page.evaluate(async (facts) => {
      const other = self.handle('types.ptl', facts)
      const models = await Promise.all([self.net.load({ worker: true }), other.load({ worker: true }), other.load()])
      for (const model of models.slice(1)) await model.call('count', [[1]])
      const counts = await Promise.all(models.map((model) => model.call('count', [[1]])))
      return [new Set(models).size, counts.map(({ output1 }) => output1)]
    }, factsOf(types))).toEqual([3, [1, 2, 2]])
    expect(page.workers()).toHaveLength(2)
  })

  it('loads what was not imported: answers, files and bytes', async () => {
    expect(await page.evaluate(async () => {
      const { loadModel } = await self.runtime()
      const bytes = await (await fetch('/types.ptl')).arrayBuffer()
      const results = []
      for (const source of ['/types.ptl', await fetch('/types.ptl'), bytes, new Uint8Array(bytes), new Blob([bytes])]) {
        for (const worker of source instanceof Response ? [true] : [false, true]) {
          const model = await loadModel(source, { worker })
          results.push((await model.run([1])).output.item())
          model.dispose()
        }
      }
      return [bytes.byteLength, ...results]
    })).toEqual([types.length, 2, 2, 2, 2, 2, 2, 2, 2, 2])
  })

  it('tells when its script does not come', async () => {
    app.server.routes.set('/dist/worker.js', (response) => { response.writeHead(404).end() })
    expect(await page.evaluate(() => self.failure(self.net.load({ worker: true })))).toMatchObject({ code: 'WORKER', message: expect.stringContaining('did not start') })
  })
})
