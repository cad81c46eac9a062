import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from './failure.ts'
import { ownProcess, processState } from './process.ts'
import { temporaryName } from './write.ts'

/** How the locks of a store behave, in milliseconds. */
export interface LockTiming {
  /** How often an owner shows that it is alive. */
  readonly heartbeat: number
  /** A lock without a sign of life for this long is taken over, if nothing else is known of its owner. */
  readonly stale: number
  /** The same if its owner is known to be there: long work may keep it from giving signs, but it may also hang. */
  readonly stuck: number
  /** How often a waiting process looks. */
  readonly poll: number
  /** A process that waited this long goes ahead without the lock. */
  readonly patience: number
}

/** A few heartbeats may be missed; ten minutes are longer than a compile and longer than Python is given for a conversion. */
export const LOCK_TIMING: LockTiming = { heartbeat: 2_000, stale: 15_000, stuck: 60_000, poll: 50, patience: 600_000 }

/** A folder that is not empty cannot be renamed over: as the systems say it. */
const HELD = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR', ...process.platform === 'win32' ? ['EPERM', 'EACCES'] : []])

/**
 * Waits for a lock: a folder with its owner's name in it, renamed into place, which works for one process only. Locks save double work
 * and nothing else; what they guard is correct without them, so every doubtful case ends in going ahead.
 * @param done is asked while waiting; true ends the wait without a lock.
 * @returns how to release the lock, or undefined when there is none to release.
 */
export async function acquireLock(
  path: string, done: () => Promise<boolean>, timing: LockTiming = LOCK_TIMING,
): Promise<(() => Promise<void>) | undefined> {
  const started = Date.now()
  const name = `${ownProcess()} ${temporaryName()}`
  const prepared = `${path}.${temporaryName()}`
  try {
    while (Date.now() - started < timing.patience) {
      if (!await isThere(path) && await take(path, prepared, name)) return beating(path, name, timing)
      if (await done()) return undefined
      const abandoned = await abandonedBy(path, timing)
      if (abandoned === undefined) await sleep(timing.poll)
      else await putAside(path, abandoned)
    }
    return undefined
  } finally {
    await rm(prepared, { recursive: true, force: true }).catch(() => {})
  }
}

const isThere = async (path: string): Promise<boolean> => await stat(path).then(() => true, () => false)

async function take(path: string, prepared: string, name: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true })
  await mkdir(prepared, { recursive: true })
  await writeFile(join(prepared, 'owner'), name)
  try {
    await rename(prepared, path)
    return true
  } catch (error) {
    // Somebody may delete the store meanwhile.
    if (HELD.has(systemCode(error) ?? '') || systemCode(error) === 'ENOENT') return false
    throw error
  }
}

function beating(path: string, name: string, timing: LockTiming): () => Promise<void> {
  const beat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, timing.heartbeat)
  beat.unref()
  return async () => {
    clearInterval(beat)
    // One that was taken over belongs to somebody else.
    if (await ownerOf(path) === name) await remove(path)
  }
}

const ownerOf = async (path: string): Promise<string> => await readFile(join(path, 'owner'), 'utf8').catch(() => '')

/** Whose lock it was, if it is nobody's any more. */
async function abandonedBy(path: string, { stale, stuck }: LockTiming): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined) return undefined
  const owner = await ownerOf(path)
  const state = processState(owner.slice(0, owner.lastIndexOf(' ')))
  const silence = Date.now() - stats.mtimeMs
  return state === 'gone' || silence > (state === 'alive' ? stuck : stale) ? owner : undefined
}

/**
 * Takes a lock away from an owner that is gone. The name it gets is its owner's alone, so of several that found it abandoned the
 * slow ones cannot take the next owner's lock away: a folder of that name is there already.
 */
async function putAside(path: string, owner: string): Promise<void> {
  const aside = `${path}.${owner.slice(owner.lastIndexOf(' ') + 1) || 'nobody'}.gone`
  const moved = await rename(path, aside).then(() => true, () => false)
  // A lock without a name cannot be told from another; nor can one be kept aside that could not be moved.
  if (moved && owner === '') await rm(aside, { recursive: true, force: true }).catch(() => {})
}

/** Renaming first leaves no moment in which half of a lock is there. */
async function remove(path: string): Promise<void> {
  const aside = `${path}.${temporaryName()}`
  if (await rename(path, aside).then(() => true, () => false)) await rm(aside, { recursive: true, force: true }).catch(() => {})
}
