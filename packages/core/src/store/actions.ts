import { mkdir, readFile, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BuiltFacts } from '../facts.ts'
import type { ActionKeyParts } from './key.ts'
import type { FileDigest } from './digest.ts'
import { temporaryName, writeAtomic } from './write.ts'

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
  write(key: string, record: ActionRecord): Promise<void>
}

/** Records in `folder`; what is being written lies in `temporaryFolder`. */
export function createActionStore(folder: string, temporaryFolder: string): ActionStore {
  const path = (key: string): string => join(folder, key.slice(0, 2), `${key}.json`)
  return {
    async read(key) {
      try {
        const record: unknown = JSON.parse(await readFile(path(key), 'utf8'))
        if (!isRecord(record)) return undefined
        // The time of last use, for pruning. A store that may only be read is fine.
        const now = new Date()
        await utimes(path(key), now, now).catch(() => {})
        return record
      } catch {
        return undefined
      }
    },
    async write(key, record) {
      await mkdir(dirname(path(key)), { recursive: true })
      await writeAtomic(path(key), join(temporaryFolder, temporaryName()), `${JSON.stringify(record, undefined, 2)}\n`, true)
    },
  }
}

function isRecord(value: unknown): value is ActionRecord {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Partial<ActionRecord>
  return isDigest(record.output) && isDigest(record.source) && typeof record.facts === 'object' && Array.isArray(record.warnings)
}

const isDigest = (value: FileDigest | undefined): boolean =>
  typeof value?.sha256 === 'string' && /^[\da-f]{64}$/.test(value.sha256) && Number.isSafeInteger(value.bytes)
