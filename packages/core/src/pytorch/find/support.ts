import { PetalError } from '../../errors.ts'
import { pipLine } from '../pins.ts'
import type { Candidate } from './candidates.ts'
import type { Probe, Silence } from './probe.ts'

/** The oldest releases that the worker runs on. */
const OLDEST_TORCH = [1, 13] as const
const OLDEST_PYTHON = [3, 8] as const

/** `petal setup`, as somebody runs it who has nothing installed. */
const SETUP = 'npx -p @petaljs/core petal setup'

/** What keeps a PyTorch from converting, as part of a sentence; undefined where nothing does. */
export function supportProblem({ python, torch, hasJit }: Probe & { readonly torch: string }): string | undefined {
  if (isOlder(python, OLDEST_PYTHON)) return `its Python ${python} is older than ${OLDEST_PYTHON.join('.')}`
  if (isOlder(torch, OLDEST_TORCH)) return `its PyTorch ${torch} is older than ${OLDEST_TORCH.join('.')}`
  return hasJit ? undefined : `its PyTorch ${torch} has dropped torch.jit, which traces and scripts`
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor < major || ownMajor === major && ownMinor < minor
}

interface Look {
  readonly candidate: Candidate
  readonly answer: Probe | Silence
}

/** What one look gave, in a few words. */
export function lookText({ candidate, answer }: Look): string {
  if ('problem' in answer) return `${candidate.command} (${candidate.origin}): no usable Python: ${answer.problem}`
  const torch = answer.torch === undefined ? 'no PyTorch' : `PyTorch ${answer.torch}`
  return `${candidate.command} (${candidate.origin}): Python ${answer.python}, ${torch}`
}

/** The error when no Python has PyTorch. */
export function noPyTorch(looks: readonly Look[]): PetalError {
  const [first] = looks
  const byHand = `or install it yourself ("${pipLine()}")`
  if (first?.candidate.isExplicit) {
    const { candidate, answer } = first
    const wrong = 'problem' in answer ? `is no usable Python: ${answer.problem}` : `is Python ${answer.python} without PyTorch`
    return new PetalError({
      code: 'NO_PYTORCH',
      message: `${candidate.command}, which ${candidate.origin} names, ${wrong}.`,
      cause: 'Python sources are traced and scripted by PyTorch, and a Python that is named is the only one looked at.',
      fix: `Name one that has PyTorch, name none and run "${SETUP}", ${byHand}.`,
    })
  }
  return new PetalError({
    code: 'NO_PYTORCH',
    message: [
      'No Python with PyTorch was found, which a model in Python source needs.',
      ...looks.length === 0 ? ['Looked for: an active or project environment (.venv, uv, Poetry, conda), and python3 on the PATH; there is none.'] : ['Looked at:'],
      ...looks.map((one) => `  ${lookText(one)}`),
    ].join('\n'),
    fix: `Run "${SETUP}", which installs it for this project only, ${byHand}; or set PETAL_PYTHON to a Python that has it.`,
  })
}

/** The error when those that have PyTorch have one that cannot convert. */
export function unsupportedPyTorch({ candidate, answer }: Look, problem: string): PetalError {
  const explicit = candidate.isExplicit ? `Let ${candidate.origin} name another Python` : `Run "${SETUP}"`
  return new PetalError({
    code: 'UNSUPPORTED_PYTORCH',
    message: `${candidate.command} (${candidate.origin}) cannot convert models: ${problem}.`,
    cause: `Petal supports PyTorch ${OLDEST_TORCH.join('.')} and newer, as long as it has torch.jit${'problem' in answer ? '' : `, on Python ${OLDEST_PYTHON.join('.')} and newer`}.`,
    fix: `${explicit}, or install a supported release: "${pipLine()}".`,
  })
}
