import { PetalError, type PetalErrorInit } from '../errors.ts'

/** The code of a file system error (`ENOENT`), or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

type Explanation = Pick<PetalErrorInit, 'code' | 'cause'>

const DENIED: Explanation = { code: 'NOT_WRITABLE', cause: 'This user may not write there, or the disk is mounted read-only.' }
const BLOCKED: Explanation = { code: 'NOT_WRITABLE', cause: 'A file stands where a folder is needed, or the other way round.' }
const FULL: Explanation = { code: 'DISK_FULL', cause: 'The disk or the quota is full.' }

const WRITE_FAILURES: Readonly<Record<string, Explanation>> = {
  EACCES: DENIED, EPERM: DENIED, EROFS: DENIED,
  ENOTDIR: BLOCKED, EEXIST: BLOCKED, EISDIR: BLOCKED, ENOENT: { code: 'NOT_WRITABLE', cause: 'The folder does not exist.' },
  ENOSPC: FULL, EDQUOT: FULL, EFBIG: { code: 'DISK_FULL', cause: 'The file system does not take files of this size.' },
  EMFILE: { code: 'TOO_MANY_FILES', cause: 'This process has too many files open.' },
  EIO: { code: 'DISK_ERROR', cause: 'The disk reported an error.' },
}

/**
 * A failed write inside `folder` as a PetalError. Anything else comes back as it is: other errors, failed reads, and failures
 * of files elsewhere (a write to an open file names no path).
 */
export function writeFailure(error: unknown, folder: string, fix: string): unknown {
  const code = systemCode(error)
  const explanation = WRITE_FAILURES[code ?? '']
  if (explanation === undefined) return error
  const { path, syscall } = error as NodeJS.ErrnoException
  if (path === undefined ? syscall === 'read' : !path.startsWith(folder)) return error
  return new PetalError({ ...explanation, message: `Cannot write to ${folder} (${code}).`, fix })
}
