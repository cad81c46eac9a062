import { PetalError } from '../../errors.ts'
import { pinFor, pipLine, supportedPythons } from '../pins.ts'
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
function lookText({ candidate, answer }: Look): string {
  if ('problem' in answer) return `${candidate.command} (${candidate.origin}): no usable Python: ${answer.problem}`
  const torch = answer.torch === undefined ? 'no PyTorch' : `PyTorch ${answer.torch}`
  return `${candidate.command} (${candidate.origin}): Python ${answer.python}, ${torch}`
}

/** How to install PyTorch for the first Python that could have it; where none could, which Pythons could. */
function byHand(looks: readonly Look[]): string {
  const pythons = looks.flatMap(({ candidate: { command }, answer }) => 'problem' in answer ? [] : [{ command, python: answer.python }])
  const able = pythons.find(({ python }) => pinFor(python) !== undefined)
  const line = pipLine(able?.command, able?.python)
  return able === undefined && pythons.length > 0 ? `"${line}" with a Python ${supportedPythons()}` : `"${line}"`
}

/** The error when no Python has PyTorch. */
export function noPyTorch(looks: readonly Look[]): PetalError {
  const [first] = looks
  if (first?.candidate.isExplicit) {
    const { candidate, answer } = first
    const wrong = 'problem' in answer ? `is no usable Python: ${answer.problem}` : `is Python ${answer.python} without PyTorch`
    return new PetalError({
      code: 'NO_PYTORCH',
      message: `${candidate.command}, which ${candidate.origin} names, ${wrong}.`,
      cause: 'Python sources are traced and scripted by PyTorch, and a Python that is named is the only one looked at.',
      fix: `Name one that has PyTorch, name none and run "${SETUP}", or install it yourself: ${byHand(looks)}.`,
    })
  }
  const none = 'Looked for: an active or project environment (.venv, uv, Poetry, conda), and python3 on the PATH; there is none.'
  return new PetalError({
    code: 'NO_PYTORCH',
    message: [
      'No Python with PyTorch was found, which a model in Python source needs.',
      ...looks.length === 0 ? [none] : ['Looked at:', ...looks.map((one) => `  ${lookText(one)}`)],
    ].join('\n'),
    fix: `Run "${SETUP}", which installs it for this project only; install it yourself: ${byHand(looks)}; `
      + 'or set PETAL_PYTHON to a Python that has it.',
  })
}

/** The error when those that have PyTorch have one that cannot convert. */
export function unsupportedPyTorch(one: Look, problem: string): PetalError {
  const { command, origin, isExplicit } = one.candidate
  return new PetalError({
    code: 'UNSUPPORTED_PYTORCH',
    message: `${command} (${origin}) cannot convert models: ${problem}.`,
    cause: `Petal needs PyTorch ${OLDEST_TORCH.join('.')} or newer that has torch.jit, on Python ${OLDEST_PYTHON.join('.')} or newer.`,
    fix: `${isExplicit ? `Let ${origin} name another Python` : `Run "${SETUP}"`}, or install a supported release: ${byHand([one])}.`,
  })
}
