import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { acquireLock } from './lock.ts'

let folder: string
let lock: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-lock-'))
  lock = join(folder, 'lock')
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

const timing = { heartbeat: 20, stale: 200, poll: 5, patience: 2_000 }
const notDone = async (): Promise<boolean> => false

it('is held by one at a time', async () => {
  const order: string[] = []
  const work = async (name: string): Promise<void> => {
    const release = await acquireLock(lock, notDone, timing)
    order.push(`${name} in`)
    await sleep(20)
    order.push(`${name} out`)
    await release!()
  }
  await Promise.all([work('a'), work('b'), work('c')])
  for (let i = 0; i < 6; i += 2) expect(order[i]!.replace('in', 'out')).toBe(order[i + 1])
  expect(await readdir(folder)).toEqual([])
})

it('is not waited for when the work is done', async () => {
  await mkdir(lock)
  const started = Date.now()
  expect(await acquireLock(lock, async () => Date.now() - started > 30, timing)).toBeUndefined()
})

it('is taken over from an owner without a sign of life', async () => {
  await mkdir(lock)
  await writeFile(join(lock, 'owner'), '1 another-machine')
  const past = new Date(Date.now() - 1_000)
  await utimes(lock, past, past)
  expect(await acquireLock(lock, notDone, timing)).toBeTypeOf('function')
})

it('is taken over at once from a process of this machine that ended', async () => {
  await mkdir(lock)
  await writeFile(join(lock, 'owner'), `4194305 ${hostname()}`)
  expect(await acquireLock(lock, notDone, { ...timing, stale: 60_000 })).toBeTypeOf('function')
})

it('stays with an owner that works longer than the stale time', async () => {
  const release = await acquireLock(lock, notDone, timing)
  expect(await acquireLock(lock, notDone, { ...timing, patience: 500 })).toBeUndefined()
  await release!()
})

it('is given up on after a while', async () => {
  await mkdir(lock)
  const beat = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => {}), 20)
  const started = Date.now()
  expect(await acquireLock(lock, notDone, { ...timing, patience: 100 })).toBeUndefined()
  expect(Date.now() - started).toBeLessThan(1_000)
  clearInterval(beat)
})
