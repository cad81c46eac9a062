import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { createTarDecoder, createTarPacker, type ParsedTarEntry } from 'modern-tar'
import { PetalError } from '../errors.ts'
import { BLOB, type ContentStore, createContentStore } from './content.ts'
import { createDigestMemo, type FileDigest, hashFile } from './digest.ts'
import { systemCode } from './failure.ts'
import { outputsOf, readInventory, type RecordEntry } from './inventory.ts'
import { LAYOUT } from './key.ts'
import { placeOf, storeFolders } from './layout.ts'
import { readRecord, recordText, recordValue, writeRecord } from './record.ts'
import { moveInto, temporaryName, writeStream } from './write.ts'

/** What an export or import moved. */
export interface TransferReport {
  readonly records: number
  readonly files: number
  /** Of the stored files. */
  readonly bytes: number
}

/** Names of entries, as `contentName` and `recordName` write them. */
const NAME = new RegExp(`^${LAYOUT}/(content|actions|conversions)/([\\da-f]{2})/([\\da-f]{64})(/blob|\\.json)$`)

/** Pieces in which files are read. */
const READ_SIZE = 1 << 20

const FIX = 'Export the store again with "petal cache export".'

/** No record is longer: facts of a model. */
const LONGEST_RECORD = 64 << 20

/** The kinds of records and the folders they are in. */
const RECORD_FOLDERS: Readonly<Record<RecordEntry['kind'], 'actions' | 'conversions'>> = { action: 'actions', conversion: 'conversions' }

/**
 * Writes the store in `dir` as a tar to `file`: the same contents give the same bytes, whatever the machine, the order and the clock. What
 * is damaged is left out. Rejects with the file system's error.
 * @param maxAge leaves out what was not used for so many milliseconds.
 */
