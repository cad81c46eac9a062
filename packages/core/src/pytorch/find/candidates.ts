import { existsSync, realpathSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import type { Environment } from '../environment.ts'
import { poetryEnvironments } from './poetry.ts'

/** A Python that may have PyTorch. */
export interface Candidate {
  /** Why it is looked at, for people: `the option "python"`, `PETAL_PYTHON`, `.venv`. */
  readonly origin: string
  readonly command: string
  /** Arguments before all others: `-3` for Windows' launcher. */
  readonly args: readonly string[]
  /** The user named it: it is this one or an error. */
  readonly isExplicit: boolean
}

/** Where a Python is asked: what shims start depends on it. */
export interface Place {
  /** The app's folder; absolute. */
  readonly root: string
  readonly env: Environment
}

export interface FindOptions extends Place {
  /** An executable, or a folder of a virtual environment; relative to the root. */
  readonly python?: string | undefined
}

const WINDOWS = process.platform === 'win32'

/** The environment that `petal setup` makes in a project. */
export const PROJECT_ENVIRONMENT = '.petal/python'

/** A file in it that is there when it is whole; one without it is passed over. */
export const STAMP = 'petal.json'

/** Other folders of an environment, as they are called in projects. */
const ENVIRONMENTS = ['.venv', 'venv', '.conda', 'env']

/**
 * Every Python to look at, in order: the option; PETAL_PYTHON; active environments; environments of the project, from its root
 * upwards to the top of the file system or of the repository; those on the PATH. An explicit one is alone. Starts nothing.
 */
export function candidates(options: FindOptions): Candidate[] {
  const explicit = explicitCandidate(options)
  if (explicit !== undefined) return [explicit]
  const { root, env } = options
  const projects = foldersUpwards(root).flatMap((folder) => projectEnvironments(folder, env))
  const all = [...activeEnvironments(env), ...projects, ...onPath(env)]
  const places = all.map(({ command }) => placeOf(command))
  return all.filter((_, at) => places.indexOf(places[at]!) === at)
}

/** A command whose folder may be a link to another one, as /bin is. The file itself may be a link that means something: an environment's. */
function placeOf(command: string): string {
  try {
    return join(realpathSync(dirname(command)), basename(command))
  } catch {
    return command
  }
}

function explicitCandidate({ root, python, env }: FindOptions): Candidate | undefined {
  if (python) return { origin: 'the option "python"', command: commandAt(python, root, env), args: [], isExplicit: true }
  const named = env['PETAL_PYTHON']
  return named ? { origin: 'PETAL_PYTHON', command: commandAt(named, root, env), args: [], isExplicit: true } : undefined
}

/** What a user wrote for a Python: a path of an executable or of an environment, or a name to look for on the PATH. */
function commandAt(written: string, root: string, env: Environment): string {
  if (!/[\\/]/.test(written) && !existsSync(resolve(root, written))) return lookUp(written, env)[0] ?? written
  const path = resolve(root, written)
  return isFolder(path) ? pythonIn(path) ?? path : path
}

function activeEnvironments(env: Environment): Candidate[] {
  return ['VIRTUAL_ENV', 'CONDA_PREFIX'].flatMap((name) => environmentAt(env[name] || undefined, `${name}, the active environment`))
}

function projectEnvironments(folder: string, env: Environment): Candidate[] {
  const uv = env['UV_PROJECT_ENVIRONMENT']
  const isProject = existsSync(join(folder, 'pyproject.toml'))
  return [
    ...existsSync(join(folder, PROJECT_ENVIRONMENT, STAMP)) ? environmentAt(join(folder, PROJECT_ENVIRONMENT), PROJECT_ENVIRONMENT) : [],
    ...ENVIRONMENTS.flatMap((name) => environmentAt(join(folder, name), name)),
    ...uv && isProject ? environmentAt(resolve(folder, uv), 'UV_PROJECT_ENVIRONMENT') : [],
    ...isProject ? poetryEnvironments(folder, env).flatMap((path) => environmentAt(path, 'Poetry\'s environment of the project')) : [],
  ]
}

function environmentAt(folder: string | undefined, origin: string): Candidate[] {
  const command = folder === undefined ? undefined : pythonIn(folder)
  return command === undefined ? [] : [{ origin, command, args: [], isExplicit: false }]
}

/** The interpreter of a virtual or conda environment; undefined where the folder is none. */
export function pythonIn(environment: string): string | undefined {
  const places = WINDOWS ? ['Scripts/python.exe', 'python.exe', 'bin/python.exe'] : ['bin/python', 'bin/python3']
  return places.map((place) => join(environment, place)).find((path) => existsSync(path))
}

function onPath(env: Environment): Candidate[] {
  return [['python3'], ['python'], ...WINDOWS ? [['py', '-3']] : []].flatMap((words) => namedOnPath(words, env))
}

/** Pythons to make an environment with: the usual ones, then those with a version in their name that has wheels. */
export function pathCandidates(env: Environment, pins: readonly { readonly from: number; readonly to: number }[]): Candidate[] {
  const minors = pins.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => to - index))
  const versioned = minors.flatMap((minor) => namedOnPath(WINDOWS ? ['py', `-3.${minor}`] : [`python3.${minor}`], env))
  return [...onPath(env), ...versioned]
}

function namedOnPath([name, ...args]: readonly string[], env: Environment): Candidate[] {
  // All of the name: a version manager's comes first, and the system's may be the one with PyTorch.
  return lookUp(name!, env).filter((command) => !asksToInstall(command))
    .map((command) => ({ origin: `${[name, ...args].join(' ')} on the PATH`, command, args, isExplicit: false }))
}

function lookUp(name: string, env: Environment): string[] {
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const files = WINDOWS && !name.endsWith('.exe') ? [`${name}.exe`] : [name]
  // Windows' store puts an alias of size 0 there; with arguments it opens no window, only ends.
  return folders.flatMap((folder) => files.map((file) => join(folder, file))).filter((path) => isExecutable(path))
}

/** On macOS without developer tools, `/usr/bin/python3` opens a dialog instead. */
function asksToInstall(command: string): boolean {
  if (process.platform !== 'darwin' || dirname(command) !== '/usr/bin') return false
  const tools = ['/var/db/xcode_select_link', '/Library/Developer/CommandLineTools', '/Applications/Xcode.app/Contents/Developer']
  return !tools.some((folder) => existsSync(join(folder, 'usr/bin/python3')))
}

/** `root` and the folders above, up to the top of a repository or of the file system. */
export function foldersUpwards(root: string): string[] {
  const folders: string[] = []
  for (let folder = resolve(root); ; folder = dirname(folder)) {
    folders.push(folder)
    if (existsSync(join(folder, '.git')) || dirname(folder) === folder) return folders
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function isExecutable(path: string): boolean {
  try {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats?.isFile() === true && (WINDOWS || (stats.mode & 0o111) !== 0)
  } catch {
    // A folder on the PATH that may not be entered; an alias of Windows' store.
    return WINDOWS
  }
}
