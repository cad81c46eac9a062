import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BAD_MODELS } from '../test/support/bad-models.ts'
import { build, type BuildResult, createStore, defaultRequest, parseDirectives, PetalError, type Store } from './index.ts'

const fixtures = join(import.meta.dirname, '../test/fixtures/build')

let folder: string
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'petal-build-')) })
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

const open = (name = 'cache'): Store => createStore({ dir: join(folder, name) })

async function place(fixture: string, path = fixture): Promise<string> {
  const file = join(folder, path)
  await mkdir(join(file, '..'), { recursive: true })
  await copyFile(join(fixtures, fixture), file)
  return file
}

/** Every file of a store but the memos of digests. */
async function results(store: string): Promise<string[]> {
  const entries = await readdir(store, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/memo/'))
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(() => { throw new Error('was accepted') }, (error: unknown) => error)
}

describe('a model that is refused', () => {
  it.each(BAD_MODELS)('$title', async ({ code, make }) => {
    const file = join(folder, 'bad.pt')
    await make(file)
    const started = performance.now()
    const error = await failure(build({ ...defaultRequest, file }, { store: open() }))
    expect(error).toBeInstanceOf(PetalError)
    expect((error as PetalError).code).toBe(code)
    expect((error as PetalError).fix ?? '').not.toBe('')
    expect(performance.now() - started).toBeLessThan(5000)
    expect(await results(join(folder, 'cache/v1'))).toEqual([])
  })

  it('is looked at once by those who ask again at once, and anew when it changed', async () => {
    const file = join(folder, 'net.pt')
    await writeFile(file, '<html>')
    const store = open()
    const ask = { ...defaultRequest, file }
    const first = await failure(build(ask, { store }))
    expect(await failure(build(ask, { store }))).toBe(first)
    await writeFile(file, '')
    expect(await failure(build(ask, { store }))).toMatchObject({ code: 'EMPTY_FILE' })
  })
})

describe('a model that is compiled already', () => {
  it('passes through unchanged, with its facts', async () => {
    const file = await place('net.ptl')
    const store = open()
    const result = await build({ ...defaultRequest, file }, { store })
    expect(basename(result.file)).toBe('net.ptl')
    expect(await readFile(result.file)).toEqual(await readFile(file))
    expect(result.sha256).toBe(result.source.sha256)
    expect(result.facts.inputs).toMatchObject([{ name: 'image', type: 'Tensor' }])
    expect(await build({ ...defaultRequest, as: 'url', file }, { store })).toEqual({ ...result, fromCache: true })
    expect(store.stats).toMatchObject({ hits: 1, misses: 1, computed: 1 })
  })

  it('refuses directives that would compile it again', async () => {
    const file = await place('net.ptl')
    const error = await failure(build({ ...parseDirectives([['block', 'conv_bn_fusion']]), file }, { store: open() }))
    expect(error).toMatchObject({ code: 'ALREADY_COMPILED' })
    expect((error as PetalError).message).toContain('"block"')
  })
})

describe('a TorchScript model', () => {
  it('is compiled once, whatever its path', async () => {
    const store = open()
    const here = await build({ ...defaultRequest, file: await place('net.pt', 'a/net.pt') }, { store })
    const there = await build({ ...defaultRequest, file: await place('net.pt', 'b/net.pt') }, { store })
    const blocked = await build({ ...parseDirectives([['block', 'conv_bn_fusion']]), file: join(folder, 'a/net.pt') }, { store })
    expect(here.fromCache).toBe(false)
    expect(there).toEqual({ ...here, fromCache: true, dependencies: [join(folder, 'b/net.pt')] })
    expect(blocked.sha256).not.toBe(here.sha256)
    expect(store.stats).toMatchObject({ hits: 1, misses: 2, computed: 2 })
  })

  it('has the same bytes and facts in another checkout', async () => {
    const here = await build({ ...defaultRequest, file: await place('net.pt', 'a/net.pt') }, { store: open('cache-a') })
    const there = await build({ ...defaultRequest, file: await place('net.pt', 'elsewhere/b/net.pt') }, { store: open('cache-b') })
    expect(await readFile(there.file)).toEqual(await readFile(here.file))
    const told = (result: BuildResult): string => JSON.stringify({ ...result, file: '', dependencies: [] })
    expect(told(there)).toBe(told(here))
    expect(told(here)).not.toContain(folder)
  })

  it('says what it is', async () => {
    const file = await place('net.pt')
    const result = await build({ ...defaultRequest, file }, { store: open() })
    const { facts } = result
    expect(result).toMatchObject({ bytes: (await stat(result.file)).size, source: { name: 'net.pt', bytes: (await stat(file)).size } })
    expect(facts).toMatchObject({ format: 'ptl', inputs: [{ name: 'image', type: 'Tensor' }], outputs: [{ type: 'Tensor' }] })
    expect(facts.optimizations.find(({ name }) => name === 'conv_bn_fusion')).toMatchObject({ applied: 1, blocked: false })
    expect(Object.keys(facts.operators.before)).toContain('aten::batch_norm')
    expect(Object.keys(facts.operators.after)).not.toContain('aten::batch_norm')
  })
})
