import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, readSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Candidate, foldersUpwards, type Place } from './candidates.ts'
import type { Probe } from './probe.ts'

/** Remembers what Pythons said, so that looking at them again costs a few `stat` calls. */
export interface Memo {
  read(candidate: Candidate, place: Place): Probe | undefined
  write(candidate: Candidate, place: Place, probe: Probe): void
}

/** Bumped when probes have another form or another meaning. */
const FORM = 1

interface Note {
  readonly fingerprint: string
  readonly probe: Probe
}

/** Variables that change where a Python looks for packages, or which one a shim starts. */
const VARIABLES = [
  'PYTHONPATH', 'PYTHONNOUSERSITE', 'PYTHONUSERBASE', 'HOME', 'PYENV_VERSION', 'PYENV_ROOT', 'ASDF_PYTHON_VERSION', 'PY_PYTHON3',
]

/** Files that say which Python a shim (pyenv, asdf, mise) starts. */
const CHOICES = ['.python-version', '.tool-versions', 'mise.toml', '.mise.toml']

/** Notes are kept in the process and, where `folder` is given, in files there; what cannot be written is not remembered. */
export function createMemo(folder: string | undefined): Memo {
  const notes = new Map<string, Note>()
  return {
    read(candidate, place) {
      const key = keyOf(candidate, place)
      const note = notes.get(key) ?? (folder === undefined ? undefined : noteIn(join(folder, key)))
      if (note === undefined || note.fingerprint !== fingerprint(candidate, place, note.probe)) return undefined
      notes.set(key, note)
      return note.probe
    },
    write(candidate, place, probe) {
      const key = keyOf(candidate, place)
      const note = { fingerprint: fingerprint(candidate, place, probe), probe }
      notes.set(key, note)
      if (folder !== undefined) writeNote(join(folder, key), note)
    },
  }
}

function keyOf({ command, args }: Candidate, { root, env }: Place): string {
  const text = JSON.stringify([FORM, command, args, isScript(command) ? root : '', VARIABLES.map((name) => env[name])])
  return `python-${createHash('sha256').update(text).digest('hex').slice(0, 32)}.json`
}

/** Changes whenever the Python may answer otherwise: another interpreter, another environment, packages installed or removed. */
function fingerprint({ command }: Candidate, place: Place, probe: Probe): string {
  const files = [command, probe.executable, join(dirname(dirname(command)), 'pyvenv.cfg'), ...probe.sites]
  if (probe.torchFile !== undefined) files.push(probe.torchFile, join(dirname(probe.torchFile), 'jit', '__init__.py'))
  if (isScript(command)) files.push(...choiceFiles(place))
  return JSON.stringify(files.map(stamp))
}

function choiceFiles({ root, env }: Place): string[] {
  const home = env['HOME'] || homedir()
  return [
    join(env['PYENV_ROOT'] || join(home, '.pyenv'), 'version'), join(home, '.tool-versions'),
    ...foldersUpwards(root).flatMap((folder) => CHOICES.map((name) => join(folder, name))),
  ]
}

function stamp(path: string): readonly [string, number, number] | null {
  try {
    const real = realpathSync(path)
    const { size, mtimeMs } = statSync(real)
    return [real, size, mtimeMs]
  } catch {
    return null
  }
}

/** Shims are scripts; interpreters are not. */
function isScript(path: string): boolean {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const start = new Uint8Array(2)
    readSync(file, start)
    return start[0] === 0x23 && start[1] === 0x21
  } catch {
    return false
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function noteIn(path: string): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(path, 'utf8')) as Partial<Note>
    const isWhole = typeof note.fingerprint === 'string' && typeof note.probe?.python === 'string' && Array.isArray(note.probe.sites)
    return isWhole ? note as Note : undefined
  } catch {
    return undefined
  }
}

function writeNote(path: string, note: Note): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(temporary, JSON.stringify(note))
    renameSync(temporary, path)
  } catch {
    // A cache that cannot be written makes the next build slower, no more.
  }
}
