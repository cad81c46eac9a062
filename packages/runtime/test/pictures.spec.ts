import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { chromiumPath } from './support/browser.ts'
import { factsOf, type PageGlobals, readFixture, startApp, type TestApp } from './support/page.ts'

/** The page, inside of what is evaluated there. */
declare const self: PageGlobals

const pictures = readFixture('pictures.ptl')
const expected = JSON.parse(readFixture('pictures.json').toString()) as { width: number; height: number; scores: number[] }

describe.skipIf(!chromiumPath)('pictures in a page', () => {
  let app: TestApp
  let page: Page

  beforeAll(async () => { app = await startApp() }, 60_000)
  afterAll(() => app?.close())
  beforeEach(async () => {
    app.restore()
    page = await app.open()
    await page.evaluate(async ([facts, { width, height }]) => {
      self.net = self.handle('pictures.ptl', facts)
      const data = new Uint8ClampedArray(width * height * 4)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([(x * 7 + y) % 256, (y * 11) % 256, (x * y) % 256, 255], (y * width + x) * 4)
      const pixels = new ImageData(data, width, height)
      const canvas = Object.assign(document.createElement('canvas'), { width, height })
      canvas.getContext('2d')!.putImageData(pixels, 0, 0)
      const offscreen = new OffscreenCanvas(width, height)
      offscreen.getContext('2d')!.putImageData(pixels, 0, 0)
      const file = await offscreen.convertToBlob({ type: 'image/png' })
      const element = new Image()
      element.src = URL.createObjectURL(file)
      const video = document.createElement('video')
      video.muted = true
      video.srcObject = canvas.captureStream(30)
      void video.play()
      // A stream of a canvas has a frame when something was drawn.
      while (video.readyState < video.HAVE_CURRENT_DATA) {
        canvas.getContext('2d')!.putImageData(pixels, 0, 0)
        await new Promise((resolve) => { setTimeout(resolve, 20) })
      }
      self.sources = {
        ImageData: pixels, HTMLCanvasElement: canvas, OffscreenCanvas: offscreen, Blob: file, HTMLImageElement: element,
        ImageBitmap: await createImageBitmap(canvas), VideoFrame: new VideoFrame(canvas, { timestamp: 0 }), HTMLVideoElement: video,
      }
    }, [factsOf(pictures), expected] as const)
  })

  it.each([false, true])('of every kind become what torchvision makes of them; worker: %s', async (worker) => {
    const scores = await page.evaluate(async (worker) => {
      const model = await self.net.load({ worker })
      const results: Record<string, number[]> = {}
      // Twice: nothing is used up.
      for (let i = 0; i < 2; i++) {
        for (const [name, source] of Object.entries(self.sources)) results[name] = [...(await model.run(source)).output.data]
      }
      return results
    }, worker)
    // Of videos the colours went through YUV.
    const { HTMLVideoElement: video, VideoFrame: frame, ...exact } = scores
    for (const [name, values] of Object.entries(exact)) expect(values, name).toEqual(expected.scores.map((score) => expect.closeTo(score, 5)))
    for (const values of [video!, frame!]) expect(values).toEqual(expected.scores.map((score) => expect.closeTo(score, 1)))
  })

  it('are scaled by the engine when that is enough, and make a batch', async () => {
    const [one, batch, dims] = await page.evaluate(async () => {
      const model = await self.net.load()
      const { HTMLCanvasElement: canvas, Blob: file } = self.sources
      const one = (await model.call('forward', [canvas], { image: { ...model.image, scaling: 'smooth' } })).output
      const batch = (await model.run([canvas, file])).output
      return [one.toArray()[0], batch.toArray(), batch.dims]
    })
    expect(one).toEqual(expected.scores.map((score) => expect.closeTo(score, 1)))
    expect(dims).toEqual([2, 5])
    for (const row of batch) expect(row).toEqual(expected.scores.map((score) => expect.closeTo(score, 5)))
  })

  it('smooth scaling puts the picture where exact scaling puts it', async () => {
    const worst = await page.evaluate(async () => {
      const { loadModel } = await self.runtime()
      const model = await loadModel('/types.ptl')
      // A slope: a shift of one pixel would show everywhere.
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 })
      const context = canvas.getContext('2d')!
      const slope = context.createLinearGradient(0, 0, 640, 480)
      slope.addColorStop(0, 'black')
      slope.addColorStop(1, 'white')
      context.fillStyle = slope
      context.fillRect(0, 0, 640, 480)
      let worst = 0
      for (const crop of ['center', 'none', 'pad'] as const) {
        const [smooth, exact] = await Promise.all((['smooth', 'exact'] as const).map(async (scaling) =>
          (await model.call('same', [canvas], { image: { size: [200, 100], crop, scaling, range: [0, 255], background: [9, 9, 9] } })).output.data as Float32Array))
        for (let i = 0; i < exact!.length; i++) worst = Math.max(worst, Math.abs(smooth![i]! - exact![i]!))
      }
      return worst
    })
    // Of 255; one pixel of the result is worth two to three.
    expect(worst).toBeLessThanOrEqual(2)
  })

  it('that cannot be used are told', async () => {
    const [here, there] = await page.evaluate(async () => await Promise.all([false, true].map(async (worker) => {
      const model = await self.net.load({ worker })
      const inputs = [new Blob(['no picture']), document.createElement('video'), Object.assign(new Image(), { src: 'missing.png' })]
      return await Promise.all(inputs.map((input) => self.failure(model.run(input))))
    })))
    for (const failures of [here!, there!]) expect(failures.map(({ code }) => code)).toEqual(['WRONG_INPUT', 'WRONG_INPUT', 'WRONG_INPUT'])
    expect(here!.map(({ message }) => message)).toEqual([
      'The picture cannot be used: the file is not a picture that this engine can decode.',
      'The picture cannot be used: the HTMLVideoElement has no picture: it did not load, or not yet.',
      'The picture cannot be used: the HTMLImageElement has no picture: it did not load, or not yet.',
    ])
  })
})
