import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { createApp, fixture, modelApp } from './support/app.ts'
import { type DevServer, eventually, startDev } from './support/dev.ts'
import { VITES } from './support/vite.ts'

const MAIN = `import model from './net.ptl?mobile'\nexport default model`

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Digest of what a URL gives; the status where it gives nothing. */
async function served(dev: DevServer, url: string): Promise<string> {
  const { status, bytes, text } = await dev.get(url, 'empty')
  return status === 200 ? sha256(bytes) : `${status} for ${url}: ${text}`
}

/** The URL of the model's file, as a browser finds it: from the module that the page imports to the asset that it imports. */
async function urlOfModel(dev: DevServer, module = '/src/net.ptl?mobile&import'): Promise<string> {
  const { text, status } = await dev.get(module)
  expect([status, text]).toEqual([200, expect.stringContaining('createHandle(')])
  const asset = await dev.get(/import url from "([^"]+)"/.exec(text)![1]!)
  return /export default "([^"]+)"/.exec(asset.text)![1]!
}

describe.each(VITES)('%s: the dev server', (_, vite) => {
  it('serves the module and the stored file', async () => {
    const app = await modelApp(MAIN)
    const dev = await startDev(vite, app)
    expect((await dev.get('/src/main.js')).text).toMatch(/"\/src\/net\.ptl\?(import&)?mobile(&import)?"/)
    const url = await urlOfModel(dev)
    expect(url).toMatch(/^\/node_modules\/\.cache\/petal\/.*\/net\.ptl$/)
    expect(await served(dev, url)).toBe(sha256(await app.read('src/net.ptl')))
  })

  it('gives a server that renders the same handle', async () => {
    const app = await modelApp(MAIN)
    const dev = await startDev(vite, app)
    const { default: model } = await dev.server.ssrLoadModule('/src/main.js')
    expect(model).toMatchObject({ url: await urlOfModel(dev), bytes: (await app.read('src/net.ptl')).length })
  })

  it('serves models from outside of its root, as in a monorepo', async () => {
    const app = await createApp({
      'pnpm-workspace.yaml': 'packages: [app]', 'app/package.json': '{}', 'app/src/main.js': `import '../../shared/net.ptl?mobile'`,
    })
    await app.model('shared/net.ptl')
    const dev = await startDev(vite, app, app.path('app'))
    const module = /"(\/@fs[^"]+)"/.exec((await dev.get('/src/main.js')).text)![1]!
    const url = await urlOfModel(dev, module)
    expect(await served(dev, url)).toBe(sha256(await app.read('shared/net.ptl')))
  })

  it('serves a store that is outside of its root', async () => {
    const app = await createApp({ 'app/package.json': '{}', 'app/src/main.js': `import './net.ptl?mobile'` })
    await app.model('app/src/net.ptl')
    const dev = await startDev(vite, app, app.path('app'), { cache: { dir: '../store' } })
    await dev.get('/src/main.js')
    const url = await urlOfModel(dev)
    expect(url).toMatch(/^\/@fs\/.*\/store\/.*\/net\.ptl$/)
    expect(await served(dev, url)).toBe(sha256(await app.read('app/src/net.ptl')))
  })

  it('reloads the page when the model changes', async () => {
    const app = await modelApp(MAIN)
    const dev = await startDev(vite, app)
    await dev.get('/src/main.js')
    const before = await urlOfModel(dev)
    await app.model('src/net.ptl', 'other.ptl')
    await eventually(() => dev.told.find((message) => message.type === 'full-reload' || message.type === 'update'))
    const after = await urlOfModel(dev)
    expect(after).not.toBe(before)
    expect(await served(dev, after)).toBe(sha256(await readFile(fixture('other.ptl'))))
  })

  it('shows an error at the import, as often as it is asked, and forgets it when the model is right', async () => {
    const app = await modelApp(`// an app\n${MAIN}`)
    await app.write('src/net.ptl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    const dev = await startDev(vite, app)
    await dev.get('/src/main.js')
    for (let times = 0; times < 2; times++) expect((await dev.get('/src/net.ptl?mobile&import')).status).toBe(500)
    const { err } = dev.told.find((message) => message.type === 'error')
    expect(err).toMatchObject({
      plugin: 'petal',
      loc: { file: app.path('src/main.js'), line: 2, column: 19 },
      message: expect.stringMatching(/LFS[^]*\n\n[^]*git lfs pull/),
      frame: expect.stringContaining(`2 |  import model from './net.ptl?mobile'\n  |                     ^^^^^^^^^^^^^^^^`),
    })
    await app.model('src/net.ptl')
    await eventually(async () => (await dev.get('/src/net.ptl?mobile&import')).status === 200)
    expect(await urlOfModel(dev)).toMatch(/net\.ptl$/)
  })
})
