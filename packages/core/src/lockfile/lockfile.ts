import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PetalError } from '../errors.ts'
import { canonicalRequest, givenDirectives, type ModelRequest } from '../request/index.ts'
import { portable } from '../project.ts'

/** What the file is called, beside the app's package.json. */
export const LOCKFILE = 'petal.lock.json'

/** Bumped when the file changes its meaning. */
const VERSION = 1

/** One result. */
export interface LockedModel {
  /** SHA-256 of the model file. */
  readonly source: string
  /** What the result is stored under. */
  readonly key: string
  /** SHA-256 of the result, and its size. */
  readonly sha256: string
  readonly bytes: number
}

/** What all imports of an app gave, to be committed: by request, as `requestName` writes it. */
export type Lock = Readonly<Record<string, LockedModel>>

/**
 * How the lock file names a request: `src/net.pt?block=conv_bn_fusion`. The path is relative to the root, with slashes; directives that
 * have no say in the file are left out, as are those that ask for what is done anyway, and the rest is sorted.
 */
export function requestName(root: string, file: string, request: ModelRequest): string {
  const pieces = (['compilation', 'examples', 'conversion'] as const).flatMap((stage) => {
    const given = new Set<string>(givenDirectives(request, stage))
    return canonicalRequest(request, stage).split('&').filter((piece) => given.has(piece.split('=', 1)[0]!))
  })
  const query = [...new Set(pieces)].toSorted().join('&')
  return portable(root, file) + (query === '' ? '' : `?${query}`)
}

/** The text of a lock file: the same for the same results, and each on lines of its own, so that merges are easy. */
export function printLock(lock: Lock): string {
  const models = Object.entries(lock).toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { source, key, sha256, bytes }]) => [name, { source, key, sha256, bytes }] as const)
  return `${JSON.stringify({ version: VERSION, models: Object.fromEntries(models) }, undefined, 2)}\n`
}

/** The lock file of a folder, or undefined where there is none. Throws a PetalError (BAD_LOCKFILE) for one that cannot be used. */
export function readLock(root: string): Lock | undefined {
  let text: string
  try {
    text = readFileSync(join(root, LOCKFILE), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw bad(root, `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`)
  }
  let read: { readonly version?: unknown; readonly models?: unknown } | null
  try {
    read = JSON.parse(text) as typeof read
  } catch {
    throw bad(root, /^(?:<{7}|>{7}|={7})/m.test(text) ? 'has the marks of a merge in it' : 'is no JSON')
  }
  if (read?.version !== VERSION) throw bad(root, 'is of another version')
  if (typeof read.models !== 'object' || read.models === null || !Object.values(read.models).every(isLocked)) {
    throw bad(root, 'has an entry without source, key, sha256 or bytes')
  }
  return Object.assign(Object.create(null) as object, read.models) as Lock
}

/** Writes the lock file of a folder in one step; false where it was the same already. */
export async function writeLock(root: string, lock: Lock): Promise<boolean> {
  const file = join(root, LOCKFILE)
  const text = printLock(lock)
  let before: string | undefined
  try {
    before = readFileSync(file, 'utf8')
  } catch {
    // There is none.
  }
  if (before === text) return false
  const temporary = `${file}.${process.pid}.tmp`
  try {
    await writeFile(temporary, text)
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    const { code } = error as NodeJS.ErrnoException
    throw new PetalError({ code: 'NOT_WRITABLE', message: `Cannot write ${file} (${code}).`, fix: 'Make the folder writable.' })
  }
  return true
}

function isLocked(value: unknown): value is LockedModel {
  const { source, key, sha256, bytes } = (value ?? {}) as Partial<LockedModel>
  return [source, key, sha256].every((digest) => typeof digest === 'string' && /^[\da-f]{64}$/.test(digest)) && Number.isSafeInteger(bytes)
}

const bad = (root: string, why: string): PetalError => new PetalError({
  code: 'BAD_LOCKFILE', message: `${join(root, LOCKFILE)} ${why}.`, fix: 'Restore it, or write it anew with "petal prewarm".',
})
