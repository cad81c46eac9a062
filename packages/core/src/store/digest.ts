import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryName, writeAtomic } from './write.ts'

/** Pieces in which files are read for hashing. */
const READ_SIZE = 1 << 20

/** Coarsest clock of a file system in use (FAT): a file changed this recently may change again unseen. */
const CLOCK_STEP_NS = 2_000_000_000n

/** SHA-256, in hexadecimal, and size of a file. */
export interface FileDigest {
  readonly sha256: string
  readonly bytes: number
}

/** What tells a file's versions apart without reading it. */
interface Fingerprint {
  readonly size: string
  readonly mtimeNs: string
  readonly ctimeNs: string
  readonly ino: string
  readonly dev: string
}

const fingerprint = (stats: BigIntStats): Fingerprint => ({
  size: String(stats.size), mtimeNs: String(stats.mtimeNs), ctimeNs: String(stats.ctimeNs), ino: String(stats.ino), dev: String(stats.dev),
})

const sameFile = (a: Fingerprint, b: Fingerprint): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino && a.dev === b.dev

/** SHA-256 of files, remembered on disk so that a file that did not change is read once. */
export interface DigestMemo {
  /** The digest if it is known without reading the file. Undefined also when the file is missing. */
  known(file: string): Promise<FileDigest | undefined>
  /** The digest, read from the file when it is not known. Rejects with the file system's error. */
  of(file: string): Promise<FileDigest>
  /** Notes the digest of a file this process has just written. */
  note(file: string, sha256: string): Promise<void>
}

/**
 * A memo in `folder`, one small file per path. Memos are a shortcut: failing to write one is no error.
 * @param onRead is told how many bytes were hashed.
 */
export function createDigestMemo(folder: string, temporaryFolder: string, onRead: (bytes: number) => void): DigestMemo {
  const memoPath = (file: string): string => join(folder, `${createHash('sha256').update(file).digest('hex').slice(0, 32)}.json`)

  const write = async (file: string, print: Fingerprint, sha256: string): Promise<void> => {
    try {
      await mkdir(folder, { recursive: true })
      await mkdir(temporaryFolder, { recursive: true })
      await writeAtomic(memoPath(file), join(temporaryFolder, temporaryName()), JSON.stringify({ ...print, sha256 }), false)
    } catch {
      // Without a memo the file is read again next time.
    }
  }

  const recall = async (file: string, print: Fingerprint): Promise<string | undefined> => {
    try {
      const memo = JSON.parse(await readFile(memoPath(file), 'utf8')) as Fingerprint & { sha256?: unknown }
      return sameFile(memo, print) && typeof memo.sha256 === 'string' ? memo.sha256 : undefined
    } catch {
      return undefined
    }
  }

  return {
    async known(file) {
      const stats = await stat(file, { bigint: true }).catch(() => undefined)
      const sha256 = stats && await recall(file, fingerprint(stats))
      return sha256 === undefined ? undefined : { sha256, bytes: Number(stats!.size) }
    },

    async of(file) {
      const before = await stat(file, { bigint: true })
      const remembered = await recall(file, fingerprint(before))
      if (remembered !== undefined) return { sha256: remembered, bytes: Number(before.size) }
      const now = BigInt(Date.now()) * 1_000_000n
      const sha256 = await hashFile(file)
      onRead(Number(before.size))
      const after = fingerprint(await stat(file, { bigint: true }))
      const changedAt = before.mtimeNs > before.ctimeNs ? before.mtimeNs : before.ctimeNs
      // A change within the clock's step leaves no trace in the times, so such a file is read again (git calls it "racily clean").
      if (sameFile(fingerprint(before), after) && changedAt + CLOCK_STEP_NS < now) await write(file, after, sha256)
      return { sha256, bytes: Number(before.size) }
    },

    async note(file, sha256) {
      const stats = await stat(file, { bigint: true }).catch(() => undefined)
      if (stats) await write(file, fingerprint(stats), sha256)
    },
  }
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  const handle = await open(file, 'r')
  try {
    // Two buffers: the next piece is read while this one is hashed.
    const buffers = [new Uint8Array(READ_SIZE), new Uint8Array(READ_SIZE)] as const
    let reading = handle.read(buffers[0], 0, READ_SIZE, 0)
    for (let position = 0, turn = 0; ; turn ^= 1) {
      const { bytesRead } = await reading
      if (bytesRead === 0) break
      position += bytesRead
      reading = handle.read(buffers[turn ^ 1]!, 0, READ_SIZE, position)
      // An error of this read is seen at the next turn's await; the empty handler keeps Node from ending the process before.
      reading.catch(() => {})
      hash.update(buffers[turn]!.subarray(0, bytesRead))
    }
  } finally {
    await handle.close()
  }
  return hash.digest('hex')
}
