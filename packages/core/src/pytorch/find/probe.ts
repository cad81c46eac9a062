import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pythonEnvironment } from '../environment.ts'
import type { Candidate, Place } from './candidates.ts'

/** What a Python said of itself, and what lies in its folders. Plain JSON. */
export interface Probe {
  /** The real interpreter, where the command only leads to it (a shim, a launcher). */
  readonly executable: string
  /** `3.11.2`. */
  readonly python: string
  /** `torch/version.py` of the PyTorch that it imports; absent where it has none. */
  readonly torchFile?: string
  /** `2.15.0+cpu`; absent where there is no PyTorch. */
  readonly torch?: string
  /** Whether this PyTorch has torch.jit. */
  readonly hasJit: boolean
  /** Folders that hold installed packages; some may not exist. */
  readonly sites: readonly string[]
}

/** A Python that does not answer: what it printed last, or why it could not be started. */
export interface Silence {
  readonly problem: string
}

/** A cold disk or a virus scanner takes seconds; an interpreter takes 20 ms. */
const LIMIT_MS = 20_000

/**
 * Asks without importing torch. It must also be understood by Python 2. The working folder is not to be looked at, hence the first line.
 */
const QUESTION = `
import sys
sys.path[:] = [path for path in sys.path if path]
import json
import site
version = ".".join(str(part) for part in sys.version_info[:3])
try:
    import importlib.util
    spec = importlib.util.find_spec("torch")
except Exception:
    spec = None
sites = [path for path in sys.path if path.rstrip("/\\\\").endswith("-packages")]
if getattr(site, "ENABLE_USER_SITE", False) and site.getusersitepackages() not in sites:
    sites.append(site.getusersitepackages())
origin = spec.origin if spec is not None else None
print("\\n" + json.dumps({"petal": 1, "executable": sys.executable, "python": version, "origin": origin, "sites": sites}))
`

/** Starts a Python and asks what it is. */
export async function probe(candidate: Candidate, { root, env }: Place): Promise<Probe | Silence> {
  const answer = await new Promise<{ stdout: string; problem: string }>((resolve) => {
    const child = execFile(candidate.command, [...candidate.args, '-c', QUESTION], {
      encoding: 'utf8', timeout: LIMIT_MS, killSignal: 'SIGKILL', windowsHide: true, cwd: root,
      env: pythonEnvironment(env) as NodeJS.ProcessEnv,
    }, (error, stdout, stderr) => {
      const said = stderr.trim().split('\n').at(-1)
      const why = error?.killed ? `did not answer within ${LIMIT_MS / 1000} s` : said || error?.message.split('\n')[0] || 'said nothing'
      resolve({ stdout, problem: why })
    })
    child.stdin?.end()
  })
  const told = answer.stdout.split('\n').map(answerIn).find((one) => one !== undefined)
  if (told === undefined) return { problem: answer.problem }
  const torchFile = told.origin === null ? undefined : join(dirname(told.origin), 'version.py')
  const torch = torchFile === undefined ? undefined : versionIn(torchFile)
  // Where PYTHONPATH or a .pth file led to it, the folder is not among the others.
  const home = torchFile === undefined ? [] : [dirname(dirname(torchFile))]
  return {
    executable: told.executable || candidate.command, python: told.python, sites: [...new Set([...told.sites, ...home])],
    ...torchFile !== undefined && torch !== undefined && { torchFile, torch },
    hasJit: torchFile !== undefined && existsSync(join(dirname(torchFile), 'jit', '__init__.py')),
  }
}

interface Answer { executable: string; python: string; origin: string | null; sites: string[] }

function answerIn(line: string): Answer | undefined {
  try {
    const value = JSON.parse(line) as Answer & { petal?: unknown }
    return value.petal === 1 ? value : undefined
  } catch {
    return undefined
  }
}

function versionIn(file: string): string | undefined {
  try {
    return /^__version__ *= *['"]([^'"]+)['"]/m.exec(readFileSync(file, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
