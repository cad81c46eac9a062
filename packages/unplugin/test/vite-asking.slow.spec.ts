import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createApp, modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf } from './support/bundler.ts'
import { type DevServer, eventually, startDev } from './support/dev.ts'
import { VITES } from './support/vite.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.each(BUNDLERS.filter(({ name }) => name.startsWith('vite')))('$name: a glob', ({ build }) => {
  it.each([
    ['eager', `{ query: '?mobile', import: 'default', eager: true }`, '(model) => model'],
    ['eager, with namespaces', `{ query: '?mobile', eager: true }`, '(module) => module.default'],
    ['with an object', `{ query: { mobile: true, format: 'ptl' }, import: 'default', eager: true }`, '(model) => model'],
  ])('may be %s', async (_, options, open) => {
    const app = await modelApp(`
      const models = Object.entries(import.meta.glob('./*.ptl', ${options}))
      globalThis.result = models.map(([file, found]) => [file, (${open})(found).source.name])`)
    const output = await build(app)
    expect(await output.run()).toEqual([['./net.ptl', 'net.ptl'], ['./other.ptl', 'other.ptl']])
    expect(modelsOf(output)).toHaveLength(2)
  })

  it('may have directives and a preset', async () => {
    const app = await modelApp(`
      const [a, b] = [
        import.meta.glob('./*.pt', { query: '?mobile=careful&as=facts', import: 'default', eager: true }),
        import.meta.glob('./*.pt', { query: { mobile: 'careful', block: 'remove_dropout,fuse_add_relu' }, import: 'default', eager: true }),
      ]
      const blocked = (model) => model.optimizations.filter((one) => one.blocked).map((one) => one.name).join()
      globalThis.result = [a, b].map((models) => Object.values(models).map(blocked))`)
    const output = await build(app, { petal: { presets: { careful: { block: 'conv_bn_fusion' } } } })
    const both = ['fuse_add_relu', 'remove_dropout']
    const [a, b] = await output.run() as [string[], string[]]
    expect(a).toEqual(['conv_bn_fusion', 'conv_bn_fusion'])
    expect(b.map((names) => names.split(',').toSorted())).toEqual([both, both])
  })
})

/** A page whose module asks in the other ways. */
const MAIN = `
  import named from './net.ptl' with { type: 'mobile', as: 'facts' }
  export const url = new URL('./net.ptl?mobile', import.meta.url)
  export const models = import.meta.glob('./*.ptl', { query: '?mobile', import: 'default', eager: true })
  export { named }`

/** What a module's URL gives in a browser: from the module that it imports to the file. */
async function fileAt(dev: DevServer, code: string): Promise<string> {
  const [, name] = /new URL\((\w+), import\.meta\.url\)/.exec(code)!
  const specifier = new RegExp(`import ${name} from "([^"]+)"`).exec(code)![1]!
  const asset = /import url from "([^"]+)"/.exec((await dev.get(specifier)).text)![1]!
  const url = /export default "([^"]+)"/.exec((await dev.get(asset)).text)![1]!
  const { status, bytes } = await dev.get(url, 'empty')
  return status === 200 ? sha256(bytes) : `${status}`
}

describe.each(VITES)('%s: the dev server', (_, vite) => {
  it('gives the file, facts and globs', async () => {
    const app = await modelApp(MAIN)
    const dev = await startDev(vite, app)
    const { status, text } = await dev.get('/src/main.js')
    expect(status).toBe(200)
    // Browsers know no such type.
    expect(text).not.toMatch(/with\s*\{\s*type/)
    expect(await fileAt(dev, text)).toBe(sha256(await app.read('src/net.ptl')))
    const { url, models, named } = await dev.server.ssrLoadModule('/src/main.js')
    expect(named).toMatchObject({ format: 'ptl', source: { name: 'net.ptl' } })
    expect(url.href).toMatch(/\/net\.ptl$/)
    expect(Object.values(models).map((model: any) => model.source.name)).toEqual(['net.ptl', 'other.ptl'])
  })

  it('gives another file when the model changes', async () => {
    const app = await modelApp(`export const url = new URL('./net.ptl?mobile', import.meta.url)`)
    const dev = await startDev(vite, app)
    const { text } = await dev.get('/src/main.js')
    const before = await fileAt(dev, text)
    await app.model('src/net.ptl', 'other.ptl')
    await eventually(() => dev.told.find((message) => message.type === 'full-reload' || message.type === 'update'))
    const after = await eventually(async () => {
      const digest = await fileAt(dev, (await dev.get('/src/main.js')).text)
      return digest === before ? undefined : digest
    })
    expect(after).toBe(sha256(await app.read('src/net.ptl')))
  })

  it('maps to what was written', async () => {
    const main = `const net: URL = new URL('./net.ptl?mobile', import.meta.url), after: string = 'mark'\nexport { net, after }`
    const app = await createApp({ 'src/main.ts': main })
    await app.model('src/net.ptl')
    const dev = await startDev(vite, app)
    const { text } = await dev.get('/src/main.ts')
    const { SourceMap } = await import('node:module')
    const map = new SourceMap(JSON.parse(Buffer.from(/base64,([\w+/=]+)/.exec(text)![1]!, 'base64').toString()))
    const lines = text.split('\n')
    const line = lines.findIndex((one) => one.includes('"mark"') || one.includes(`'mark'`))
    const origin = map.findEntry(line, lines[line]!.search(/["']mark/)) as { originalLine: number; originalColumn: number }
    expect(origin).toMatchObject({ originalLine: 0, originalColumn: (await app.read('src/main.ts')).toString().indexOf(`'mark'`) })
  })
})
