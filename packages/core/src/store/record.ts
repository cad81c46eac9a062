import { createHash } from 'node:crypto'
import { mkdir, readFile, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryName, writeAtomic } from './write.ts'

/** The text of a record's file: the value's fields, and a checksum of them by which a changed byte is seen. */
export function recordText(value: object): string {
  return `${JSON.stringify({ ...value, sum: sumOf(JSON.stringify(value)) }, undefined, 2)}\n`
}

/** The value of a record's text; undefined for one that is damaged in any way. */
export function recordValue(text: string): unknown {
  try {
    const { sum, ...value } = JSON.parse(text) as { sum?: unknown }
    return sum === sumOf(JSON.stringify(value)) ? value : undefined
  } catch {
    return undefined
  }
}

const sumOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The value of a record's file; undefined when there is none, or a damaged one. */
export async function readRecord(path: string): Promise<unknown> {
  return await readFile(path, 'utf8').then(recordValue, () => undefined)
}

/** Writes a record in one step, and returns when it is on the disk. */
export async function writeRecord(path: string, temporaryFolder: string, value: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeAtomic(path, join(temporaryFolder, temporaryName()), recordText(value), true)
}

/** Notes that a record was used now, for pruning. One that cannot be written is used all the same. */
export async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}
