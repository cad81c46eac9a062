import { mkdir, symlink } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createApp, modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf } from './support/bundler.ts'
import { startDev } from './support/dev.ts'
import { VITES } from './support/vite.ts'

const REFUSED = /was asked for \S+ by its address, and may not read it/

/** An app in a workspace of its own, beside which there is a model that is not the app's. */
async function apart(main: string): ReturnType<typeof createApp> {
  const app = await createApp({ 'src/main.js': main, 'pnpm-workspace.yaml': '' }, 'app')
  await app.model('../secret/net.ptl')
  return app
}

describe.each(VITES)('%s: the dev server', (_, vite) => {
  it.each([
    ['an absolute path', (outside: string) => `/@fs${outside}/net.ptl?mobile&import`],
    ['one in the root that is a link', () => '/src/link.ptl?mobile&import'],
    ['one with dots', () => '/@fs/../secret/net.ptl?mobile&import'],
    ['the facts alone', (outside: string) => `/@fs${outside}/net.ptl?mobile&as=facts&import`],
    ['what loads it', (outside: string) => `/@fs${outside}/net.ptl?mobile&as=runtime&import`],
  ])('reads nothing outside of what may be served, asked for by %s', async (_, urlOf) => {
    const app = await apart('export default 1')
    const outside = app.path('../secret').replace('/app/../', '/')
    await symlink(`${outside}/net.ptl`, app.path('src/link.ptl'))
    const dev = await startDev(vite, app)
    await dev.get('/src/main.js')
    const { status, text } = await dev.get(urlOf(outside))
    expect(status).not.toBe(200)
    expect(text).not.toMatch(/createHandle|sha256/)
    expect(text).toMatch(REFUSED)
    await expect(app.read('node_modules/.cache/petal')).rejects.toThrow('ENOENT')
  })

  it('reads it when the app imports it', async () => {
    const app = await apart(`import model from '../../secret/net.ptl?mobile'\nexport default model`)
    const dev = await startDev(vite, app)
    const module = /"(\/@fs[^"]+)"/.exec((await dev.get('/src/main.js')).text)![1]!
    expect((await dev.get(module)).text).toContain('createHandle(')
    const { status, text } = await dev.get(`${module}&as=facts`)
    // The same file with another query is another import; Vite lets files be read that the app imports.
    expect([status, text.includes('sha256')]).toEqual([200, true])
  })

  it('runs no Python, and unpickles nothing, unless the app imports it', async () => {
    const app = await createApp({ 'src/main.js': 'export default 1', 'src/net.py': 'raise SystemExit("it ran")' })
    await app.model('src/net.pt')
    const dev = await startDev(vite, app, app.root, { python: { path: app.path('no-python') } })
    await dev.get('/src/main.js')
    for (const url of ['/src/net.py?mobile&import', '/src/net.pt?mobile&trust&import', '/src/net.py?mobile&weights=..%2F..%2Fsecret%2Fnet.ptl&import']) {
      const { status, text } = await dev.get(url)
      expect(status).toBe(500)
      expect(text).toMatch(REFUSED)
    }
    await app.write('src/main.js', `export { default } from './net.py?mobile'`)
    const again = await startDev(vite, app, app.root, { python: { path: app.path('no-python') } })
    await again.get('/src/main.js')
    expect((await again.get('/src/net.py?mobile&import')).text).toMatch(/no-python/)
  })
})

describe.each(BUNDLERS)('$name: a build', ({ build }) => {
  it('gives the digest of the file that ships, as integrity attributes have it', async () => {
    const app = await modelApp(`import model from './net.pt?mobile'\nglobalThis.result = model`)
    const output = await build(app)
    const bytes = output.files[modelsOf(output)[0]!]!
    expect((await output.run()).integrity).toBe(`sha256-${createHash('sha256').update(bytes).digest('base64')}`)
  })

  it('reads links as the bundler does, under the name of what they lead to', async () => {
    const app = await createApp({ 'src/main.js': `import model from './link.ptl?mobile'\nglobalThis.result = model` }, 'app')
    await app.model('../elsewhere/net.ptl')
    await mkdir(app.path('src'), { recursive: true })
    await symlink(app.path('../elsewhere/net.ptl'), app.path('src/link.ptl'))
    const output = await build(app)
    expect(modelsOf(output)).toHaveLength(1)
    expect((await output.run()).source.name).toBe('net.ptl')
  })
})
