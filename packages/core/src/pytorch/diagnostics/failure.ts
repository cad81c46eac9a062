import { PetalError, type PetalErrorInit } from '../../errors.ts'
import type { WorkerFailure } from '../protocol.ts'
import { recognize } from './catalogue.ts'
import { word } from './entry.ts'
import { parseMessage } from './message.ts'
import { innermost, locate, type Place, placeIn } from './project.ts'

/** Codes whose `what` is PyTorch's message. */
const EXPLAINED: ReadonlySet<string> = new Set(['SCRIPT_FAILED', 'TRACE_FAILED'])

const LONGEST_WHAT = 300

/** The error that a user sees for a conversion that did not come about: with a place, a frame, and for PyTorch's own messages an explanation. */
export async function failureOf(failure: WorkerFailure): Promise<PetalError> {
  const told = failure.file === undefined ? undefined : await placeIn(failure.file, markOf(failure))
  if (!EXPLAINED.has(failure.code)) return errorOf(failure, failure, told)
  const { text, places } = parseMessage(failure.what)
  const place = await innermost(places) ?? told
  return errorOf(failure, explain(failure, text, place), place)
}

type Explanation = Pick<WorkerFailure, 'what' | 'cause' | 'fix'>

function explain(failure: WorkerFailure, text: string, place: Place | undefined): Explanation {
  const found = recognize(text)
  const what = firstLine(text, failure.exception)
  if (found === undefined) return { what, ...UNKNOWN[failure.code]! }
  const lines = place?.lines ?? []
  const line = place?.mark.line ?? 0
  const seen = { groups: found.groups, lines, line, statement: lines[line - 1]?.trim() ?? '' }
  return { what, cause: word(found.entry.cause, seen), fix: word(found.entry.fix, seen) }
}

const UNKNOWN: Readonly<Record<string, { cause: string; fix: string }>> = {
  SCRIPT_FAILED: {
    cause: 'TorchScript understands a part of Python only, and this is outside of it.',
    fix: 'If what the model does never depends on the values of its inputs, use convert=trace with example inputs; else change that line. '
      + 'docs/script-errors.md shows how common cases are written.',
  },
  TRACE_FAILED: {
    cause: 'The model did not run on its example inputs, or does something that a trace cannot record.',
    fix: 'Call the model in Python with the same inputs to see whether it runs; if it does, use convert=script, '
      + 'or script= with the name of the submodule that cannot be traced.',
  },
}

/** What PyTorch says first; the rest lists overloads and repeats itself. */
function firstLine(text: string, exception: string | undefined): string {
  const line = text.split('\n').map((line) => line.trim()).find((line) => line !== '')?.replace(/:$/, '')
    ?? `PyTorch raised ${exception ?? 'an error'} without a message`
  return line.length <= LONGEST_WHAT ? line : `${line.slice(0, LONGEST_WHAT - 1)}…`
}

function markOf({ line = 1, column }: WorkerFailure): Place['mark'] {
  return column === undefined ? { line } : { line, column }
}

function errorOf(failure: WorkerFailure, { what, cause, fix }: Explanation, place: Place | undefined): PetalError {
  const because = [failure.context, cause].filter(Boolean).join(' ')
  const init: PetalErrorInit = { code: failure.code, message: what, dependencies: failure.dependencies }
  if (because !== '') init.cause = because
  if (fix !== undefined) init.fix = fix
  const location = place === undefined ? undefined : locate(place)
  if (location !== undefined) init.location = location
  else if (failure.file !== undefined) init.location = { file: failure.file }
  return new PetalError(init)
}
