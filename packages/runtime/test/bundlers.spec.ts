import { readdirSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { chromiumPath, launchBrowser } from './support/browser.ts'
import { type Installed, installPackage } from './support/package.ts'
import { readFixture } from './support/page.ts'
import { startServer } from './support/server.ts'

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'package.json': '{ "type": "module" }',
  'index.html': '<!doctype html><title>app</title><script type="module" src="/src/main.js"></script>',
  'public/types.ptl': readFixture('types.ptl'),
  'src/main.js': `
    import { loadModel } from '@petaljs/runtime'
    globalThis.loadModel = loadModel
    globalThis.answers = Promise.all([false, true].map(async (worker) => {
      const model = await loadModel(new URL('types.ptl', document.baseURI), { worker })
      return (await model.run([21])).output.item()
    }))`,
}

/** Without what an app with fewer operators or no `loadModel` would not have. */
const VITES = ['vite', 'vite7'] as const

describe.skipIf(!chromiumPath)('installed and built by', () => {
  let installed: Installed
  let browser: Browser

  beforeAll(async () => {
    installed = await installPackage()
    browser = await launchBrowser()
    for (const [name, content] of Object.entries(FILES)) {
      await mkdir(dirname(join(installed.app, name)), { recursive: true })
      await writeFile(join(installed.app, name), content)
    }
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await installed?.remove()
  })

  /** Answers of the page, and what went wrong in it. */
  async function visit(url: string): Promise<{ answers: number[]; problems: string[]; workers: string[] }> {
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(url)
    // The dev server may reload the page when it finds a dependency.
    const answers = await page.waitForFunction('globalThis.answers', undefined, { timeout: 20_000 }).then((handle) => handle.jsonValue()) as number[]
    return { answers, problems, workers: page.workers().map((worker) => worker.url()) }
  }

  it.each(VITES)('%s, it runs in the page and in a worker, with a base of its own', async (name) => {
    const { build } = await import(name) as typeof import('vite')
    const outDir = join(installed.app, `dist-${name}`)
    await build({ root: installed.app, configFile: false, logLevel: 'error', base: '/sub/', build: { outDir } })
    const server = await startServer({ '/sub/': outDir }, { 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" })
    onTestFinished(() => server.close())
    const { answers, problems, workers } = await visit(`${server.origin}/sub/`)
    expect(answers).toEqual([42, 42])
    expect(problems).toEqual([])
    expect(workers).toEqual([expect.stringMatching(/\/sub\/assets\/worker-.*\.js$/)])
  }, 60_000)

  it.each(VITES)('%s, it runs from the dev server', async (name) => {
    const { createServer } = await import(name) as typeof import('vite')
    // As the plugin says; the optimizer would take the worker's file away from it.
    const server = await createServer({
      root: installed.app, configFile: false, logLevel: 'error', cacheDir: join(installed.app, `.${name}`), server: { port: 0, host: '127.0.0.1' },
      optimizeDeps: { exclude: ['@petaljs/runtime'] },
    })
    onTestFinished(() => server.close())
    await server.listen()
    const { answers, problems } = await visit(server.resolvedUrls!.local[0]!)
    expect(answers).toEqual([42, 42])
    expect(problems).toEqual([])
  }, 60_000)

  it('webpack, it runs in the page and in a worker', async () => {
    const { default: webpack } = await import('webpack')
    const path = join(installed.app, 'dist-webpack')
    const stats = await new Promise<import('webpack').Stats>((resolve, reject) => {
      const compiler = webpack({
        context: installed.app, entry: './src/main.js', mode: 'production', output: { path, filename: 'main.js' }, performance: false, devtool: false,
        // Takes most of the time, and changes nothing that is looked at here.
        optimization: { minimize: false },
      })
      compiler.run((error, result) => {
        if (error) reject(error)
        else compiler.close(() => resolve(result!))
      })
    })
    expect(stats.toJson({ all: false, errors: true, warnings: true })).toMatchObject({ errors: [], warnings: [] })
    await writeFile(join(path, 'index.html'), '<!doctype html><title>app</title><script defer src="main.js"></script>')
    await writeFile(join(path, 'types.ptl'), FILES['public/types.ptl']!)
    const server = await startServer({ '/': path })
    onTestFinished(() => server.close())
    const { answers, problems } = await visit(`${server.origin}/`)
    expect(answers).toEqual([42, 42])
    expect(problems).toEqual([])
    // Nothing of the machine that built it is in what ships.
    for (const file of readdirSync(path).filter((each) => each.endsWith('.js'))) expect(await readFile(join(path, file), 'utf8')).not.toContain(installed.app)
  }, 60_000)
})
