import { changed } from '../lockfile/index.ts'
import type { ActionRecord } from '../store/actions.ts'
import { readInventory } from '../store/inventory.ts'
import type { ActionKeyParts } from '../store/key.ts'

/** A result that was asked for and is not there. */
export interface Missing {
  readonly parts: ActionKeyParts
  /** What its file would be called: `net.ptl`. */
  readonly name: string
}

/** How near a record is to what is missing: the same model is nearer than the same name, that is nearer than the rest. */
function nearness({ parts }: ActionRecord, { parts: wanted }: Missing, isNamesake: boolean): number {
  const weights: readonly (readonly [boolean, number])[] =
    [[parts.source === wanted.source, 8], [isNamesake, 4], [parts.request === wanted.request, 2], [parts.tool === wanted.tool, 1]]
  return weights.reduce((sum, [holds, weight]) => sum + (holds ? weight : 0), 0)
}

/** Below it a record is of another model. */
const NEAR = 4

/**
 * What the nearest stored record differs in, a sentence. Reads all records, which only a build does that is about to fail.
 * @param dir is the store's folder.
 */
export async function nearestDifference(dir: string, missing: Missing): Promise<string> {
  const { records, contents } = await readInventory(dir)
  const actions = records.filter(({ kind }) => kind === 'action').map(({ value }) => value as ActionRecord)
  if (actions.length === 0) return `The store ${dir} is empty: was it restored?`
  const namesakes = new Set(contents.filter(({ names }) => names.includes(missing.name)).map(({ sha256 }) => sha256))
  let best: { record: ActionRecord; near: number } | undefined
  for (const record of actions) {
    const near = nearness(record, missing, namesakes.has(record.output.sha256))
    if (near >= NEAR && near > (best?.near ?? 0)) best = { record, near }
  }
  if (!best) return `The store ${dir} has ${actions.length === 1 ? 'one record' : `${actions.length} records`}, none of this model.`
  const differences = partDifferences(best.record.parts, missing.parts)
  if (differences.length === 0) return 'Its record is in the store, but its file is damaged or gone.'
  return `The nearest record in the store differs: ${differences.join('; ')}.`
}

/** What of a key changed, in words. */
export function partDifferences(before: ActionKeyParts, now: ActionKeyParts): string[] {
  return [
    ...before.source === now.source ? [] : [`the model's bytes changed (${changed(before.source, now.source)})`],
    ...directiveDifferences(before.request, now.request),
    ...before.tool === now.tool ? [] : [`it was made by another version of petal (${changed(before.tool, now.tool)})`],
  ]
}

function directiveDifferences(before: string, now: string): string[] {
  const [was, is] = [directivesOf(before), directivesOf(now)]
  return [...new Set([...was.keys(), ...is.keys()])].toSorted().filter((name) => was.get(name) !== is.get(name))
    .map((name) => `the directive "${name}" changed (${was.get(name) ?? 'none'} -> ${is.get(name) ?? 'none'})`)
}

function directivesOf(request: string): Map<string, string> {
  return new Map(request.split('&').filter(Boolean).map((piece) => {
    const [name = '', ...value] = piece.split('=')
    return [name, value.join('=')]
  }))
}
