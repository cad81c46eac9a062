import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createApp, modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf, type Output, type TestBundler } from './support/bundler.ts'

/** Where a run output finds its files. */
const servedFrom = ({ dir }: Output, kind: TestBundler['kind'], base: string): string =>
  base !== './' ? base : kind === 'module' ? `file://${dir}/` : 'https://app.example/'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.each(BUNDLERS)('$name: an import', ({ build, kind, defaultBase }) => {
  it('gives an immutable handle with the facts of the file that ships', async () => {
    const app = await modelApp(`import model from './net.pt?mobile'\nglobalThis.result = model`)
    const output = await build(app)
    const model = await output.run()
    const [asset] = modelsOf(output)
    const bytes = output.files[asset!]!
    expect(model).toMatchObject({
      format: 'ptl', backend: 'cpu', bytes: bytes.length, sha256: sha256(bytes),
      source: { name: 'net.pt', bytes: 13_426, sha256: sha256(await app.read('src/net.pt')) },
      inputs: [{ name: 'image', type: 'Tensor' }],
    })
    expect(model.operators.before['aten::dropout']).toBe(1)
    expect(model.operators.after['aten::dropout']).toBeUndefined()
    expect(model.optimizations).toContainEqual(expect.objectContaining({ name: 'conv_bn_fusion', applied: 1, blocked: false }))
    expect([String(model), `${model}`, JSON.parse(JSON.stringify(model)).url]).toEqual([model.url, model.url, model.url])
    for (const part of [model, model.inputs, model.inputs[0], model.operators.after, model.source]) expect(Object.isFrozen(part)).toBe(true)
    expect(JSON.stringify({ ...model, url: '' })).not.toContain(app.root)
  })

  it.each([undefined, './', '/', 'https://cdn.example/app/'])('finds the file with base %s', async (base) => {
    const app = await modelApp(`import model from './net.ptl?mobile'\nglobalThis.result = model`)
    const output = await build(app, { base })
    const { url } = await output.run()
    const [asset] = modelsOf(output)
    expect(asset).toMatch(/(^|\/)net[-.][\w-]{8,10}\.ptl$/)
    expect(url).toBe(servedFrom(output, kind, base ?? defaultBase) + asset)
  })

  it('is named as the app has its assets named', async () => {
    const app = await modelApp(`import model from './net.ptl?mobile'\nglobalThis.result = model`)
    const output = await build(app, { assetNames: 'static/media' })
    const [asset] = modelsOf(output)
    expect(asset).toMatch(/^static\/media\/net\.[\w-]{8,}\.ptl$/)
    expect((await output.run()).url).toBe(servedFrom(output, kind, defaultBase) + asset)
  })

  it('passes a compiled model through, byte for byte', async () => {
    const app = await modelApp(`import model from './net.ptl?mobile'\nglobalThis.result = model`)
    const output = await build(app)
    const [asset] = modelsOf(output)
    expect(output.files[asset!]).toEqual(await app.read('src/net.ptl'))
    expect(await output.run()).toMatchObject({ format: 'ptl', inputs: [{ name: 'image' }], source: { name: 'net.ptl' } })
    expect(output.log).not.toMatch(/^ +\S+\.ptl \(/m)
  })

  it('is a string with as=url, and frozen facts without a file with as=facts', async () => {
    const app = await modelApp(`
      import url from './net.ptl?mobile&as=url'
      import facts from './other.ptl?mobile&as=facts'
      globalThis.result = { url, facts }`)
    const output = await build(app)
    const { url, facts } = await output.run()
    expect(modelsOf(output).map((asset) => servedFrom(output, kind, defaultBase) + asset)).toEqual([url])
    expect(facts).toMatchObject({ format: 'ptl', sha256: sha256(await app.read('src/other.ptl')) })
    expect(facts).not.toHaveProperty('url')
    expect(Object.isFrozen(facts.operators)).toBe(true)
  })

  it('leaves a .pt without the marker to the bundler', async () => {
    const app = await modelApp(`
      import raw from './net.pt'
      import model from './net.pt?mobile&as=facts'
      globalThis.result = { raw, model }`)
    const output = await build(app, { ptAssets: true })
    const { raw, model } = await output.run()
    expect(output.files[raw.replace(servedFrom(output, kind, defaultBase), '').replace('./', '')]).toEqual(await app.read('src/net.pt'))
    expect(model.format).toBe('ptl')
  })

  it('is emitted once, however often and in whatever order it is asked for', async () => {
    const app = await modelApp(`
      import a from './net.pt?mobile&block=fuse_add_relu,remove_dropout'
      import b from './net.pt?block=REMOVE_DROPOUT,fuse_add_relu&format=ptl&mobile'
      import c from './more.js'
      globalThis.result = [a.url, b.url, c.url]`)
    await app.write('src/more.js', `export { default } from './net.pt?mobile&block=remove_dropout,fuse_add_relu'`)
    const output = await build(app)
    expect(modelsOf(output)).toHaveLength(1)
    expect(new Set(await output.run()).size).toBe(1)
    expect(output.log).toContain('1 model, compiled: 13.4 kB → ')
  })

  it('can be many, at once', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `m${n}.ptl`)
    const app = await createApp({
      'src/main.js': `${names.map((file, n) => `import m${n} from './${file}?mobile'`).join('\n')}
        globalThis.result = [${names.map((_, n) => `m${n}.source.name`).join()}]`,
    })
    for (const [n, file] of names.entries()) await app.model(`src/${file}`, n % 2 ? 'net.ptl' : 'other.ptl')
    const output = await build(app)
    expect(await output.run()).toEqual(names)
    expect(output.log).toContain('12 models')
  })

  it('can be dynamic', async () => {
    const app = await modelApp(`globalThis.result = import('./net.ptl?mobile').then(({ default: model }) => model.source.name)`)
    const output = await build(app)
    expect(modelsOf(output)).toHaveLength(1)
    // webpack's kind splits it off into a file that its loader would fetch.
    if (kind === 'module') expect(await output.run()).toBe('net.ptl')
  })

  it('takes the blocklist of the plugin where it has none', async () => {
    const app = await modelApp(`
      import fromPlugin from './net.pt?mobile&as=facts'
      import own from './net.pt?mobile&as=facts&block=fuse_add_relu'
      import compiled from './net.ptl?mobile&as=facts'
      globalThis.result = [fromPlugin, own].map((model) => model.optimizations.filter((one) => one.blocked).map((one) => one.name))`)
    const output = await build(app, { petal: { block: ['Conv_BN_Fusion', 'remove_dropout'] } })
    expect(await output.run()).toEqual([expect.arrayContaining(['conv_bn_fusion', 'remove_dropout']), ['fuse_add_relu']])
  })

  it('comes with the model\'s warnings, in the next build, too', async () => {
    const app = await modelApp(`import model from './cuda.pt?mobile'\nglobalThis.result = model`)
    await app.model('src/cuda.pt')
    const [cold, warm] = [await build(app), await build(app)]
    for (const { log } of [cold, warm]) expect(log).toContain('cuda.pt: The model was saved on cuda')
  })

  it('comes with lints by their codes, as the plugin or the import wants them', async () => {
    const app = await modelApp(`
      import model from './dropped.pt?mobile&as=facts'
      import quiet from './dropped.pt?mobile&as=facts&lint=off'
      globalThis.result = [model, quiet]`)
    await app.model('src/dropped.pt')
    const { log } = await build(app, { petal: { lint: 'warn' } })
    expect(log.match(/dropped\.pt: (?:BUNDLED_INPUT|DROPOUT): /g)?.toSorted()).toEqual(['dropped.pt: BUNDLED_INPUT: ', 'dropped.pt: DROPOUT: '])
    await expect(build(app, { petal: { lint: ['dropout'] } })).rejects.toThrow(/a lint that is an error: DROPOUT/)
  })

  it('says the same to a server, and emits nothing there', async () => {
    const app = await modelApp(`import model from './net.ptl?mobile'\nglobalThis.result = model`)
    const server = await (await build(app, { ssr: true })).run()
    const browser = await (await build(app)).run()
    expect(JSON.stringify(server)).toBe(JSON.stringify(browser))
  })
})

describe.each(BUNDLERS.filter(({ name }) => name.startsWith('vite')))('$name: an import', ({ build }) => {
  it('can be a glob', async () => {
    const app = await modelApp(`
      const models = import.meta.glob('./*.ptl', { query: '?mobile', import: 'default', eager: true })
      globalThis.result = Object.entries(models).map(([file, model]) => [file, model.source.name])`)
    expect(await (await build(app)).run()).toEqual([['./net.ptl', 'net.ptl'], ['./other.ptl', 'other.ptl']])
  })
})
