import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createApp, modelApp } from './support/app.ts'
import { BUNDLERS, KINDS, modelsOf, servedFrom } from './support/bundler.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe.each(KINDS)('$name: an import', (bundler) => {
  const { build, kind, defaultBase } = bundler

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
    expect(modelsOf(output).map((asset) => servedFrom(output, bundler, defaultBase) + asset)).toEqual([url])
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
    expect(output.files[raw.replace(servedFrom(output, bundler, defaultBase), '').replace('./', '')]).toEqual(await app.read('src/net.pt'))
    expect(model.format).toBe('ptl')
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
