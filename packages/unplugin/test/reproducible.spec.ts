import { rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { type App, installRuntime, modelApp, readTree } from './support/app.ts'
import { BUNDLERS, modelsOf } from './support/bundler.ts'
import { rsbuild2, rspack2, webpack5 } from './support/webpack.ts'

const MAIN = `import model from './net.pt?mobile'\nimport second from './other.ptl?mobile'\nglobalThis.result = [model, second]`

/** All but the memos of digests: one is written as soon as its file is old enough, on a slow machine by the second build. */
async function storeOf(app: App): Promise<Record<string, Buffer>> {
  const files = await readTree(app.path('node_modules/.cache/petal'))
  return Object.fromEntries(Object.entries(files).filter(([name]) => !name.includes('memo/')))
}

describe.each(BUNDLERS)('$name: a build', ({ build }) => {
  it('is the same, names and bytes, in two checkouts at different paths', async () => {
    // As deep: webpack names modules by where the plugin is as well, which in an app is always the same.
    const [here, there] = [await modelApp(MAIN, 'some/folder'), await modelApp(MAIN, 'other/place of it')]
    for (const app of [here, there]) await installRuntime(app)
    const [one, two] = [await build(here), await build(there)]
    expect(Object.keys(two.files)).toEqual(Object.keys(one.files))
    expect(two.files).toEqual(one.files)
    expect(modelsOf(one)).toHaveLength(2)
  }, 90_000)

  it('computes nothing when it is warm, and gives the same', async () => {
    const app = await modelApp(MAIN)
    const cold = await build(app)
    const stored = await storeOf(app)
    const warm = await build(app)
    expect(cold.log).toMatch(/petal.* 2 models, compiled: 29\.0 kB → \d/)
    expect(warm.log).toMatch(/petal.* 2 models, from the cache: 29\.0 kB → \d/)
    expect(warm.files).toEqual(cold.files)
    expect(await storeOf(app)).toEqual(stored)
  })

  it('keeps its store where it is told', async () => {
    const app = await modelApp(MAIN)
    await build(app, { petal: { cache: { dir: 'elsewhere' } } })
    expect(await storeOf(app)).toEqual({})
    expect(Object.keys(await readTree(app.path('elsewhere'))).some((file) => file.endsWith('other.ptl'))).toBe(true)
  })
})

describe.each([webpack5, rspack2, rsbuild2])('$name: a build', ({ build }) => {
  it('keeps its models in the bundler\'s persistent cache', async () => {
    const app = await modelApp(MAIN)
    const cold = await build(app, { persistentCache: true })
    await rm(app.path('dist'), { recursive: true })
    const warm = await build(app, { persistentCache: true })
    expect(cold.log).not.toContain('built 0 modules')
    expect(warm.log).toContain('built 0 modules')
    expect(warm.files).toEqual(cold.files)
    const blocked = await build(app, { persistentCache: true, petal: { block: ['conv_bn_fusion'] } })
    expect(modelsOf(blocked)).not.toEqual(modelsOf(cold))
  })
})
