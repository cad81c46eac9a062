import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { isFileDigest, type FileDigest } from './digest.ts'
import { LAYOUT } from './key.ts'
import { placeOf } from './layout.ts'
import { readRecord, touch, writeRecord } from './record.ts'

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

/** What a key of conversions is made of. */
export interface ConversionKeyParts {
  readonly tool: string
  readonly source: string
  readonly request: string
}

/** A file of records: all answers for one source and request, newest first. */
export interface ConversionRecords {
  readonly parts: ConversionKeyParts
  readonly records: readonly ConversionRecord[]
}

/** Records by request, newest first, in `folder/<2 digits>/<key>.json`. */
export interface ConversionStore {
  key(wanted: StoreConversionRequest): string
  read(wanted: StoreConversionRequest): Promise<readonly ConversionRecord[]>
  /** Notes that an answer was used now. */
  touch(wanted: StoreConversionRequest): Promise<void>
  /** Puts a record before those that are there. */
  add(wanted: StoreConversionRequest, record: ConversionRecord): Promise<void>
}

/** Records in `folder`; what is being written lies in `temporaryFolder`. `tool` names the converting code. */
export function createConversionStore(folder: string, temporaryFolder: string, tool: () => string): ConversionStore {
  const partsOf = ({ source, request }: StoreConversionRequest): ConversionKeyParts => ({ tool: tool(), source: source.sha256, request })
  const key = (wanted: StoreConversionRequest): string => conversionKey(partsOf(wanted))
  const path = (wanted: StoreConversionRequest): string => join(folder, `${placeOf(key(wanted))}.json`)
  const read = async (wanted: StoreConversionRequest): Promise<readonly ConversionRecord[]> => {
    const value = await readRecord(path(wanted))
    return isConversionRecords(value, key(wanted)) ? value.records : []
  }
  return {
    read,
    key,
    touch: (wanted) => touch(path(wanted)),
    async add(wanted, record) {
      const same = JSON.stringify(record)
      // Another process may add at the same time; then one of the two is converted again some day.
      const others = (await read(wanted)).filter((other) => JSON.stringify(other) !== same)
      const value: ConversionRecords = { parts: partsOf(wanted), records: [record, ...others].slice(0, KEPT) }
      await writeRecord(path(wanted), temporaryFolder, value)
    },
  }
}

function conversionKey({ tool, source, request }: ConversionKeyParts): string {
  const text = JSON.stringify([LAYOUT, 'conversion', ['request', request], ['source', source], ['tool', tool]])
  return createHash('sha256').update(text).digest('hex')
}

/** Whether a value is a file of records, and the one that belongs under that key. */
export function isConversionRecords(value: unknown, key: string): value is ConversionRecords {
  if (typeof value !== 'object' || value === null) return false
  const { parts, records } = value as Partial<ConversionRecords>
  return typeof parts === 'object' && conversionKey(parts) === key && Array.isArray(records) && records.every(isRecord)
}

function isRecord(value: unknown): value is ConversionRecord {
  if (typeof value !== 'object' || value === null) return false
  const { output, dependencies, details } = value as Partial<ConversionRecord>
  return isFileDigest(output) && typeof dependencies === 'object' && details !== undefined
}