export async function exportStore(dir: string, file: string, maxAge: number = Infinity): Promise<TransferReport> {
  const { records, contents } = await readInventory(dir)
  const now = Date.now()
  const recent = records.filter((record) => now - record.usedAt <= maxAge)
  const wanted = new Set(recent.flatMap((record) => record.outputs))
  const files = []
  for (const content of contents) {
    const path = join(content.path, BLOB)
    const digest = wanted.has(content.sha256) ? await hashFile(path).catch(() => undefined) : undefined
    if (digest?.sha256 === content.sha256) files.push({ ...digest, path })
  }
  const stored = new Set(files.map(({ sha256 }) => sha256))
  const answers = recent.filter((record) => record.outputs.some((output) => stored.has(output)))

  const entries: Entry[] = [
    ...files.map(({ sha256, bytes, path }): Entry => ({
      name: contentName(sha256), size: bytes, body: () => createReadStream(path, { highWaterMark: READ_SIZE }),
    })),
    ...answers.map(({ kind, key, value }): Entry => {
      const text = new TextEncoder().encode(recordText(value as object))
      return { name: recordName(kind, key), size: text.byteLength, body: () => [text] }
    }),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  await mkdir(dirname(file), { recursive: true })
  const temporary = join(dirname(file), `.${basename(file)}.${temporaryName()}`)
  await writeStream(temporary, packed(entries))
  await moveInto(temporary, file)
  return { records: answers.length, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}

interface Entry {
  readonly name: string
  readonly size: number
  readonly body: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

const contentName = (sha256: string): string => `${LAYOUT}/content/${placeOf(sha256).replaceAll('\\', '/')}/${BLOB}`
const recordName = (kind: RecordEntry['kind'], key: string): string =>
  `${LAYOUT}/${RECORD_FOLDERS[kind]}/${placeOf(key).replaceAll('\\', '/')}.json`

function packed(entries: readonly Entry[]): AsyncIterable<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const fill = async (): Promise<void> => {
    for (const { name, size, body } of entries) {
      const writer = controller.add({ name, size, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0 }).getWriter()
      for await (const piece of body()) await writer.write(piece)
      await writer.close()
    }
    controller.finalize()
  }
  fill().catch((error: unknown) => controller.error(error))
  return readable as WebStream<Uint8Array>
}

/**
 * Takes what `exportStore` wrote into the store in `dir`. Every file is compared with its digest and every record with its key before it
 * can be found; what is there already stays. Throws a PetalError (DAMAGED_EXPORT) for the first entry that is not what its name says, and for
 * files that are no export; files that came before it are stored. Rejects with the file system's error.
 */
export async function importStore(dir: string, file: string): Promise<TransferReport> {
  try {
    return await takeIn(dir, file)
  } catch (error) {
    // The decoder's own errors say what is wrong with the tar.
    if (error instanceof PetalError || systemCode(error) !== undefined) throw error
    throw new PetalError({
      code: 'DAMAGED_EXPORT', message: `${file} cannot be read as a tar: ${error instanceof Error ? error.message : String(error)}`,
      cause: 'It is cut off, damaged, compressed, or something else.', fix: FIX,
    })
  }
}

async function takeIn(dir: string, file: string): Promise<TransferReport> {
  const folders = storeFolders(dir)
  await mkdir(folders.temporary, { recursive: true })
  const memo = createDigestMemo(folders, () => {})
  const contents = createContentStore(folders.content, folders.temporary, memo)
  const records: Pick<RecordEntry, 'kind' | 'key' | 'value'>[] = []
  let files = 0
  let bytes = 0
  for await (const { name, size, body } of unpacked(file)) {
    const [, folder, part, id, rest] = NAME.exec(name) ?? []
    const isPlaced = id !== undefined && part === id.slice(0, 2) && (folder === 'content') === (rest === '/blob')
    if (!isPlaced) throw refused(file, name, 'is nothing that a store keeps')
    if (folder === 'content') {
      const stored = await contents.put(body, { sha256: id, bytes: size })
      if (stored === undefined) throw refused(file, name, 'has other bytes than its digest says')
      files++
      bytes += size
    } else {
      const kind = folder === 'actions' ? 'action' : 'conversion'
      const value = size > LONGEST_RECORD ? undefined : recordValue(await textOf(body))
      const isRight = value !== undefined && outputsOf(kind, value, id) !== undefined
      if (!isRight) throw refused(file, name, 'is damaged, or the record of something else')
      records.push({ kind, key: id, value })
    }
  }
  // Last, as what has a record is complete.
  let written = 0
  for (const { kind, key, value } of records) {
    if (!await hasOutput(contents, value)) throw refused(file, recordName(kind, key), 'is an answer with a file that is not there')
    const path = join(folders[RECORD_FOLDERS[kind]], `${placeOf(key)}.json`)
    const present = await readRecord(path)
    const isUsable = outputsOf(kind, present, key) !== undefined && await hasOutput(contents, present)
    if (!isUsable) await writeRecord(path, folders.temporary, value as object)
    written++
  }
  return { records: written, files, bytes }
}

async function hasOutput(contents: ContentStore, value: unknown): Promise<boolean> {
  const { output, records = [] } = value as { output?: FileDigest; records?: readonly { output: FileDigest }[] }
  for (const digest of output ? [output] : records.map((record) => record.output)) {
    if (await contents.blob(digest) !== undefined) return true
  }
  return false
}

interface Unpacked {
  readonly name: string
  readonly size: number
  readonly body: AsyncIterable<Uint8Array>
}

/** Entries of a tar, whose bodies have to be read to their ends. */
async function* unpacked(file: string): AsyncIterable<Unpacked> {
  const source = createReadStream(file, { highWaterMark: READ_SIZE })
  const tar = Readable.toWeb(source) as WebStream<Uint8Array>
  type Parsed = ParsedTarEntry & { body: WebStream<Uint8Array> }
  const entries = tar.pipeThrough(createTarDecoder({ strict: true }) as never) as WebStream<Parsed>
  try {
    for await (const { header: { name, size, type = 'file' }, body } of entries) {
      if (type !== 'file') throw refused(file, name, `is a ${type}, and a store keeps plain files alone`)
      yield { name, size, body }
    }
  } finally {
    source.destroy()
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

function refused(file: string, entry: string, what: string): PetalError {
  return new PetalError({
    code: 'DAMAGED_EXPORT', message: `${file} is refused: its entry ${JSON.stringify(entry)} ${what}.`,
    cause: 'It was damaged or changed after it was exported, or is no export of a store.', fix: FIX,
  })
}
