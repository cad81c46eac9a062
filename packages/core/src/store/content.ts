import { createHash } from 'node:crypto'
import { copyFile, link, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DigestMemo, FileDigest } from './digest.ts'
import { systemCode } from './failure.ts'
import { placeOf } from './layout.ts'
import { touch } from './record.ts'
import { temporaryName, writeStream } from './write.ts'

/** Files by what is in them. */
export interface ContentStore {
  /** A file of that name with exactly these bytes, or undefined when they are not stored, or no longer as they were. */
  find(content: FileDigest, name: string): Promise<string | undefined>
  /** The same bytes under no name of their own, to be read by us. */
  blob(content: FileDigest): Promise<string | undefined>
  /**
   * Stores a stream; nothing can be read before all of it is on the disk. Undefined, and nothing stored, when it turns out to be
   * other bytes than `expected`.
   */
  put(stream: AsyncIterable<Uint8Array>): Promise<FileDigest>
  put(stream: AsyncIterable<Uint8Array>, expected: FileDigest): Promise<FileDigest | undefined>
}

/** The bytes, whatever the model is called. */
export const BLOB = 'blob'

/** `link` fails so where hard links do not exist or cross a border; then a copy does. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK', 'EINVAL', 'UNKNOWN'])

/**
 * Content under `folder/<2 digits>/<digest>/`: the bytes once as `blob`, and a hard link for every name they go by.
 * The folder is named by the digest and the file by the model, because bundlers name an asset after its file:
 * the same model gives `net-<hash>.ptl` in every checkout.
 */
export function createContentStore(folder: string, temporaryFolder: string, memo: DigestMemo, readonly = false): ContentStore {
  const home = (sha256: string): string => join(folder, placeOf(sha256))

  /** A symbolic link is none of ours: what it leads to may change with nothing here changing. */
  const intact = async (file: string, content: FileDigest): Promise<boolean> => {
    const stats = await lstat(file).catch(() => undefined)
    if (!stats?.isFile() || stats.size !== content.bytes) return false
    return await memo.of(file).then((found) => found.sha256 === content.sha256, () => false)
  }

  return {
    async find(content, name) {
      const named = join(home(content.sha256), name)
      if (await intact(named, content)) return named
      const blob = join(home(content.sha256), BLOB)
      if (readonly || !await intact(blob, content)) return undefined
      await nameFile(blob, named, join(home(content.sha256), temporaryName()))
      await memo.note(blob, content.sha256)
      await memo.note(named, content.sha256)
      return named
    },

    async blob(content) {
      const blob = join(home(content.sha256), BLOB)
      return await intact(blob, content) ? blob : undefined
    },

    async put(stream: AsyncIterable<Uint8Array>, expected?: FileDigest) {
      const temporary = join(temporaryFolder, temporaryName())
      const hash = createHash('sha256')
      const bytes = await writeStream(temporary, stream, { durable: true, hash })
      const written: FileDigest = { sha256: hash.digest('hex'), bytes }
      const blob = join(home(written.sha256), BLOB)
      const isOther = expected !== undefined && (expected.sha256 !== written.sha256 || expected.bytes !== bytes)
      if (isOther || await intact(blob, written)) {
        await rm(temporary, { force: true })
        if (isOther) return undefined as never
        // Nobody may prune it before there is a record.
        await touch(blob)
      } else {
        await mkdir(home(written.sha256), { recursive: true })
        await replace(temporary, blob)
      }
      await memo.note(blob, written.sha256)
      return written
    },
  }
}

/** Gives `blob` one more name, in one step. */
export async function nameFile(blob: string, named: string, temporary: string): Promise<void> {
  try {
    await link(blob, temporary)
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error
    await copyFile(blob, temporary)
  }
  await replace(temporary, named)
}

/** Renames over whatever is there, be it a folder; on failure the temporary file is removed. */
async function replace(temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path).catch(async (error: unknown) => {
      const isFolder = await lstat(path).then((stats) => stats.isDirectory(), () => false)
      if (!isFolder) throw error
      await rm(path, { recursive: true })
      await rename(temporary, path)
    })
  } finally {
    // Renaming one link of a file over another does nothing and leaves both.
    await rm(temporary, { force: true })
  }
}
