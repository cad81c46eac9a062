import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** What the place of the store is chosen from. */
export interface StoreLocation {
  /** The store's folder; relative to `root`. */
  dir?: string | undefined
  /** The app's root folder (Vite's `root`, webpack's `context`); the working directory when left out. */
  root?: string | undefined
  /** Environment variables: `PETAL_CACHE_DIR`, and where the system keeps caches. */
  env?: Readonly<Record<string, string | undefined>> | undefined
}

/**
 * The store's folder: the option, else `PETAL_CACHE_DIR`, else `node_modules/.cache/petal` beside the nearest package.json
 * at or above the root, else the system's folder for caches. Creates nothing.
 */
export function storeDirectory(location: StoreLocation): string {
  const env = location.env ?? process.env
  const root = resolve(location.root ?? process.cwd())
  const chosen = location.dir ?? env['PETAL_CACHE_DIR']
  if (chosen) return resolve(root, chosen)
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, 'node_modules', '.cache', 'petal')
    if (dirname(folder) === folder) return join(systemCacheDirectory(env), 'petal')
  }
}

function systemCacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches')
  if (process.platform === 'win32') return env['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local')
  return env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
}
