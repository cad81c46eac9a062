import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isActionRecord } from './actions.ts'
import { BLOB } from './content.ts'
import { isConversionRecords } from './conversions.ts'
import { DIGEST, placeOf, storeFolders } from './layout.ts'
import { readRecord } from './record.ts'

/** A record that can be used. */
export interface RecordEntry {
  readonly kind: 'action' | 'conversion'
  readonly key: string
  readonly path: string
  /** Milliseconds of the epoch. */
  readonly usedAt: number
  /** Digests of the files that it is an answer with. */
  readonly outputs: readonly string[]
  readonly value: unknown
}

/** A stored file, under all of its names. */
export interface ContentEntry {
  readonly sha256: string
  readonly path: string
  readonly bytes: number
  readonly writtenAt: number
  /** Names it goes by, beside `blob`. */
  readonly names: readonly string[]
}

/** What is in a store. */
export interface Inventory {
  readonly records: readonly RecordEntry[]
  readonly contents: readonly ContentEntry[]
  /** Paths of records that are damaged or not where they belong, and of what is no store's. */
  readonly damaged: readonly string[]
}

/** Reads what is in the store in `dir`; nothing where there is none. No stored file is read, only records. */
export async function readInventory(dir: string): Promise<Inventory> {
  const folders = storeFolders(dir)
  const damaged: string[] = []
  const compiled = await readRecords(folders.actions, 'action', damaged)
  const converted = await readRecords(folders.conversions, 'conversion', damaged)
  return { records: [...compiled, ...converted], contents: await readContents(folders.content, damaged), damaged }
}

/** Whether it is a record's value, and what it is an answer with. */
export function outputsOf(kind: RecordEntry['kind'], value: unknown, key: string): string[] | undefined {
  if (kind === 'action') return isActionRecord(value, key) ? [value.output.sha256] : undefined
  return isConversionRecords(value, key) ? value.records.map(({ output }) => output.sha256) : undefined
}

async function readRecords(folder: string, kind: RecordEntry['kind'], damaged: string[]): Promise<RecordEntry[]> {
  const found: RecordEntry[] = []
  for (const path of await members(folder)) {
    const key = /([\da-f]{64})\.json$/.exec(path)?.[1] ?? ''
    const stats = await lstat(path).catch(() => undefined)
    // Somebody else prunes.
    if (stats === undefined) continue
    const isPlaced = path === join(folder, `${placeOf(key)}.json`) && stats.isFile()
    const value = isPlaced ? await readRecord(path) : undefined
    const outputs = value === undefined ? undefined : outputsOf(kind, value, key)
    if (outputs) found.push({ kind, key, path, usedAt: stats.mtimeMs, outputs, value })
    else damaged.push(path)
  }
  return found
}

async function readContents(folder: string, damaged: string[]): Promise<ContentEntry[]> {
  const found: ContentEntry[] = []
  for (const path of await members(folder)) {
    const sha256 = path.slice(-64)
    const stats = await lstat(path).catch(() => undefined)
    if (stats === undefined) continue
    if (!DIGEST.test(sha256) || path !== join(folder, placeOf(sha256)) || !stats.isDirectory()) {
      damaged.push(path)
      continue
    }
    const names = await readdir(path).catch(() => [])
    const sizes = await Promise.all([BLOB, ...names].map((name) => lstat(join(path, name)).catch(() => undefined)))
    const file = sizes.find((one) => one?.isFile())
    found.push({
      sha256, path, bytes: file?.size ?? 0, writtenAt: Math.max(stats.mtimeMs, file?.mtimeMs ?? 0),
      names: names.filter((name) => name !== BLOB).toSorted(),
    })
  }
  return found
}

/** What lies two folders deep, sorted. */
async function members(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const part of (await readdir(folder).catch(() => [])).toSorted()) {
    const inside = await readdir(join(folder, part)).catch(() => undefined)
    found.push(...inside === undefined ? [join(folder, part)] : inside.toSorted().map((name) => join(folder, part, name)))
  }
  return found
}
