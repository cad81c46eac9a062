import { lstat, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sweep } from './engine.ts'
import { heldContent } from './holds.ts'
import { type ContentEntry, readInventory, type RecordEntry } from './inventory.ts'
import { LAYOUT } from './key.ts'
import { storeFolders } from './layout.ts'
import type { StoreLimits } from './limits.ts'
import { temporaryName } from './write.ts'

/** What was used so recently may be in use by a process that has not said so yet. */
const GRACE_MS = 10 * 60 * 1000

/** How often builds prune. */
const INTERVAL_MS = 24 * 60 * 60 * 1000

/** What pruning did. */
export interface PruneReport {
  readonly removed: { readonly records: number; readonly files: number; readonly bytes: number }
  readonly kept: { readonly records: number; readonly files: number; readonly bytes: number }
}

/** Removes what is beyond the limits, if nobody did so within a day. */
export async function tidy(dir: string, limits: StoreLimits, own: ReadonlySet<string>): Promise<void> {
  const stamp = join(dir, LAYOUT, 'pruned')
  const base = await stat(join(dir, LAYOUT)).catch(() => undefined)
  if (base === undefined) return
  const last = await stat(stamp).then((stats) => stats.mtimeMs, () => undefined)
  if (last !== undefined && Date.now() - last < INTERVAL_MS) return
  await writeFile(stamp, '')
  await prune(dir, limits, own)
}

/**
 * Removes what was not used for longer than `maxAge`, then what was used longest ago until the files take no more than `maxSize`. What was
 * used within the last ten minutes stays, as does what processes hold that are still there, and what is in `own`. Damaged records go.
 * Throws the file system's error when something cannot be removed.
 */
export async function prune(dir: string, limits: StoreLimits, own: ReadonlySet<string> = new Set()): Promise<PruneReport> {
  const folders = storeFolders(dir)
  const now = Date.now()
  const held = new Set([...own, ...await heldContent(folders.holds)])
  const { records, contents, damaged } = await readInventory(dir)
  const usedAt = new Map<string, number>()
  for (const record of records) for (const output of record.outputs) usedAt.set(output, Math.max(usedAt.get(output) ?? 0, record.usedAt))

  const isRecent = (time: number): boolean => now - time < GRACE_MS
  const isKept = (content: ContentEntry): boolean =>
    held.has(content.sha256) || isRecent(content.writtenAt) || isRecent(usedAt.get(content.sha256) ?? 0)
  /** What no record leads to is found by nobody. */
  const isOld = (content: ContentEntry): boolean => now - (usedAt.get(content.sha256) ?? 0) > limits.maxAge
  const going = new Set(contents.filter((content) => isOld(content) && !isKept(content)))
  let size = contents.reduce((sum, content) => sum + (going.has(content) ? 0 : content.bytes), 0)
  for (const content of contents.toSorted((a, b) => (usedAt.get(a.sha256) ?? 0) - (usedAt.get(b.sha256) ?? 0))) {
    if (size <= limits.maxSize) break
    if (going.has(content) || isKept(content)) continue
    going.add(content)
    size -= content.bytes
  }

  const staying = new Set(contents.filter((content) => !going.has(content)).map(({ sha256 }) => sha256))
  const useless = records.filter((record) => isUseless(record, staying, isRecent))
  // Records first: what has one is complete.
  for (const path of [...useless.map((record) => record.path), ...damaged]) await remove(path, folders.temporary)
  for (const { path } of going) await remove(path, folders.temporary)
  await forget(folders.memo, now - limits.maxAge)
  await sweep([folders.temporary, folders.locks])
  return {
    removed: amount(useless.length + damaged.length, [...going]),
    kept: amount(records.length - useless.length, contents.filter((content) => !going.has(content))),
  }
}

const amount = (records: number, files: readonly ContentEntry[]): PruneReport['kept'] =>
  ({ records, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) })

const isUseless = (record: RecordEntry, staying: ReadonlySet<string>, isRecent: (time: number) => boolean): boolean =>
  !record.outputs.some((output) => staying.has(output)) && !isRecent(record.usedAt)

/** Renaming first lets nobody see half of a folder. */
export async function remove(path: string, temporaryFolder: string): Promise<void> {
  await mkdir(temporaryFolder, { recursive: true })
  const aside = join(temporaryFolder, temporaryName())
  const isThere = await lstat(path).then(() => true, () => false)
  if (!isThere) return
  await rename(path, aside)
  await rm(aside, { recursive: true, force: true })
}

/** Memos are not touched when they are used: then a file is read again now and then. */
async function forget(folder: string, before: number): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const stats = await stat(join(folder, name)).catch(() => undefined)
    if (stats && stats.mtimeMs < before) await rm(join(folder, name), { force: true })
  }
}
