import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FileDigest } from './digest.ts'
import { LAYOUT } from './key.ts'
import { temporaryName, writeAtomic } from './write.ts'

/** How many answers are kept for one source: for the versions of what it imports that somebody may come back to. */
const KEPT = 16

/** What is known before Python has run. */
export interface StoreConversionRequest {
  /** The source file. */
  readonly source: FileDigest
  /** The canonical request of the conversion. */
  readonly request: string
}

/** A source as it was converted once. Which other files it depends on is only known afterwards, so they are part of the answer. */
export interface ConversionRecord {
  /** Digests of all files that were read, by path relative to the source's folder. */
  readonly dependencies: Readonly<Record<string, string>>
  /** The TorchScript archive. */
  readonly output: FileDigest
  /** What the caller wants to know again; plain JSON. */
  readonly details: unknown
}

/** Records by request, newest first, in `folder/<2 digits>/<key>.json`. */
export interface ConversionStore {
  key(wanted: StoreConversionRequest): string
  read(key: string): Promise<readonly ConversionRecord[]>
  /** Puts a record before those that are there. */
  add(key: string, record: ConversionRecord): Promise<void>
}

/** Records in `folder`; what is being written lies in `temporaryFolder`. `tool` names the converting code. */
export function createConversionStore(folder: string, temporaryFolder: string, tool: () => string): ConversionStore {
  const path = (key: string): string => join(folder, key.slice(0, 2), `${key}.json`)
  const read = async (key: string): Promise<readonly ConversionRecord[]> => {
    try {
      const records: unknown = JSON.parse(await readFile(path(key), 'utf8'))
      return Array.isArray(records) ? records.filter(isRecord) : []
    } catch {
      return []
    }
  }
  return {
    read,
    key: ({ source, request }) => createHash('sha256')
      .update(JSON.stringify([LAYOUT, 'conversion', ['request', request], ['source', source.sha256], ['tool', tool()]])).digest('hex'),
    async add(key, record) {
      const same = JSON.stringify(record)
      // Another process may add at the same time; then one of the two is converted again some day.
      const others = (await read(key)).filter((other) => JSON.stringify(other) !== same)
      await mkdir(dirname(path(key)), { recursive: true })
      const text = `${JSON.stringify([record, ...others].slice(0, KEPT), undefined, 2)}\n`
      await writeAtomic(path(key), join(temporaryFolder, temporaryName()), text, true)
    },
  }
}

function isRecord(value: unknown): value is ConversionRecord {
  if (typeof value !== 'object' || value === null) return false
  const { output, dependencies, details } = value as Partial<ConversionRecord>
  return typeof output?.sha256 === 'string' && Number.isSafeInteger(output.bytes) && typeof dependencies === 'object' && details !== undefined
}
