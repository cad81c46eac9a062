import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/**
 * The nearest folder at or above with a package.json, which the store and the lock file belong to; the folder itself where there is none.
 */
export function projectRoot(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at
    if (dirname(at) === at) return resolve(folder)
  }
}

/** A path as it is the same on every machine: relative, with slashes. */
export const portable = (root: string, path: string): string => relative(root, path).replaceAll('\\', '/')
