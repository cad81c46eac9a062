import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../environment.ts'

/**
 * The virtual environments that Poetry made for the project in `folder`, outside of it: `<virtualenvs>/<name>-<hash>-py<version>`,
 * where the hash is of the folder's real path. The newest Python first. Empty where the project does not use Poetry.
 */
export function poetryEnvironments(folder: string, env: Environment): string[] {
  if (!usesPoetry(folder)) return []
  const home = virtualEnvironments(env)
  const marker = `-${folderHash(folder)}-py`
  return listed(home).filter((name) => name.includes(marker)).toSorted((a, b) => minor(b) - minor(a)).map((name) => join(home, name))
}

/** `my-app-AbCd1234-py3.11` is for 3.11, the minor version 11. */
function minor(name: string): number {
  return Number(/-py\d+\.(\d+)$/.exec(name)?.[1] ?? 0)
}

function usesPoetry(folder: string): boolean {
  try {
    return /\bpoetry\b/.test(readFileSync(join(folder, 'pyproject.toml'), 'utf8'))
  } catch {
    return false
  }
}

/** As Poetry computes it: eight characters of the SHA-256 of the real path, which Windows compares in lower case. */
export function folderHash(folder: string): string {
  const path = realpathSync(folder)
  return createHash('sha256').update(process.platform === 'win32' ? path.toLowerCase() : path).digest('base64url').slice(0, 8)
}

/** Poetry's setting `virtualenvs.path`; by default in the user's folder for caches. */
function virtualEnvironments(env: Environment): string {
  if (env['POETRY_VIRTUALENVS_PATH']) return env['POETRY_VIRTUALENVS_PATH']
  return join(env['POETRY_CACHE_DIR'] || cacheDirectory(env), 'virtualenvs')
}

function cacheDirectory(env: Environment): string {
  const home = env['HOME'] || homedir()
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'pypoetry')
  if (process.platform === 'win32') return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'pypoetry', 'Cache')
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'pypoetry')
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
