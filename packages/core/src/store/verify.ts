import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BLOB, nameFile } from './content.ts'
import { hashFile } from './digest.ts'
import { type ContentEntry, readInventory } from './inventory.ts'
import { storeFolders } from './layout.ts'
import { remove } from './prune.ts'
import { temporaryName } from './write.ts'

/** Something in a store that is not as it was written. */
export interface StoreDamage {
  /** Absolute path. */
  readonly path: string
  readonly problem: string
  /** What was done about it; absent when nothing was asked for. */
  readonly repair?: string
}

/** What looking at all of a store gave. */
export interface VerifyReport {
  readonly records: number
  readonly files: number
  /** Bytes that were read. */
  readonly bytes: number
  readonly damage: readonly StoreDamage[]
}

/**
 * Reads everything in the store in `dir` and compares it with its digest. With `repair`, what is damaged is made again from an undamaged
 * name of the same bytes, else removed, so that the next build computes it.
 */
export async function verify(dir: string, repair: boolean): Promise<VerifyReport> {
  const { temporary } = storeFolders(dir)
  const { records, contents, damaged } = await readInventory(dir)
  const damage: StoreDamage[] = []
  const report = async (path: string, problem: string, [repaired, work]: readonly [string, () => Promise<void>]): Promise<void> => {
    if (repair) await work()
    damage.push({ path, problem, ...repair && { repair: repaired } })
  }
  const removal = (path: string): [string, () => Promise<void>] => ['removed', () => remove(path, temporary)]

  for (const path of damaged) {
    await report(path, path.endsWith('.json') ? 'the record is damaged' : 'nothing of that name belongs here', removal(path))
  }
  const good = new Set<string>()
  let bytes = 0
  for (const content of contents) {
    const names = [BLOB, ...content.names]
    const intact = await intactNames(content, names, (read) => { bytes += read })
    if (intact.size > 0) good.add(content.sha256)
    const source = intact.get(BLOB) ?? [...intact.values()][0]
    if (source === undefined) {
      await report(content.path, 'no file here has the bytes of its digest', removal(content.path))
      continue
    }
    for (const name of names) {
      if (intact.has(name)) continue
      const path = join(content.path, name)
      const isThere = await lstat(path).then(() => true, () => false)
      const relink = async (): Promise<void> => {
        await rm(path, { recursive: true, force: true })
        await nameFile(source, path, join(content.path, temporaryName()))
      }
      await report(path, isThere ? 'it has other bytes than its digest says, or is no plain file' : 'it is missing', ['made again', relink])
    }
  }
  for (const record of records) {
    if (record.outputs.some((output) => good.has(output))) continue
    await report(record.path, 'the file that it is an answer with is missing or damaged', removal(record.path))
  }
  return { records: records.length, files: contents.length, bytes, damage }
}

/** Paths of the names that have the right bytes. Links to a file that was read are not read again. */
async function intactNames(
  { path, sha256 }: ContentEntry, names: readonly string[], onRead: (bytes: number) => void,
): Promise<Map<string, string>> {
  const intact = new Map<string, string>()
  const verdicts = new Map<string, boolean>()
  for (const name of names) {
    const file = join(path, name)
    const stats = await lstat(file, { bigint: true }).catch(() => undefined)
    if (!stats?.isFile()) continue
    const inode = `${stats.dev} ${stats.ino === 0n ? name : stats.ino}`
    if (!verdicts.has(inode)) {
      const digest = await hashFile(file).catch(() => undefined)
      onRead(digest?.bytes ?? 0)
      verdicts.set(inode, digest?.sha256 === sha256)
    }
    if (verdicts.get(inode)) intact.set(name, file)
  }
  return intact
}
