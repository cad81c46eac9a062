import { rmSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ownProcess, processState } from './process.ts'
import { temporaryName } from './write.ts'

/** How long the word of a process counts of which nothing else is known: one of another machine. */
const UNKNOWN_AGE_MS = 24 * 60 * 60 * 1000

/** Tells others which stored files this process has handed out: a dev server serves them as long as it runs. */
export interface Holds {
  /** By digest. */
  readonly own: ReadonlySet<string>
  add(sha256: string): Promise<void>
}

/** Files to remove when this process ends. */
const mine = new Set<string>()

/** Holds of this process, as lines of one small file in `folder`. They are for pruning alone: failing to write them is no error. */
export function createHolds(folder: string): Holds {
  const file = join(folder, temporaryName())
  const own = new Set<string>()
  return {
    own,
    async add(sha256) {
      if (own.has(sha256)) return
      own.add(sha256)
      try {
        await mkdir(folder, { recursive: true })
        removeAtExit(file)
        // One write each, so that lines never mix; the name of the process stands in all of them.
        await appendFile(file, `${sha256} ${ownProcess()}\n`)
      } catch {
        // Pruning also keeps what was used a moment ago.
      }
    },
  }
}

function removeAtExit(file: string): void {
  if (mine.size === 0) process.once('exit', () => { for (const held of mine) rmSync(held, { force: true }) })
  mine.add(file)
}

/** Digests that processes hold which are there, as far as one knows. Forgets those that are gone. */
export async function heldContent(folder: string): Promise<Set<string>> {
  const held = new Set<string>()
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name)
    const lines = (await readFile(file, 'utf8').catch(() => '')).trim().split('\n')
    const state = processState(lines[0]!.slice(65))
    const age = Date.now() - await stat(file).then((stats) => stats.mtimeMs, () => 0)
    if (state === 'gone' || (state === 'unknown' && age > UNKNOWN_AGE_MS)) await rm(file, { force: true }).catch(() => {})
    else for (const line of lines) held.add(line.slice(0, 64))
  }
  return held
}
