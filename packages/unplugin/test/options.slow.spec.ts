import { relative } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { FactsAbout } from '../src/index.ts'
import { modelApp } from './support/app.ts'
import { BUNDLERS, modelsOf, type TestBundler } from './support/bundler.ts'

afterEach(() => vi.unstubAllEnvs())

const blockedIn = `(model) => model.optimizations.filter((one) => one.blocked).map((one) => one.name)`

async function failure(work: Promise<unknown>): Promise<string> {
  return await work.then(() => { throw new Error('the build did not fail') }, (error: Error) => error.message)
}

describe.each(BUNDLERS)('$name: options', ({ name, build }: TestBundler) => {
  it('are layers: an import wins over its preset, that over defaults', async () => {
    const app = await modelApp(`
      import plain from './net.pt?mobile'
      import camera from './net.pt?mobile=camera'
      import own from './net.pt?mobile=camera&block=fuse_add_relu'
      import compiled from './net.ptl?mobile'
      globalThis.result = {
        blocked: [plain, camera, own].map(${blockedIn}), image: [plain, camera, own].map((model) => model.image?.size), compiled: compiled.url,
      }`)
    const { blocked, image } = await (await build(app, {
      petal: { defaults: { block: ['remove_dropout'], as: 'facts' }, presets: { camera: { image: '8x8', block: ['conv_bn_fusion'] } } },
    })).run()
    expect(blocked).toEqual([['remove_dropout'], ['conv_bn_fusion'], ['fuse_add_relu']])
    expect(image).toEqual([undefined, [8, 8], [8, 8]])
  })

  // Bun builds in a process of its own, which no function reaches.
  if (!name.startsWith('bun')) it('may come from the environment, and be a function of the file', async () => {
    vi.stubEnv('PETAL_PRESETS', '{"careful":"block=conv_bn_fusion"}')
    const app = await modelApp(`
      import net from './net.pt?mobile=careful'
      import other from './other.pt?mobile'
      globalThis.result = [net, other].map(${blockedIn})`)
    const defaults = (file: string): string | undefined => (file.endsWith('other.pt') ? 'block=remove_dropout' : undefined)
    expect(await (await build(app, { petal: { defaults } })).run()).toEqual([['conv_bn_fusion'], ['remove_dropout']])
  })

  it('know the preset that was likely meant, at the import', async () => {
    const app = await modelApp(`// an app\nimport model from './net.pt?mobile=camra'\nglobalThis.result = model`)
    const text = await failure(build(app, { petal: { presets: { camera: 'image=224' } } }))
    expect(text).toContain('"camra" in "mobile=camra" is not a preset.')
    expect(text).toContain('Did you mean "mobile=camera"?')
    expect(text).toMatch(/src\/main\.js:2:/)
  })

  // Rollup, Rolldown and Bun have nothing that would take a marked import.
  if (!/^(?:roll|bun)/.test(name)) it('say which marked imports are ours', async () => {
    const app = await modelApp(`
      import ours from './net.ptl?mobile'
      import theirs from './theirs/other.pt?mobile'
      globalThis.result = [ours.source.name, theirs]`)
    await app.model('src/theirs/other.pt')
    for (const petal of [{ include: 'src/*.ptl' }, { exclude: [/theirs/] }]) {
      const output = await build(app, { petal, ptAssets: true })
      const [ours, theirs] = await output.run()
      expect(ours).toBe('net.ptl')
      const file = modelsOf(output).find((one) => theirs.replace(/\?.*/, '').endsWith(one.replace(/^.*\//, '')))!
      expect(output.files[file]).toEqual(await app.read('src/theirs/other.pt'))
    }
  })

  // Bun builds in a process of its own, which no function reaches.
  if (!name.startsWith('bun')) it('tell of every model that is built, and let an app refuse one', async () => {
    const app = await modelApp(`
      import net from './net.pt?mobile'
      import { url } from './more.js'
      globalThis.result = [net.url, url]`)
    await app.write('src/more.js', `export const url = new URL('./other.ptl?mobile', import.meta.url)`)
    const told: [string, FactsAbout][] = []
    await build(app, { base: './', petal: { onFacts: (facts, about) => { told.push([facts.source.name, about]) } } })
    const seen = told.map(([name, { file, importer }]) => [name, relative(app.root, file), importer && relative(app.root, importer)])
    expect(seen.toSorted()).toEqual([['net.pt', 'src/net.pt', 'src/main.js'], ['other.ptl', 'src/other.ptl', 'src/more.js']])

    const petal = { onFacts: ({ bytes }: { bytes: number }): void => { if (bytes > 1000) throw new Error(`${bytes} bytes are too many.`) } }
    const text = await failure(build(app, { base: './', petal }))
    expect(text).toMatch(/\d+ bytes are too many\./)
    expect(text).toMatch(/src\/(?:main|more)\.js:[12]:/)
  })

  it('may be told by a module that the environment names', async () => {
    const app = await modelApp(`import net from './net.ptl?mobile&as=facts'\nglobalThis.result = net`)
    await app.write('facts.mjs', `export default ({ source }, { importer }) => { throw new Error(\`\${source.name} in \${importer}\`) }`)
    vi.stubEnv('PETAL_ON_FACTS', app.path('facts.mjs'))
    expect(await failure(build(app))).toContain(`net.ptl in ${app.path('src/main.js')}`)
  })
})
