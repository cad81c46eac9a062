import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { build, type BuildRequest, createLimit, createStore, defaultRequest, type Limit } from './index.ts'

const FIXTURE = join(import.meta.dirname, '../../unplugin/test/fixtures/net.pt')

it('compiles as many models at once as it may', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'petal-limit-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const files = ['a.pt', 'b.pt', 'c.pt'].map((name) => join(folder, name))
  for (const file of files) await copyFile(FIXTURE, file)

  const one = createLimit(1)
  let running = 0
  let most = 0
  let tasks = 0
  const limit: Limit = (task) => one(async () => {
    tasks++
    most = Math.max(most, ++running)
    try {
      return await task()
    } finally {
      running--
    }
  })
  const store = createStore({ dir: join(folder, 'store') })
  const request = (file: string, n: number): BuildRequest => ({ ...defaultRequest, tolerance: 1e-4 * (n + 1), file })
  const all = (): Promise<unknown> => Promise.all(files.map((file, n) => build(request(file, n), { store, limit })))
  await all()
  expect([tasks, most]).toEqual([3, 1])
  const results = await all() as { fromCache: boolean }[]
  expect(results.map(({ fromCache }) => fromCache)).toEqual([true, true, true])
  expect(most).toBe(1)
})
