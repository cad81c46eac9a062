import { PetalError } from '../errors.ts'
import { createPyTorch } from './create.ts'
import type { FindOptions } from './find/candidates.ts'
import { createMemo, hasTorch, isProbe, type Look, lookAtAll, noPyTorch, supportProblem } from './find/index.ts'
import { type Trial, tryConversion, type TrialResult } from './try.ts'

/** One Python, as it was found. */
export interface PythonReport {
  readonly command: string
  /** Why it was looked at. */
  readonly origin: string
  /** The interpreter behind the command, where that is another. */
  readonly executable?: string
  readonly python?: string
  readonly torch?: string
  /** Why it cannot convert; absent where it can. */
  readonly problem?: string
  /** A build would use this one. */
  readonly isChosen: boolean
}

/** One conversion that was tried with the chosen Python. */
export interface TrialReport {
  readonly trial: Trial
  readonly result?: TrialResult
  readonly problem?: Problem
}

export interface Problem {
  readonly what: string
  readonly fix?: string
}

/** What a build would meet. Plain JSON. */
export interface Diagnosis {
  readonly pythons: readonly PythonReport[]
  readonly trials: readonly TrialReport[]
  /** What keeps builds from converting Python sources; empty where nothing does. */
  readonly problems: readonly Problem[]
}

/** Looks at every Python that a build may use and tries the one that it would. Changes nothing. */
export async function examine(options: FindOptions): Promise<Diagnosis> {
  const looks = await lookAtAll(options, createMemo(undefined))
  let isFound = false
  const pythons = looks.map(({ candidate, answer }): PythonReport => {
    const problem = problemWith(answer)
    const isChosen = problem === undefined && !isFound
    isFound ||= isChosen
    return {
      command: [candidate.command, ...candidate.args].join(' '), origin: candidate.origin,
      ...isProbe(answer) && { python: answer.python, ...answer.executable !== candidate.command && { executable: answer.executable } },
      ...hasTorch(answer) && { torch: answer.torch }, ...problem !== undefined && { problem }, isChosen,
    }
  })
  if (!isFound) return { pythons, trials: [], problems: [{ what: 'No Python that can convert was found.', fix: noPyTorch(looks).fix! }] }
  const trials = await tryAll(options)
  // Quantizing is on request; what is wrong with a PyTorch as a whole fails in every trial.
  const problems = trials.flatMap(({ trial, problem }) => problem === undefined || trial === 'quantize' ? [] : [problem])
  return { pythons, trials, problems: problems.filter(({ what }, at) => problems.findIndex((other) => other.what === what) === at) }
}

/** Codes of errors that are not about a conversion. */
const BROKEN: ReadonlySet<string> = new Set(['TORCH_BROKEN', 'WORKER_NOT_STARTED', 'TORCHSCRIPT_REMOVED', 'CONVERSION_TIMEOUT'])

function problemOf({ what, fix }: PetalError): Problem {
  return { what, ...fix !== undefined && { fix } }
}

function problemWith(answer: Look['answer']): string | undefined {
  if (!isProbe(answer)) return `no usable Python: ${answer.problem}`
  return hasTorch(answer) ? supportProblem(answer) : 'it has no PyTorch'
}

async function tryAll(options: FindOptions): Promise<TrialReport[]> {
  const engine = createPyTorch({ ...options, timeLimit: 120 })
  const reports: TrialReport[] = []
  try {
    for (const trial of ['trace', 'script', 'quantize'] as const) {
      try {
        reports.push({ trial, result: await tryConversion(engine, trial) })
      } catch (error) {
        if (!(error instanceof PetalError)) throw error
        // Nothing else will go better.
        if (trial === 'trace' && BROKEN.has(error.code)) return [{ trial, problem: problemOf(error) }]
        reports.push({ trial, problem: problemOf(error) })
      }
    }
    return reports
  } finally {
    await engine.close()
  }
}
