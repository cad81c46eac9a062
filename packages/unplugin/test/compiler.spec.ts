import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Rollup } from 'vite'
import { describe, expect, it } from 'vitest'
import { bytesSource, compile } from '../../core/src/compiler/index.ts'
import { createApp, fixture } from './support/app.ts'
import { chromiumPath, launchBrowser, serveFiles } from './support/browser.ts'

const COMPILER = fileURLToPath(new URL('../../core/src/compiler/index.ts', import.meta.url))

const PAGE = `
  import { blobSource, compile } from '${COMPILER}'
  const blob = await (await fetch('./net.pt')).blob()
  const { stream } = await compile(blobSource(blob), { backend: 'cpu', format: 'ptl', block: [] })
  const bytes = []
  for await (const piece of stream()) bytes.push(...piece)
  globalThis.compiled = bytes`

describe.skipIf(!chromiumPath)('the compiler in a browser', () => {
  it('gives the bytes that it gives in Node', async () => {
    const app = await createApp({ 'main.js': PAGE })
    const output = await build({
      root: app.root, configFile: false, logLevel: 'silent',
      build: { write: false, target: 'esnext', rollupOptions: { input: app.path('main.js') } },
    }) as Rollup.RollupOutput
    const model = await readFile(fixture('net.pt'))
    const url = await serveFiles({
      'index.html': '<script type="module" src="./main.js"></script>', 'main.js': output.output[0].code, 'net.pt': model,
    })

    const browser = await launchBrowser()
    try {
      const page = await browser.newPage()
      await page.goto(url)
      await page.waitForFunction('globalThis.compiled')
      const inBrowser = Buffer.from(await page.evaluate('globalThis.compiled') as number[])
      const pieces: Uint8Array[] = []
      const { stream } = await compile(bytesSource(model), { backend: 'cpu', format: 'ptl', block: [] })
      for await (const piece of stream()) pieces.push(piece.slice())
      expect(inBrowser.equals(Buffer.concat(pieces))).toBe(true)
      expect(inBrowser.length).toBeGreaterThan(1000)
    } finally {
      await browser.close()
    }
  })
})
