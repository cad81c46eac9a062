import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { acquireLock } from './lock.ts'
import { ownProcess, processState } from './process.ts'

let folder: string
let lock: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'petal-lock-'))
  lock = join(folder, 'lock')
})
afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

const timing = { heartbeat: 20, stale: 200, stuck: 400, poll: 5, patience: 2_000 }
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

/** The line by which a process of this machine that was killed is known. */
async function goneProcess(): Promise<string> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  await once(child, 'spawn')
  const [, machine] = JSON.parse(ownProcess()) as string[]
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '')
  const line = JSON.stringify([child.pid, machine, stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''])
  expect(processState(line)).toBe(stat === '' ? 'unknown' : 'alive')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(processState(line)).toBe('gone')
  return line
}

async function leave(owner: string): Promise<void> {
  await mkdir(lock)
  await writeFile(join(lock, 'owner'), owner)
}

it('is taken over at once from a process of this machine that was killed', async () => {
  await leave(`${await goneProcess()} 1.tmp`)
  expect(await acquireLock(lock, notDone, { ...timing, stale: 60_000, stuck: 60_000 })).toBeTypeOf('function')
})

it('is not mistaken for that of a later process with the same number', async () => {
  const [pid, machine] = JSON.parse(ownProcess()) as [number, string]
  const earlier = JSON.stringify([pid, machine, '1'])
  expect(processState(earlier)).toBe(existsSync('/proc/self/stat') ? 'gone' : 'unknown')
  expect(processState(ownProcess())).not.toBe('gone')
  const others = ['', '[]', '{}', 'null', '[-1,"x","1"]', JSON.stringify([pid, 'another machine', '1'])]
  for (const line of others) expect(processState(line)).toBe('unknown')
})

it('has one owner at a time when many find it abandoned', async () => {
  const gone = await goneProcess()
  for (let round = 0; round < 20; round++) {
    await leave(`${gone} ${round}.tmp`)
    let inside = 0
    let most = 0
    await Promise.all(Array.from({ length: 8 }, async () => {
      const release = await acquireLock(lock, notDone, { ...timing, patience: 10_000 })
      most = Math.max(most, ++inside)
      await sleep(1)
      inside--
      await release!()
    }))
    expect(most).toBe(1)
  }
}, 20_000)

it('is taken over from a process that is there and hangs', async () => {
  await leave(`${ownProcess()} 1.tmp`)
  const past = new Date(Date.now() - timing.stale - 100)
  await utimes(lock, past, past)
  const started = Date.now()
  expect(await acquireLock(lock, notDone, timing)).toBeTypeOf('function')
  if (existsSync('/proc/self/stat')) expect(Date.now() - started).toBeGreaterThan(50)
})

it('comes back where somebody deletes the folder', async () => {
  await rm(folder, { recursive: true })
  expect(await acquireLock(lock, notDone, timing)).toBeTypeOf('function')
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
