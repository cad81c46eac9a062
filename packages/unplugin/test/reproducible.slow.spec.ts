import { describe, expect, it } from 'vitest'
import { type App, modelApp, readTree } from './support/app.ts'
import { KINDS } from './support/bundler.ts'
import { rsbuild2, rspack2, webpack5 } from './support/webpack.ts'

const MAIN = `import model from './net.pt?mobile'\nimport second from './other.ptl?mobile'\nglobalThis.result = [model, second]`

/** All but what builds note for themselves: memos of digests are written as soon as a file is old enough, holds while a process lives. */
async function storeOf(app: App): Promise<Record<string, Buffer>> {
  const files = await readTree(app.path('node_modules/.cache/petal'))
  return Object.fromEntries(Object.entries(files).filter(([name]) => !/\/(?:memo|holds)\//.test(name)))
}

describe.each(KINDS)('$name: a build', ({ build }) => {
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
  it('makes no module again when the bundler has it in its persistent cache', async () => {
    const app = await modelApp(MAIN)
    const cold = await build(app, { persistentCache: true })
    const warm = await build(app, { persistentCache: true })
    expect(cold.log).not.toContain('built 0 modules')
    expect(warm.log).toContain('built 0 modules')
  })
})
