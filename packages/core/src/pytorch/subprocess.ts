import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { explainWarning, failureOf } from './diagnostics/index.ts'
import type { Engine, EngineIdentity } from './engine.ts'
import { type Environment, pythonEnvironment } from './environment.ts'
import {
  createMemo, findPyTorch, type Found, hasTorch, type Look, noPyTorch, packageVersions, supportProblem, unsupportedPyTorch,
} from './find/index.ts'
import { normalized } from './find/packages.ts'
import { createJobs } from './jobs.ts'

/** How a Python with PyTorch is found and used. */
export interface PyTorchOptions {
  /** The app's folder: where environments are looked for, and the worker's working folder. */
  readonly root: string
  /** An executable or the folder of an environment; relative to the root. Found when left out. */
  readonly python?: string | undefined
  /** Seconds that one conversion may take; 300 when left out. */
  readonly timeLimit?: number | undefined
  /** The environment's variables; the process's own when left out. */
  readonly env?: Environment | undefined
  /** A folder to remember what Pythons said of themselves; without it, it is not remembered. */
  readonly memo?: string | undefined
  /** Takes each line that Python prints. */
  readonly onOutput?: ((line: string) => void) | undefined
}

/** Seconds. */
const TIME_LIMIT = 300

/** The worker's script: `src/pytorch/worker` in a checkout, `dist/worker` when installed, where all chunks lie side by side. */
function workerScript(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const beside = join(here, 'worker', 'main.py')
  return existsSync(beside) ? beside : join(dirname(here), 'worker', 'main.py')
}

/** The engine in a subprocess; see `createPyTorch`. */
export function createSubprocess(options: PyTorchOptions): Engine {
  const { root } = options
  const env = options.env ?? process.env
  const memo = createMemo(options.memo)
  const versionsIn = packageVersions()
  const find = (): ReturnType<typeof findPyTorch> => findPyTorch({ root, env, python: options.python }, memo)

  const jobs = createJobs({
    timeLimit: options.timeLimit ?? TIME_LIMIT,
    ...options.onOutput && { onOutput: options.onOutput },
    async launch() {
      const { found, looks } = await find()
      if (found === undefined) throw notFound(looks)
      const { candidate, probe } = found
      return {
        // The interpreter itself, not what leads to it: a shim or a launcher in between would get the signals.
        command: existsSync(probe.executable) ? probe.executable : candidate.command,
        args: [workerScript()], cwd: root, env: pythonEnvironment(env), key: JSON.stringify(probe),
      }
    },
  })

  return {
    async identify() {
      const { found } = await find()
      return found && identityOf(found, versionsIn)
    },
    async convert(job, control) {
      const outcome = await jobs.run(job, control)
      if ('failure' in outcome) throw await failureOf(outcome.failure)
      return { ...outcome.result, warnings: await Promise.all(outcome.result.warnings.map(explainWarning)) }
    },
    close: () => jobs.close(),
  }
}

function identityOf({ probe }: Found, versionsIn: ReturnType<typeof packageVersions>): EngineIdentity {
  return {
    torch: probe.torch,
    python: probe.python,
    packageVersion: async (name) => (await versionsIn(probe.sites)).get(normalized(name)),
  }
}

function notFound(looks: readonly Look[]): Error {
  for (const one of looks) {
    const problem = hasTorch(one.answer) ? supportProblem(one.answer) : undefined
    if (problem !== undefined) return unsupportedPyTorch(one, problem)
  }
  return noPyTorch(looks)
}
