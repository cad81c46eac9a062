import { createHash } from 'node:crypto'
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemCode } from './failure.ts'
import { storeFolders } from './layout.ts'

const DENIED = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * Whether a store's folder can be written, as far as the system says before one tries. True for what is no question of permissions: the
 * write's own error says more. Creates nothing.
 */
export function isWritable(dir: string): boolean {
  const folders = Object.values(storeFolders(dir))
  return [nearest(dir), dirname(folders[0]!), ...folders].every((folder) => {
    try {
      accessSync(folder, constants.W_OK)
      return true
    } catch (error) {
      return !DENIED.has(systemCode(error) ?? '')
    }
  })
}

/** The folder itself, or the one in which it would be created. */
function nearest(folder: string): string {
  for (let place = folder; ; place = dirname(place)) {
    try {
      lstatSync(place)
      return place
    } catch {
      if (dirname(place) === place) return place
    }
  }
}

/**
 * Where results go for which a store has no place: a folder of this user's for temporary files, the same one in every process, so that
 * a later build finds what a bundler's own cache refers to. A folder of that name that others can write is not taken.
 */
export function overlayDirectory(dir: string): string {
  // Where there are no numbers of users, folders for temporary files are a user's own.
  const user = process.getuid?.()
  const home = join(tmpdir(), `petal-${user ?? 'cache'}`)
  const name = createHash('sha256').update(dir).digest('hex').slice(0, 16)
  try {
    mkdirSync(home, { mode: 0o700, recursive: true })
    const stats = lstatSync(home)
    const isOwn = stats.isDirectory() && (user === undefined || (stats.uid === user && (stats.mode & 0o022) === 0))
    return join(isOwn ? home : mkdtempSync(`${home}-`), name)
  } catch {
    // The first write says what is wrong.
    return join(home, name)
  }
}
