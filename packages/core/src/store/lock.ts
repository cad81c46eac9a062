import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from './failure.ts'
import { temporaryName } from './write.ts'

/** How the locks of a store behave, in milliseconds. */
export interface LockTiming {
  /** How often an owner shows that it is alive. */
  readonly heartbeat: number
  /** A lock without a sign of life for this long is taken over. */
  readonly stale: number
  /** How often a waiting process looks. */
  readonly poll: number
  /** A process that waited this long goes ahead without the lock. */
  readonly patience: number
}

/** A few heartbeats may be missed; a compile takes seconds, two minutes are longer than any. */
export const LOCK_TIMING: LockTiming = { heartbeat: 2_000, stale: 15_000, poll: 50, patience: 120_000 }

/**
 * Waits for a lock, which is a folder: `mkdir` makes it for one process only. Locks save double work and nothing else;
 * what they guard is correct without them, so every doubtful case ends in going ahead.
 * @param done is asked while waiting; true ends the wait without a lock.
 * @returns how to release the lock, or undefined when there is none to release.
 */
export async function acquireLock(
  path: string, done: () => Promise<boolean>, timing: LockTiming = LOCK_TIMING,
): Promise<(() => Promise<void>) | undefined> {
  const started = Date.now()
  while (Date.now() - started < timing.patience) {
    try {
      await mkdir(path)
      return await own(path, timing)
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
    if (await done()) return undefined
    if (await isAbandoned(path, timing)) await takeAway(path)
    else await sleep(timing.poll)
  }
  return undefined
}

async function own(path: string, timing: LockTiming): Promise<() => Promise<void>> {
  await writeFile(join(path, 'owner'), `${process.pid} ${hostname()}`).catch(() => {})
  const beat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, timing.heartbeat)
  beat.unref()
  return async () => {
    clearInterval(beat)
    await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

async function isAbandoned(path: string, timing: LockTiming): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined) return false
  if (Date.now() - stats.mtimeMs > timing.stale) return true
  const [pid, host] = (await readFile(join(path, 'owner'), 'utf8').catch(() => '')).split(' ')
  return host === hostname() && !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}

/** Renaming first lets only one of several waiting processes remove the lock. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${temporaryName()}`
  await rename(path, aside).catch(() => {})
  await rm(aside, { recursive: true, force: true }).catch(() => {})
}
