import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** A Python with PyTorch that tests run on. */
export interface TorchPython {
  /** `torch 1.13.0a0`. */
  readonly name: string
  readonly executable: string
  readonly version: string
}

/** Where `npm run setup` puts PyTorch releases that are only for tests; shared by all checkouts. */
const RELEASES: string = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'petal-dev')

/** `PETAL_TEST_PYTHONS` is a list of executables, separated as `PATH` is; without it, what is found on the machine. */
function candidates(): string[] {
  const listed = process.env['PETAL_TEST_PYTHONS']
  if (listed !== undefined) return listed.split(delimiter).filter(Boolean)
  const releases = existsSync(RELEASES) ? readdirSync(RELEASES).toSorted().map((name) => join(RELEASES, name, 'bin/python')) : []
  return [process.env['PETAL_PYTHON'], '/usr/bin/python3', ...releases].filter((path): path is string => path !== undefined && path !== '')
}

function probe(executable: string): TorchPython[] {
  const code = 'import importlib.util as u, os, re; s = u.find_spec("torch"); '
    + 'print(re.search(r"__version__ = [\'\\"]([^\'\\"]+)", open(os.path.join(os.path.dirname(s.origin), "version.py")).read())[1])'
  const { status, stdout } = spawnSync(executable, ['-c', code], { encoding: 'utf8' })
  const version = stdout?.trim()
  return status === 0 ? [{ name: `torch ${version}`, executable, version }] : []
}

/** Every PyTorch to test with, one per version, oldest first. Empty where there is none: then tests are skipped, and in CI that is a failure. */
export const torchPythons: readonly TorchPython[] = [...new Map(candidates().flatMap(probe).map((one) => [one.version, one])).values()]
  .toSorted((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }))
