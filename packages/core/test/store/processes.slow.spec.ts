import { setTimeout as sleep } from 'node:timers/promises'
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { verify } from '../../src/store/verify.ts'
import { buildOnce, type Builder, type Built, startBuilder, type Wanted } from '../support/builder.ts'
import { bundle } from '../support/bundle.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const fixtures = join(import.meta.dirname, '../fixtures/build')

/** How many processes are killed; `pnpm test:crash` says more. */
const CRASHES = Number(process.env['PETAL_TEST_CRASHES'] ?? 12)

let code: string
let right: readonly string[]
let wanted: readonly Wanted[]
let models: string
beforeAll(async () => {
  code = await bundle({ index: 'src/index.ts' })
  models = await mkdtemp(join(tmpdir(), 'petal-models-'))
  await copyFile(join(fixtures, 'net.pt'), join(models, 'net.pt'))
  const queries = ['', 'block=conv_bn_fusion', 'code', 'format=torchscript', 'format=flatbuffer']
  wanted = queries.map((query) => [join(models, 'net.pt'), query] as const)
  const built = await buildOnce({ code, folder: models, store: { dir: join(models, 'cache') }, wanted })
  right = built.results.map(({ sha256 }) => sha256)
})
afterAll(async () => { for (const folder of [code, models]) await rm(folder, { recursive: true, force: true }) })

let folder: string
let dir: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-processes-'))
  dir = join(folder, 'cache')
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

const start = (): Promise<Builder> => startBuilder({ code, folder, store: { dir }, wanted })

function expectRight({ results }: Built): void {
  expect(results.map(({ sha256 }) => sha256)).toEqual(right)
  expect(results.map(({ actual }) => actual)).toEqual(right)
}

it('twelve processes on an empty store compute each model once, and all succeed', async () => {
  const builders: Builder[] = []
  // A few at a time: starting takes more memory than building.
  for (let i = 0; i < 12; i += 4) builders.push(...await Promise.all([start(), start(), start(), start()]))
  for (const builder of builders) builder.go()
  const built = await Promise.all(builders.map((builder) => builder.built))
  for (const one of built) expectRight(one)
  expect(built.reduce((sum, { stats }) => sum + stats.computed, 0)).toBe(wanted.length)
  expect(await verify(dir, false)).toMatchObject({ records: wanted.length, damage: [] })
  expect(await readdir(join(dir, 'v1/locks'))).toEqual([])
  expect(await readdir(join(dir, 'v1/tmp'))).toEqual([])
})

it(`${CRASHES} processes killed at any moment leave a store from which the next build has the right bytes`, async () => {
  const calm = await start()
  const begun = performance.now()
  calm.go()
  await calm.built
  const duration = performance.now() - begun
  await rm(dir, { recursive: true })
  let interrupted = 0
  for (let crash = 0; crash < CRASHES; crash++) {
    // Every other one finds what the ones before it left.
    if (crash % 2 === 0) await rm(dir, { recursive: true, force: true })
    const victim = await start()
    const heir = await start()
    victim.go()
    // Spread over the whole of a build, at random within each part.
    await sleep((crash + Math.random()) / CRASHES * duration * 0.8)
    if (victim.child.kill('SIGKILL')) interrupted++
    await victim.built.catch(() => {})
    heir.go()
    expectRight(await heir.built)
    expect((await verify(dir, false)).damage).toEqual([])
  }
  expect(interrupted).toBeGreaterThan(0)
}, 60_000 + CRASHES * 5_000)

it('who reads while others write never sees a part of a file', async () => {
  const builders = await Promise.all([start(), start(), start()])
  const done = new AbortController()
  let seen = 0
  const reading = (async () => {
    while (!done.signal.aborted) {
      const files = await readdir(join(dir, 'v1/content'), { recursive: true, withFileTypes: true }).catch(() => [])
      for (const file of files.filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))) {
        const bytes = await readFile(join(file.parentPath, file.name)).catch(() => undefined)
        if (!bytes) continue
        seen++
        expect(file.parentPath.endsWith(createHash('sha256').update(bytes).digest('hex'))).toBe(true)
      }
      const records = await readdir(join(dir, 'v1/actions'), { recursive: true, withFileTypes: true }).catch(() => [])
      for (const record of records.filter((entry) => entry.isFile())) {
        JSON.parse(await readFile(join(record.parentPath, record.name), 'utf8'))
      }
      await sleep(1)
    }
  })()
  for (const builder of builders) builder.go()
  for (const builder of builders) expectRight(await builder.built)
  done.abort()
  await reading
  expect(seen).toBeGreaterThan(0)
})
