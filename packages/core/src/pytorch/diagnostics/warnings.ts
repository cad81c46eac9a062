import type { Warning } from '../engine.ts'
import type { RawWarning } from '../protocol.ts'
import { fill } from './entry.ts'
import { locate, placeIn } from './project.ts'

/** One kind of warning that a trace gives. */
export interface TraceWarning {
  readonly id: string
  /** Matched against the warning's text. Its named groups go into the message. */
  readonly pattern: RegExp
  /** What it means for the model, one sentence. */
  readonly meaning: string
  /** What to do. */
  readonly fix: string
}

const SCRIPT = 'Use convert=script for the whole model, or script= with the name of the submodule that has this line.'

/** Warnings of `torch.jit.trace`, special ones first. */
export const TRACE_WARNINGS: readonly TraceWarning[] = [
  {
    id: 'boolean',
    pattern: /Converting a tensor to a Python boolean/,
    meaning: 'Here the model decides by the values of a tensor, and the trace keeps the decision that the example input led to: for other inputs it may be the wrong one.',
    fix: `${SCRIPT} An assert can be left out instead.`,
  },
  {
    id: 'numpy',
    pattern: /Converting a tensor to a NumPy array|torch\.from_numpy results are registered as constants/,
    meaning: 'Here NumPy computes, which a trace does not see: what came out for the example input is used for every input.',
    fix: 'Compute it with `torch`.',
  },
  {
    id: 'number',
    pattern: /Converting a tensor to a Python (?<type>integer|float|number|index|complex)/,
    meaning: 'Here a tensor becomes a Python number, and the trace keeps the number that the example input gave: other inputs, also of other sizes, are computed with it.',
    fix: `Compute with the tensor itself where that is possible. Else: ${SCRIPT[0]!.toLowerCase()}${SCRIPT.slice(1)}`,
  },
  {
    id: 'list',
    pattern: /Converting a tensor to a Python list/,
    meaning: 'Here a tensor becomes a Python list, and the trace keeps the values that the example input gave.',
    fix: `Compute with the tensor itself where that is possible. Else: ${SCRIPT[0]!.toLowerCase()}${SCRIPT.slice(1)}`,
  },
  {
    id: 'len',
    pattern: /Using len to get tensor shape/,
    meaning: 'Here `len` of a tensor is taken, and the trace keeps the example input\'s: inputs of other sizes are computed with it.',
    fix: 'Write `x.shape[0]` in place of `len(x)`.',
  },
  {
    id: 'iteration',
    pattern: /Iterating over a tensor/,
    meaning: 'Here a loop goes over a tensor, and the trace repeats it as often as the example input made it: with more rows the rest is left out, with fewer it fails.',
    fix: SCRIPT,
  },
  {
    id: 'constant',
    pattern: /(?<name>torch\.\w+) results are registered as constants/,
    meaning: 'Here `{name}` makes a constant of the trace: its value is the same for all inputs, also where it was computed from one.',
    fix: 'Nothing is wrong if it depends on no input; make it in the constructor then. Else compute it from the tensors with `torch.stack` or `x.new_full`.',
  },
  {
    id: 'in-place',
    pattern: /There are (?<count>\d+) live references to the data region being modified when tracing in-place operator (?<name>\w+)/,
    meaning: 'Here `{name}` changes a tensor that other variables see too, and the trace does not show them the change.',
    fix: 'Make a new tensor: `x = x.clone()` before an assignment to a part of it, or `torch.where`, or an operation without `_` at the end of its name.',
  },
  {
    id: 'output',
    pattern: /Output nr (?<count>\d+)\. of the traced function does not match/,
    meaning: 'The trace does not give what the model gives, not even for the example input: output {count} is another one.',
    fix: `The model draws random numbers, keeps a state, or decides by values. ${SCRIPT}`,
  },
  {
    id: 'random',
    pattern: /Trace had nondeterministic nodes/,
    meaning: 'The model draws random numbers while it runs, so no two runs are alike.',
    fix: 'Nothing is wrong if that is meant; else take it out of forward, or do it in training only: `if self.training:`.',
  },
  {
    id: 'container',
    pattern: /Encountering a (?<type>\w+) at the output of the tracer/,
    meaning: 'The model returns a {type}, and the trace will return one with the entries that the example input gave.',
    fix: 'Nothing is wrong if the entries are always the same; a tuple says so.',
  },
]

/**
 * The warning that a user sees: of a trace, what it means for the model and what to do; of others the text as it is.
 * Never throws; the place is left out where the file cannot be read.
 */
export async function explainWarning(raw: RawWarning): Promise<Warning> {
  const place = raw.file === undefined || raw.line === undefined ? undefined : await placeIn(raw.file, { line: raw.line })
  return { message: message(raw), ...place === undefined ? {} : { location: locate(place) } }
}

function message({ category, message }: RawWarning): string {
  for (const { pattern, meaning, fix } of category === 'TracerWarning' ? TRACE_WARNINGS : []) {
    const groups = pattern.exec(message)
    if (groups !== null) return `TracerWarning: the trace may be wrong for other inputs. ${fill(`${meaning} ${fix}`, groups.groups ?? {})}`
  }
  return `${category}: ${brief(message)}`
}

const LONGEST_MESSAGE = 500

/** Without the internals that PyTorch's warnings end with: `(Triggered internally at ../aten/…)`. */
function brief(text: string): string {
  const plain = text.replace(/\s*\(Triggered internally at .*\)/, '').trim()
  return plain.length <= LONGEST_MESSAGE ? plain : `${plain.slice(0, LONGEST_MESSAGE - 1)}…`
}
