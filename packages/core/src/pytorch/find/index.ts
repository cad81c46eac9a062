import { type Candidate, candidates, type FindOptions, type Place } from './candidates.ts'
import type { Memo } from './memo.ts'
import { type Probe, probe, type Silence } from './probe.ts'
import { supportProblem } from './support.ts'

export { type Candidate, foldersUpwards, pythonIn } from './candidates.ts'
export { createMemo, type Memo } from './memo.ts'
export { packageVersions } from './packages.ts'
export type { Probe } from './probe.ts'
export { noPyTorch, supportProblem, unsupportedPyTorch } from './support.ts'

/** One Python that was looked at. */
export interface Look {
  readonly candidate: Candidate
  readonly answer: Probe | Silence
}

/** A Python whose PyTorch can convert. */
export interface Found {
  readonly candidate: Candidate
  readonly probe: Probe & { readonly torch: string }
}

/** What a search gave: the first Python that can convert, and all that were looked at until then. */
export interface Search {
  readonly found: Found | undefined
  readonly looks: readonly Look[]
}

export const isProbe = (answer: Probe | Silence): answer is Probe => 'python' in answer

export function hasTorch(answer: Probe | Silence): answer is Probe & { readonly torch: string } {
  return isProbe(answer) && answer.torch !== undefined
}

/** Looks at one Python, or remembers what it said. */
export async function look(candidate: Candidate, place: Place, memo: Memo): Promise<Look> {
  const remembered = memo.read(candidate, place)
  if (remembered !== undefined) return { candidate, answer: remembered }
  const answer = await probe(candidate, place)
  if (isProbe(answer)) memo.write(candidate, place, answer)
  return { candidate, answer }
}

/**
 * The first Python with a PyTorch that can convert, and what was looked at until then. Costs a few `stat` calls when all of it is
 * remembered. Never throws: what is wrong with a Python is part of the answer.
 */
export async function findPyTorch(options: FindOptions, memo: Memo): Promise<Search> {
  const looks: Look[] = []
  for (const candidate of candidates(options)) {
    const one = await look(candidate, options, memo)
    looks.push(one)
    const { answer } = one
    if (hasTorch(answer) && supportProblem(answer) === undefined) return { found: { candidate, probe: answer }, looks }
  }
  return { found: undefined, looks }
}

/** Looks at every Python, for `petal doctor`. */
export function lookAtAll(options: FindOptions, memo: Memo): Promise<Look[]> {
  return Promise.all(candidates(options).map((candidate) => look(candidate, options, memo)))
}
