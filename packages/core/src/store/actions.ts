import { join } from 'node:path'
import type { BuiltFacts } from '../facts.ts'
import { isFileDigest, type FileDigest } from './digest.ts'
import { actionKey, type ActionKeyParts } from './key.ts'
import { placeOf } from './layout.ts'
import { readRecord, touch, writeRecord } from './record.ts'

/** What is known of a finished compile. Its presence says that the output is complete. */
export interface ActionRecord {
  readonly parts: ActionKeyParts
  readonly source: FileDigest
  readonly output: FileDigest
  readonly facts: BuiltFacts
  readonly warnings: readonly string[]
}

/** Records by key, in `folder/<2 digits>/<key>.json`. */
export interface ActionStore {
  read(key: string): Promise<ActionRecord | undefined>
  /** Notes that a record was used now. */
  touch(key: string): Promise<void>
  write(key: string, record: ActionRecord): Promise<void>
}

/** Records in `folder`; what is being written lies in `temporaryFolder`. */
export function createActionStore(folder: string, temporaryFolder: string): ActionStore {
  const path = (key: string): string => join(folder, `${placeOf(key)}.json`)
  return {
    async read(key) {
      const record = await readRecord(path(key))
      return isActionRecord(record, key) ? record : undefined
    },
    touch: (key) => touch(path(key)),
    write: (key, record) => writeRecord(path(key), temporaryFolder, record),
  }
}

/** Whether a value is a record, and the one that belongs under that key: another one's answer is none. */
export function isActionRecord(value: unknown, key: string): value is ActionRecord {
  if (typeof value !== 'object' || value === null) return false
  const { parts, source, output, facts, warnings } = value as Partial<ActionRecord>
  return isFileDigest(output) && isFileDigest(source) && typeof facts === 'object' && Array.isArray(warnings)
    && typeof parts === 'object' && parts.source === source.sha256 && actionKey(parts) === key
}
