import { PetalError, type PetalErrorInit } from '../../errors.ts'
import type { WorkerFailure } from '../protocol.ts'
import { finder, type Match, recognize } from './catalogue.ts'
import { type Entry, type Seen, typeName, word } from './entry.ts'
import { parseMessage } from './message.ts'
import { find, innermost, locate, marked, type Place, placeIn } from './project.ts'

/** Codes whose `what` is PyTorch's message. */
const MESSAGES: ReadonlySet<string> = new Set(['SCRIPT_FAILED', 'TRACE_FAILED'])

/** Failures that the catalogue explains, besides those: which entries can say what happened, and nothing better is known of. */
const ALSO_EXPLAINED: readonly ((failure: WorkerFailure, entry: Entry) => boolean)[] = [
  // PyTorch refuses to save some traces, which nobody expected.
  ({ code }) => code === 'WORKER_DEFECT',
  // Some code is only refused when the script is called.
  ({ code }, { method }) => code === 'SCRIPT_DIVERGES' && method === undefined,
  // What the model itself raises when it is called.
  ({ cause, fix, exception }, { method }) => cause === undefined && fix === undefined && exception !== undefined && method === 'trace',
]

const LONGEST_WHAT = 200

/** The error that a user sees for a conversion that did not come about: with a place, a frame, and for PyTorch's own messages an explanation. */
export async function failureOf(failure: WorkerFailure): Promise<PetalError> {
  const quoted = MESSAGES.has(failure.code)
  const message = parseMessage(failure.what)
  const match = recognize(message).find(({ entry }) => quoted || ALSO_EXPLAINED.some((explains) => explains(failure, entry)))
  const what = quoted || failure.code === 'WORKER_DEFECT' ? headline(message.text, match) || `PyTorch raised ${failure.exception ?? 'an error'} without a message` : failure.what
  const told = await toldPlace(failure)
  if (!quoted && match === undefined) return errorOf(failure, { what, cause: failure.cause, fix: failure.fix }, told)
  const place = await innermost(message.places) ?? told ?? await found(match, failure)
  if (match === undefined) return errorOf(failure, { what, ...UNKNOWN[failure.code] }, place)
  const seen: Seen = { groups: match.groups, marked: place === undefined ? '' : marked(place), lines: place?.lines ?? [], line: place?.mark.line ?? 0 }
  const code = failure.code === 'WORKER_DEFECT' ? (match.entry.method === 'trace' ? 'TRACE_FAILED' : 'SCRIPT_FAILED') : failure.code
  return errorOf({ ...failure, code }, { what, cause: word(match.entry.cause, seen), fix: word(match.entry.fix, seen) }, place)
}

interface Explanation {
  readonly what: string
  readonly cause?: string | undefined
  readonly fix?: string | undefined
}

async function found(match: Match | undefined, { file, dependencies }: WorkerFailure): Promise<Place | undefined> {
  const pattern = match === undefined ? undefined : finder(match)
  return pattern === undefined ? undefined : await find([...file === undefined ? [] : [file], ...dependencies], pattern)
}

const UNKNOWN: Readonly<Record<string, { cause: string; fix: string }>> = {
  SCRIPT_FAILED: {
    cause: 'TorchScript understands a part of Python only, and this is outside of it.',
    fix: 'If what the model does never depends on the values of its inputs, use convert=trace with example inputs; else change that line. '
      + 'Petal\'s docs/script-errors.md shows how common cases are written.',
  },
  TRACE_FAILED: {
    cause: 'The model did not run on its example inputs, or does something that a trace cannot record.',
    fix: 'Call the model in Python with the same inputs to see whether it runs; if it does, use convert=script, '
      + 'or script= with the name of the submodule that cannot be traced.',
  },
}

/** Lines that say nothing by themselves: what comes after them does. */
const EMPTY = /^(?:Arguments for call are not valid\.|The following variants are available:|The following operation failed in the TorchScript interpreter\.|Traceback of TorchScript.*)?$/
/** The head of a list of complaints: an operator's or a method's declaration. */
const DECLARATION = /\) -> .*:$/

/** What tells a person nothing: addresses, values, and what the explanation says better. */
const CUTS: readonly (readonly [RegExp, string])[] = [
  [/^The conversion failed unexpectedly: \w+: (?=Could not export)/, ''],
  [/ at 0x[0-9a-f]+/g, ''], [/ \(This (?:attribute|function) exists .*$/, ''], [/^(Tracer cannot infer type of) .*$/, '$1 what forward returns'],
]

/** The line of a message that tells most: the one that was recognized, or the first. */
function headline(text: string, match: Match | undefined): string {
  const lines = text.split('\n')
  const [start, end] = match === undefined ? [0, text.length] : match.span.map((at) => text.slice(0, at).split('\n').length - 1) as [number, number]
  const said = lines.slice(start, end + 1).map((line) => line.trim()).filter((line) => !EMPTY.test(line))
  const line = (DECLARATION.test(said[0] ?? '') ? match === undefined ? said[1] : said.at(-1) : said[0]) ?? ''
  const plain = CUTS.reduce((text, [pattern, short]) => text.replace(pattern, short), typeName(line)).replace(/\s*[.:]*\s*$/, '')
  const sentence = /^.{40,}?\.(?= [A-Z])/.exec(plain)?.[0].slice(0, -1) ?? plain
  return sentence.length <= LONGEST_WHAT ? sentence : `${sentence.slice(0, LONGEST_WHAT - 1)}…`
}

async function toldPlace({ file, line, column }: WorkerFailure): Promise<Place | undefined> {
  return file === undefined || line === undefined ? undefined : await placeIn(file, column === undefined ? { line } : { line, column })
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
