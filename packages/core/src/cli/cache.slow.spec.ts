import { execFile } from 'node:child_process'
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { bundle } from '../../test/support/bundle.ts'

// Every step is a process of its own.
vi.setConfig({ testTimeout: 60_000 })

const fixtures = join(import.meta.dirname, '../../test/fixtures/build')

/** What uses a store and prints what became of it: a build. */
const BUILD = `
  const [code, dir, file] = process.argv.slice(2)
  const { build, createStore, parseDirectives } = await import(code + '/index.js')
  const store = createStore({ dir })
  for (const block of ['', 'conv_bn_fusion']) {
    await build({ ...parseDirectives(block === '' ? [] : [['block', block]]), file }, { store })
  }
  console.log(JSON.stringify(store.stats))
`

let code: string
beforeAll(async () => { code = await bundle({ cli: 'src/cli/main.ts', index: 'src/index.ts' }) }, 60_000)
afterAll(async () => { await rm(code, { recursive: true, force: true }) })

let folder: string
let dir: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-cache-'))
  dir = join(folder, 'node_modules/.cache/petal')
  await writeFile(join(folder, 'package.json'), '{}')
  await copyFile(join(fixtures, 'net.pt'), join(folder, 'net.pt'))
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

async function run(script: string, ...args: string[]): Promise<Outcome> {
  const { PETAL_CACHE_DIR: _, ...env } = process.env
  return await new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd: folder, env: { ...env, NO_COLOR: '1' } }, (error, out, err) => {
      resolve({ status: error ? Number(error.code) : 0, out, err })
    })
  })
}

const petal = (...args: string[]): Promise<Outcome> => run(join(code, 'cli.js'), 'cache', ...args)
const told = async (...args: string[]): Promise<Record<string, never>> => JSON.parse((await petal(...args, '--json')).out) as never

/** Builds two models into a store, or finds them there. */
async function use(store = dir): Promise<{ hits: number; computed: number }> {
  const script = join(folder, 'build.mjs')
  await writeFile(script, BUILD)
  const { out, err } = await run(script, code, store, join(folder, 'net.pt'))
  expect(err).toBe('')
  return JSON.parse(out) as never
}

/** Files of a store's folder, sorted. */
async function files(of: string, store = dir): Promise<string[]> {
  const entries = await readdir(join(store, 'v1', of), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).toSorted()
}

