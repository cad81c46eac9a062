import type { Hash } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'

/** Pieces are gathered up to this size before a write: large enough that calls do not count, small enough for a phone's memory. */
const WRITE_SIZE = 1 << 20

let counter = 0

/** A file name that no other writer uses, nor one before that was killed: process numbers alone repeat, in containers above all. */
export function temporaryName(): string {
  // Unlike node:crypto and node:worker_threads this costs nothing to load; every thread has a sequence of its own.
  const random = Math.floor(Math.random() * 2 ** 52).toString(36)
  return `${process.pid}.${++counter}.${random}.tmp`
}

/** What a write does besides writing. */
export interface WriteOptions {
  /** The bytes are on the disk when the write has ended. */
  readonly durable?: boolean
  /** Sees all bytes, while the system writes them. */
  readonly hash?: Hash
}

/**
 * Writes a stream to a new file in constant memory and returns its number of bytes. The file must not exist.
 * On failure it is removed.
 */
export async function writeStream(path: string, stream: AsyncIterable<Uint8Array>, { durable, hash }: WriteOptions = {}): Promise<number> {
  const handle = await open(path, 'wx')
  try {
    const bytes = await pour(handle, stream, hash)
    if (durable) await handle.sync()
    await handle.close()
    return bytes
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(path, { force: true })
    throw error
  }
}

/** Small pieces are gathered, large ones go as they are. */
async function pour(handle: FileHandle, stream: AsyncIterable<Uint8Array>, hash?: Hash): Promise<number> {
  const gathered = new Uint8Array(WRITE_SIZE)
  let filled = 0
  let bytes = 0
  const put = async (piece: Uint8Array): Promise<void> => {
    const writing = writeFully(handle, piece, bytes)
    hash?.update(piece)
    await writing
    bytes += piece.byteLength
  }
  const flush = async (): Promise<void> => {
    if (filled > 0) await put(gathered.subarray(0, filled))
    filled = 0
  }
  for await (const piece of stream) {
    if (filled + piece.byteLength > WRITE_SIZE) await flush()
    if (piece.byteLength >= WRITE_SIZE) {
      await put(piece)
    } else {
      gathered.set(piece, filled)
      filled += piece.byteLength
    }
  }
  await flush()
  return bytes
}

/** One `write` may take fewer bytes than it is given (a full disk, 2 GiB at once). */
async function writeFully(handle: FileHandle, piece: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < piece.byteLength;) {
    const { bytesWritten } = await handle.write(piece, done, piece.byteLength - done, position + done)
    done += bytesWritten
  }
}

/** Replaces a small file in one step: readers see the old text or the new one, whole. */
export async function writeAtomic(path: string, temporary: string, text: string, durable: boolean): Promise<void> {
  await writeStream(temporary, pieces(new TextEncoder().encode(text)), { durable })
  await moveInto(temporary, path)
}

/** Renames; on failure the temporary file is removed. */
export async function moveInto(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
