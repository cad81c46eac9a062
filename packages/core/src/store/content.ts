import { createHash } from 'node:crypto'
import { copyFile, link, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DigestMemo, FileDigest } from './digest.ts'
import { systemCode } from './failure.ts'
import { moveInto, temporaryName, writeStream } from './write.ts'

/** Files by what is in them. */
export interface ContentStore {
  /** A file of that name with exactly these bytes, or undefined when they are not stored, or no longer as they were. */
  find(content: FileDigest, name: string): Promise<string | undefined>
  /** The same bytes under no name of their own, to be read by us. */
  blob(content: FileDigest): Promise<string | undefined>
  /** Stores a stream; nothing can be read before all of it is on the disk. */
  put(stream: AsyncIterable<Uint8Array>): Promise<FileDigest>
}

/** The bytes, whatever the model is called. */
const BLOB = 'blob'

/** `link` fails so where hard links do not exist or cross a border; then a copy does. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK', 'EINVAL', 'UNKNOWN'])

/**
 * Content under `folder/<2 digits>/<digest>/`: the bytes once as `blob`, and a hard link for every name they go by.
 * The folder is named by the digest and the file by the model, because bundlers name an asset after its file:
 * the same model gives `net-<hash>.ptl` in every checkout.
 */
export function createContentStore(folder: string, temporaryFolder: string, memo: DigestMemo): ContentStore {
  const home = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256)

  const intact = async (file: string, content: FileDigest): Promise<boolean> => {
    const size = await stat(file).then((stats) => stats.size, () => -1)
    if (size !== content.bytes) return false
    return await memo.of(file).then((found) => found.sha256 === content.sha256, () => false)
  }

  return {
    async find(content, name) {
      const named = join(home(content.sha256), name)
      if (await intact(named, content)) return named
      const blob = join(home(content.sha256), BLOB)
      if (!await intact(blob, content)) return undefined
      await nameFile(blob, named, join(home(content.sha256), temporaryName()))
      await memo.note(blob, content.sha256)
      await memo.note(named, content.sha256)
      return named
    },

    async blob(content) {
      const blob = join(home(content.sha256), BLOB)
      return await intact(blob, content) ? blob : undefined
    },

    async put(stream) {
      const temporary = join(temporaryFolder, temporaryName())
      const hash = createHash('sha256')
      const bytes = await writeStream(temporary, stream, { durable: true, hash })
      const written: FileDigest = { sha256: hash.digest('hex'), bytes }
      const blob = join(home(written.sha256), BLOB)
      if (await intact(blob, written)) {
        await rm(temporary, { force: true })
      } else {
        await mkdir(home(written.sha256), { recursive: true })
        await moveInto(temporary, blob)
        await memo.note(blob, written.sha256)
      }
      return written
    },
  }
}

/** Gives `blob` one more name, in one step. */
async function nameFile(blob: string, named: string, temporary: string): Promise<void> {
  try {
    await link(blob, temporary)
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error
    await copyFile(blob, temporary)
  }
  try {
    await rename(temporary, named)
  } finally {
    // Renaming one link of a file over another does nothing and leaves both.
    await rm(temporary, { force: true })
  }
}
