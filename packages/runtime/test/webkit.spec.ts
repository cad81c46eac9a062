import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Installed, installPackage } from './support/package.ts'
import { factsOf, PAGE_SCRIPT, readFixture } from './support/page.ts'
import { startServer, type TestServer, whole } from './support/server.ts'

/** The part of zoo/webkit.mjs that is used here. */
interface WebKit {
  open(url: string): Promise<void>
  call(expression: string): Promise<any>
  close(): Promise<void>
}
const { hasWebKit, startWebKit } = await import('./zoo/webkit.mjs' as string) as { hasWebKit(): boolean; startWebKit(): Promise<WebKit> }

const types = readFixture('types.ptl')
const pictures = readFixture('pictures.ptl')
const expected = JSON.parse(readFixture('pictures.json').toString()) as { width: number; height: number; scores: number[] }

// The engine family of iOS, through WebKitGTK.
describe.skipIf(!hasWebKit())('in WebKit', () => {
  let installed: Installed
  let server: TestServer
  let webkit: WebKit

  beforeAll(async () => {
    installed = await installPackage()
    server = await startServer({ '/dist/': installed.dist })
    server.routes.set('/', whole(Buffer.from(`<!doctype html><title>test</title><script type="module">${PAGE_SCRIPT}</script>`), 'text/html'))
    server.routes.set('/pictures.ptl', whole(pictures))
    webkit = await startWebKit()
  })
  afterAll(async () => {
    await webkit?.close()
    await server?.close()
    await installed?.remove()
  })

  async function open(): Promise<void> {
    server.routes.set('/types.ptl', whole(types))
    await webkit.open(`${server.origin}/`)
    await webkit.call('(async () => { while (!globalThis.ready) await new Promise((resolve) => setTimeout(resolve, 20)) })()')
  }
  const facts = JSON.stringify(factsOf(types))

  // First, because a page that is left while it writes to the cache keeps WebKit from writing again for a while.
  it('a model comes from the cache the second time, and a flipped bit is found', async () => {
    await open()
    const damaged = Buffer.from(types)
    damaged[3000]! ^= 1
    await webkit.call(`handle('/types.ptl', ${facts}).load({ cache: 'reload' }).then(() => true)`)
    await expect.poll(() => webkit.call('cached()'), { timeout: 10_000 }).toHaveLength(1)
    server.routes.set('/types.ptl', whole(damaged))
    onTestFinished(() => { server.routes.set('/types.ptl', whole(types)) })
    expect(await webkit.call(`handle('/types.ptl', ${facts}).load().then((model) => model.run([1])).then(({ output }) => output.item())`)).toBe(2)
    expect((await webkit.call(`failure(handle('/types.ptl', ${facts}).load({ cache: 'no-store' }))`)).code).toBe('INTEGRITY')
  })

  it.each([false, true])('a model loads with progress and runs; worker: %s', async (worker) => {
    await open()
    const [item, phases, last] = await webkit.call(`(async () => {
      const heard = []
      const model = await handle('/types.ptl', ${facts}).load({ worker: ${worker}, onProgress: (progress) => heard.push(progress) })
      const { output } = await model.run({ x: new Float32Array([21]) })
      return [output.item(), [...new Set(heard.map(({ phase }) => phase))], heard.at(-1).fraction]
    })()`)
    expect([item, phases, last]).toEqual([42, ['download', 'verify', 'prepare'], 1])
  })

  it.each([false, true])('pictures become what torchvision makes of them; worker: %s', async (worker) => {
    await open()
    const scores = await webkit.call(`(async () => {
      const [width, height] = [${expected.width}, ${expected.height}]
      const data = new Uint8ClampedArray(width * height * 4)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([(x * 7 + y) % 256, (y * 11) % 256, (x * y) % 256, 255], (y * width + x) * 4)
      const pixels = new ImageData(data, width, height)
      const canvas = Object.assign(document.createElement('canvas'), { width, height })
      canvas.getContext('2d').putImageData(pixels, 0, 0)
      const file = await new Promise((done) => canvas.toBlob(done))
      const element = Object.assign(new Image(), { src: URL.createObjectURL(file) })
      const model = await handle('/pictures.ptl', ${JSON.stringify(factsOf(pictures))}).load({ worker: ${worker} })
      const results = []
      for (const source of [pixels, canvas, file, element, await createImageBitmap(canvas)]) results.push([...(await model.run(source)).output.data])
      return results
    })()`) as number[][]
    expect(scores).toHaveLength(5)
    for (const row of scores) expect(row).toEqual(expected.scores.map((score) => expect.closeTo(score, 5)))
  })
})
