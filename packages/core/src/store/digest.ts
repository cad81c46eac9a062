import { createHash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CLOCK_STEP_NS } from './clock.ts'
import { temporaryName, writeAtomic } from './write.ts'

/** Pieces in which files are read for hashing. */
const READ_SIZE = 1 << 20

/** SHA-256, in hexadecimal, and size of a file. */
export interface FileDigest {
  readonly sha256: string
  readonly bytes: number
}

/** Whether a value out of a file is a digest: what is no digest could name any file. */
export const isFileDigest = (value: FileDigest | undefined): value is FileDigest =>
  typeof value?.sha256 === 'string' && /^[\da-f]{64}$/.test(value.sha256) && Number.isSafeInteger(value.bytes) && value.bytes >= 0

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

/** Where a memo lies. */
export interface MemoFolders {
  /** Where memos are written, and read first. */
  readonly memo: string
  /** Where others may have left some; never written. */
  readonly others?: readonly string[]
  /** For what is being written. */
  readonly temporary: string
}

/** How often a file that changes while it is read is read again. */
const ATTEMPTS = 3

/**
 * A memo on disk, one small file per path. Memos are a shortcut: failing to write one is no error.
 * @param onRead is told how many bytes were hashed.
 */
export function createDigestMemo({ memo, others = [], temporary }: MemoFolders, onRead: (bytes: number) => void): DigestMemo {

  const write = async (file: string, print: Fingerprint, sha256: string): Promise<void> => {
    try {
      await mkdir(memo, { recursive: true })
      await mkdir(temporary, { recursive: true })
      await writeAtomic(join(memo, memoName(file)), join(temporary, temporaryName()), JSON.stringify({ ...print, sha256 }), false)
    } catch {
      // Without a memo the file is read again next time.
    }
  }

  const recall = async (file: string, print: Fingerprint): Promise<string | undefined> => {
    for (const folder of [memo, ...others]) {
      try {
        const memo = JSON.parse(await readFile(join(folder, memoName(file)), 'utf8')) as Fingerprint & { sha256?: unknown }
        if (sameFile(memo, print) && typeof memo.sha256 === 'string' && /^[\da-f]{64}$/.test(memo.sha256)) return memo.sha256
      } catch {
        // None there, or a damaged one.
      }
    }
    return undefined
  }

  return {
    async known(file) {
      const stats = await stat(file, { bigint: true }).catch(() => undefined)
      const sha256 = stats && await recall(file, fingerprint(stats))
      return sha256 === undefined ? undefined : { sha256, bytes: Number(stats!.size) }
    },

    async of(file) {
      for (let attempt = 1; ; attempt++) {
        const before = await stat(file, { bigint: true })
        const remembered = await recall(file, fingerprint(before))
        if (remembered !== undefined) return { sha256: remembered, bytes: Number(before.size) }
        const now = BigInt(Date.now()) * 1_000_000n
        const digest = await hashFile(file)
        onRead(digest.bytes)
        const after = fingerprint(await stat(file, { bigint: true }))
        const isSame = sameFile(fingerprint(before), after)
        const changedAt = before.mtimeNs > before.ctimeNs ? before.mtimeNs : before.ctimeNs
        // A change within the clock's step leaves no trace in the times, so such a file is read again (git calls it "racily clean").
        if (isSame && changedAt + CLOCK_STEP_NS < now) await write(file, after, digest.sha256)
        if (isSame || attempt === ATTEMPTS) return digest
      }
    },

    async note(file, sha256) {
      const stats = await stat(file, { bigint: true }).catch(() => undefined)
      if (stats) await write(file, fingerprint(stats), sha256)
    },
  }
}

const memoName = (file: string): string => `${createHash('sha256').update(file).digest('hex').slice(0, 32)}.json`

/** Digest and size of what is read, whatever anybody remembers of the file. */
export async function hashFile(file: string): Promise<FileDigest> {
  const hash = createHash('sha256')
  let position = 0
  const handle = await open(file, 'r')
  try {
    // Two buffers: the next piece is read while this one is hashed.
    const buffers = [new Uint8Array(READ_SIZE), new Uint8Array(READ_SIZE)] as const
    let reading = handle.read(buffers[0], 0, READ_SIZE, 0)
    for (let turn = 0; ; turn ^= 1) {
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
  return { sha256: hash.digest('hex'), bytes: position }
}
