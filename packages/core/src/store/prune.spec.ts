import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { buildOnce, startBuilder } from '../../test/support/builder.ts'
import { bundle } from '../../test/support/bundle.ts'
import type { BuiltArtifact } from '../facts.ts'
import { createStore, type Store, type Stored } from './index.ts'
import { readInventory } from './inventory.ts'
import { ownProcess } from './process.ts'
import { prune, tidy } from './prune.ts'

const HOUR_MS = 3_600_000
const NEVER = { maxAge: Infinity, maxSize: Infinity }

let folder: string
let dir: string
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-prune-'))
  dir = join(folder, 'cache')
  store = createStore({ dir, tool: 'tool-1' })
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

/** Stores a file of a thousand bytes that was last used so many hours ago. */
async function put(letter: string, hours: number, into = store): Promise<Stored> {
  const bytes = new TextEncoder().encode(letter.repeat(1000))
  const artifact = { facts: {}, warnings: [], size: 1000, async *stream() { yield bytes } } as unknown as BuiltArtifact
  const source = { sha256: letter.repeat(64), bytes: 1 }
  const stored = await into.resolve({ source, request: 'r', name: `${letter}.ptl` }, async () => artifact)
  await age(stored, hours)
  return stored
}

async function age({ file, key }: Stored, hours: number): Promise<void> {
  const past = new Date(Date.now() - hours * HOUR_MS)
  const home = join(file, '..')
  for (const path of [file, home, join(dir, 'v1/actions', key.slice(0, 2), `${key}.json`)]) await utimes(path, past, past)
}

/** First letters of the files that are there. */
async function letters(): Promise<string> {
  const { contents, damaged } = await readInventory(dir)
  expect(damaged).toEqual([])
  return contents.map(({ names }) => names[0]![0]).toSorted().join('')
}

/** Forgets what this process holds, as if it had ended. */
const leave = (): Promise<void> => rm(join(dir, 'v1/holds'), { recursive: true })

it('removes what nobody used for long, with its record, and nothing else', async () => {
  for (const [letter, hours] of [['a', 50], ['b', 20], ['c', 0]] as const) await put(letter, hours)
  await leave()
  expect(await prune(dir, { ...NEVER, maxAge: 24 * HOUR_MS })).toEqual({
    removed: { records: 1, files: 1, bytes: 1000 }, kept: { records: 2, files: 2, bytes: 2000 },
  })
  expect(await letters()).toBe('bc')
  expect((await readInventory(dir)).records).toHaveLength(2)
  expect(await readdir(join(dir, 'v1/tmp'))).toEqual([])
})

it('removes what was used longest ago until the rest is small enough, and never what was used just now', async () => {
  for (const [letter, hours] of [['a', 2], ['b', 4], ['c', 3], ['d', 0]] as const) await put(letter, hours)
  await leave()
  await prune(dir, { ...NEVER, maxSize: 2500 })
  expect(await letters()).toBe('ad')
  await prune(dir, { ...NEVER, maxSize: 0 })
  expect(await letters()).toBe('d')
})

it('keeps what this build used, however old it is', async () => {
  await put('a', 50)
  await put('b', 50)
  await leave()
  const other = createStore({ dir, tool: 'tool-1', maxAge: '1h' })
  const found = await other.find({ source: { sha256: 'a'.repeat(64), bytes: 1 }, request: 'r', name: 'a.ptl' })
  await age(found!, 50)
  await other.tidy()
  expect(await letters()).toBe('a')
})

it('keeps what a process holds that is there, and not what one held that is gone', async () => {
  const [a, b, c] = [await put('a', 50), await put('b', 50), await put('c', 50)]
  await leave()
  await mkdir(join(dir, 'v1/holds'))
  const [pid, machine] = JSON.parse(ownProcess()) as [number, string]
  const holds: readonly (readonly [string, string])[] = [
    [a.sha256, ownProcess()], [b.sha256, JSON.stringify([pid, machine, '1'])], [c.sha256, JSON.stringify([pid, 'another machine', '1'])],
  ]
  for (const [sha256, owner] of holds) await writeFile(join(dir, 'v1/holds', sha256), `${sha256} ${owner}\n`)
  await prune(dir, { ...NEVER, maxAge: HOUR_MS })
  expect(await letters()).toBe('ac')
  expect((await readdir(join(dir, 'v1/holds'))).toSorted()).toEqual([a.sha256, c.sha256].toSorted())
})

it('removes what no record leads to, and records that lead to nothing', async () => {
  const orphan = await put('a', 50)
  const lost = await put('b', 50)
  await leave()
  await rm(join(dir, 'v1/actions', orphan.key.slice(0, 2)), { recursive: true })
  await rm(join(lost.file, '..'), { recursive: true })
  expect(await prune(dir, { ...NEVER, maxAge: 100 * HOUR_MS })).toMatchObject({ removed: { records: 1, files: 1 } })
  expect(await readInventory(dir)).toEqual({ records: [], contents: [], damaged: [] })
})

it('is done by builds once a day', async () => {
  await put('a', 50)
  await leave()
  const limits = { ...NEVER, maxAge: HOUR_MS }
  await tidy(dir, limits, new Set())
  expect(await letters()).toBe('')
  await put('b', 50, createStore({ dir, tool: 'tool-2' }))
  await leave()
  await tidy(dir, limits, new Set())
  expect(await letters()).toBe('b')
  const stamp = join(dir, 'v1/pruned')
  const yesterday = new Date((await stat(stamp)).mtimeMs - 25 * HOUR_MS)
  await utimes(stamp, yesterday, yesterday)
  await tidy(dir, limits, new Set())
  expect(await letters()).toBe('')
  await tidy(join(folder, 'nowhere'), limits, new Set())
  expect(await readdir(folder)).toEqual(['cache'])
})

it('leaves what another process uses that runs, until it ends', async () => {
  const code = await bundle({ index: 'src/index.ts' })
  try {
    const model = join(import.meta.dirname, '../../test/fixtures/build/net.pt')
    const options = { code, folder, store: { dir }, wanted: [[model, '']] as const }
    await buildOnce(options)
    expect(await readdir(join(dir, 'v1/holds'))).toEqual([])
    const builder = await startBuilder({ ...options, env: { PETAL_TEST_STAY: '1' } })
    builder.go()
    while ((await readdir(join(dir, 'v1/holds'))).length === 0) await new Promise((resolve) => { setTimeout(resolve, 20) })
    const { contents: [content], records: [record] } = await readInventory(dir)
    const past = new Date(Date.now() - 50 * HOUR_MS)
    const old = async (): Promise<void> => {
      for (const path of [content!.path, join(content!.path, 'blob'), record!.path]) await utimes(path, past, past)
    }
    await old()
    await prune(dir, { ...NEVER, maxSize: 0 })
    expect((await readInventory(dir)).contents).toHaveLength(1)
    builder.child.kill('SIGKILL')
    await builder.built.catch(() => {})
    await old()
    await prune(dir, { ...NEVER, maxSize: 0 })
    expect((await readInventory(dir)).contents).toHaveLength(0)
  } finally {
    await rm(code, { recursive: true, force: true })
  }
}, 60_000)
