import { readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { crc32, inflateRawSync } from 'node:zlib'
import type { ByteSource } from '../compiler/archive/byte-source.ts'
import { PetalError } from '../errors.ts'

/** A file that is open for reading. */
export interface FileSource extends ByteSource {
  /** Waits for nothing: reads that are under way fail. May be called again. */
  close(): Promise<void>
}

/** What the operating system calls a problem, in words. */
const OPEN_FAILURES: Readonly<Record<string, { code: string; what: string; fix: string }>> = {
  ENOENT: { code: 'FILE_NOT_FOUND', what: 'does not exist', fix: 'Check the path; letter case counts.' },
  ENOTDIR: { code: 'FILE_NOT_FOUND', what: 'does not exist', fix: 'Check the path; one of its folders is a file.' },
  EISDIR: { code: 'NOT_A_FILE', what: 'is a directory', fix: 'Name the model file inside it.' },
  EACCES: { code: 'NOT_READABLE', what: 'may not be read by this user', fix: 'Change its permissions.' },
  EPERM: { code: 'NOT_READABLE', what: 'may not be read by this user', fix: 'Change its permissions.' },
}

/**
 * Opens a file as a byte source. The caller closes it. Reads are complete or fail, also beyond 2 GiB.
 * Throws a PetalError where there is no such file, it may not be read, or it is no plain file.
 */
export async function openFileSource(path: string): Promise<FileSource> {
  const handle = await open(path, 'r').catch((error: unknown) => { throw openFailure(error, path) })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw openFailure({ code: 'EISDIR' }, path)
    const size = stats.size
    const check = (begin: number, end: number): void => {
      if (!(begin >= 0 && begin <= end && end <= size)) throw new RangeError(`[${begin}, ${end}) is outside of ${size} bytes`)
    }
    const fill = async (target: Uint8Array, begin: number): Promise<void> => {
      for (let at = 0; at < target.length;) {
        // The system may give less than was asked for.
        const length = Math.min(target.length - at, MAX_READ)
        const bytesRead = length <= SMALL_READ && handle.fd >= 0
          ? readSync(handle.fd, target, at, length, begin + at)
          : (await handle.read(target, at, length, begin + at)).bytesRead
        if (bytesRead === 0) throw shrank(path, size, begin + at)
        at += bytesRead
      }
    }
    return {
      size,
      async read(begin, end) {
        check(begin, end)
        const bytes = new Uint8Array(Buffer.allocUnsafeSlow(end - begin).buffer)
        await fill(bytes, begin)
        return bytes
      },
      async readInto(target, begin) {
        check(begin, begin + target.length)
        await fill(target, begin)
      },
      inflateRaw(compressed, size) {
        const bytes = inflateRawSync(compressed, { maxOutputLength: Math.max(size, 1) })
        if (bytes.length !== size) throw new RangeError(`inflated to ${bytes.length} bytes in place of ${size}`)
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      },
      crc32,
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * Reads up to here are made at once: handing one to another thread and back takes ten times as long as the read itself, and a model
 * has hundreds of small records.
 */
const SMALL_READ = 64 << 10

/** Below the 2 GiB at which Linux cuts a read short. */
const MAX_READ = 1 << 30

function shrank(path: string, size: number, at: number): PetalError {
  return new PetalError({
    code: 'FILE_CHANGED',
    message: `${basename(path)} became shorter while it was read: it had ${size} bytes and now ends at ${at}.`,
    cause: 'Another program writes to it, a download for example.',
    fix: 'Try again when the file is complete.',
  })
}

function openFailure(error: unknown, path: string): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  const known = Object.hasOwn(OPEN_FAILURES, code) ? OPEN_FAILURES[code] : undefined
  if (known === undefined) return error
  return new PetalError({ code: known.code, message: `${path} ${known.what}.`, fix: known.fix })
}