describe('petal cache', () => {
  it('says where the store is and what is in it', async () => {
    expect((await petal('path')).out).toBe(`${dir}\n`)
    expect(await told('stats')).toMatchObject({ dir, compiled: 0, converted: 0, files: 0, bytes: 0, damaged: 0 })
    await use()
    expect(await told('stats')).toMatchObject({ compiled: 2, converted: 0, files: 2, damaged: 0 })
    expect((await petal('stats')).out).toContain('2 compiled models')
    expect(await told('stats', '--dir', 'elsewhere')).toMatchObject({ dir: join(folder, 'elsewhere'), files: 0 })
  })

  it.each([
    [['zap'], 2, 'petal has no command "cache zap".'],
    [[], 2, 'petal has no command "cache".'],
    [['prune', '--max-age', 'soon'], 2, '"soon" is not a value of maxAge.'],
    [['stats', 'nowhere'], 2, 'There is no folder '],
    [['export'], 2, '"petal cache export" needs the archive\'s file name.'],
    [['import', 'missing.tar'], 3, 'Cannot read '],
  ])('%j is not understood', async (args, status, message) => {
    const outcome = await petal(...args)
    expect(outcome).toMatchObject({ status, out: '' })
    expect(outcome.err).toContain(message)
    expect(outcome.err).not.toMatch(/\n\s+at /)
  })

  it('says one line that the models and the tool decide, not the place', async () => {
    await writeFile(join(folder, 'app.js'), "import net from './net.pt?mobile'\n")
    const before = await told('key')
    expect(before).toMatchObject({ models: 1 })
    expect(before['key']).toMatch(/^petal-v1-[\da-f]{16}-[\da-f]{16}$/)
    const elsewhere = join(folder, 'elsewhere')
    await mkdir(elsewhere)
    for (const name of ['package.json', 'net.pt', 'app.js']) await copyFile(join(folder, name), join(elsewhere, name))
    expect((await petal('key', 'elsewhere')).out.trim()).toBe(before['key'])
    await copyFile(join(fixtures, 'net.ptl'), join(folder, 'net.pt'))
    await rm(elsewhere, { recursive: true })
    const after = await told('key')
    expect(after['key']).not.toBe(before['key'])
    expect(after['restore']).toBe(before['restore'])
  })

  it('removes what was not used for long', async () => {
    await use()
    const past = new Date(Date.now() - 40 * 24 * 60 * 60 * 1000)
    const [first] = await files('actions')
    for (const file of [first!, ...await files('content')]) await utimes(file, past, past)
    for (const name of await readdir(join(dir, 'v1/content'))) {
      for (const digest of await readdir(join(dir, 'v1/content', name))) await utimes(join(dir, 'v1/content', name, digest), past, past)
    }
    expect(await told('prune')).toMatchObject({ removed: { records: 1, files: 1 }, kept: { records: 1, files: 1 } })
    expect(await use()).toMatchObject({ hits: 1, computed: 1 })
    expect(await told('prune', '--max-size', '1B')).toMatchObject({ removed: { files: 0 }, kept: { files: 2 } })
  })

  it('tells of damage and repairs it', async () => {
    await use()
    expect(await petal('verify')).toMatchObject({ status: 0, err: '' })
    const [record] = await files('actions')
    await truncate(record!, 20)
    const blob = (await files('content')).find((file) => file.endsWith('.ptl'))
    const bytes = await readFile(blob!)
    bytes[100]! ^= 1
    await writeFile(blob!, bytes)
    const found = await petal('verify')
    expect(found.status).toBe(1)
    expect(found.out).toContain('the record is damaged')
    expect(found.out).toContain('no file here has the bytes of its digest')
    expect((await petal('verify', '--repair')).status).toBe(0)
    expect(await told('verify')).toMatchObject({ ok: true, damage: [] })
    expect((await use()).computed).toBeGreaterThan(0)
    expect(await told('stats')).toMatchObject({ compiled: 2, files: 2 })
  })

  it('exports the same bytes for the same contents, and imports them', async () => {
    await use()
    expect(await told('export', 'one.tar')).toMatchObject({ records: 2, files: 2 })
    const other = join(folder, 'other')
    expect(await told('import', 'one.tar', '--dir', other)).toMatchObject({ dir: other, records: 2, files: 2 })
    expect(await use(other)).toMatchObject({ hits: 2, computed: 0 })
    await told('export', 'two.tar', '--dir', other)
    expect((await readFile(join(folder, 'two.tar'))).equals(await readFile(join(folder, 'one.tar')))).toBe(true)
    expect((await readdir(folder)).filter((name) => name.includes('.tmp'))).toEqual([])
    expect(await told('import', 'one.tar', '--dir', other)).toMatchObject({ records: 2, files: 2 })
  })

  it.each([
    ['another byte of a file', (tar: Buffer) => { tar[tar.indexOf('v1/content') + 1000]! ^= 1 }, 'has other bytes than its digest says'],
    ['another word of a record', (tar: Buffer) => { tar.write('imoge', tar.indexOf('image')) }, 'is damaged, or the record of'],
    ['a file that leads elsewhere', (tar: Buffer) => { rename(tar, 'v1/content/../../../../x') }, 'is nothing that a store keeps'],
  ])('refuses an export with %s', async (_, damage, message) => {
    await use()
    await petal('export', 'store.tar')
    const tar = await readFile(join(folder, 'store.tar'))
    damage(tar)
    await writeFile(join(folder, 'store.tar'), tar)
    const other = join(folder, 'other')
    const outcome = await petal('import', 'store.tar', '--dir', other)
    expect(outcome).toMatchObject({ status: 1, out: '' })
    expect(outcome.err).toContain(message)
    expect(await readdir(join(other, 'v1/actions')).catch(() => [])).toEqual([])
  })

  it('refuses an export that is cut off, and what is none', async () => {
    await use()
    await petal('export', 'store.tar')
    await cp(join(folder, 'store.tar'), join(folder, 'cut.tar'))
    await truncate(join(folder, 'cut.tar'), 2000)
    for (const name of ['cut.tar', 'net.pt']) {
      const outcome = await petal('import', name, '--dir', 'other')
      expect(outcome).toMatchObject({ status: 1, out: '' })
      expect(outcome.err).toContain('cannot be read as a tar')
    }
  })
})

/** Gives a tar's first entry another name, and a header that is right with it. */
function rename(tar: Buffer, name: string): void {
  tar.fill(0, 0, 100)
  tar.write(name, 0)
  tar.fill(' ', 148, 156)
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
}
