import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changed } from '../lockfile/index.ts'
import type { ActionRecord } from '../store/actions.ts'
import { type ActionKeyParts, LAYOUT } from '../store/key.ts'

/** A result that was asked for and is not there. */
export interface Missing {
  readonly parts: ActionKeyParts
  /** What its file would be called: `net.ptl`. */
  readonly name: string
}

type Record = Pick<ActionRecord, 'parts' | 'output'>

/** How near a record is to what is missing: the same model is nearer than the same name, that is nearer than the rest. */
function nearness({ parts }: Record, { parts: wanted }: Missing, isNamesake: boolean): number {
  return (parts.source === wanted.source ? 8 : 0) + (isNamesake ? 4 : 0) + (parts.request === wanted.request ? 2 : 0) + (parts.tool === wanted.tool ? 1 : 0)
}

/** Below it a record is of another model. */
const NEAR = 4

/**
 * What the nearest stored record differs in, a sentence. Reads all records, which only a build does that is about to fail.
 * @param dir is the store's folder.
 */
export async function nearestDifference(dir: string, missing: Missing): Promise<string> {
  const records = await readRecords(join(dir, LAYOUT, 'actions'))
  if (records.length === 0) return `The store ${dir} is empty: was it restored?`
  let best: { record: Record; near: number } | undefined
  for (const record of records) {
    const { sha256 } = record.output
    const names = await readdir(join(dir, LAYOUT, 'content', sha256.slice(0, 2), sha256)).catch((): string[] => [])
    const near = nearness(record, missing, names.includes(missing.name))
    if (near >= NEAR && near > (best?.near ?? 0)) best = { record, near }
  }
  if (!best) return `The store ${dir} has ${records.length === 1 ? 'one record' : `${records.length} records`}, none of this model.`
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

async function readRecords(folder: string): Promise<Record[]> {
  const files = await readdir(folder, { recursive: true, encoding: 'utf8' }).catch((): string[] => [])
  const records = await Promise.all(files.filter((file) => file.endsWith('.json')).toSorted().map(async (file): Promise<Record[]> => {
    try {
      const { value } = JSON.parse(await readFile(join(folder, file), 'utf8')) as { value: Record }
      const { parts, output } = value
      return [parts.source, parts.request, parts.tool, output.sha256].every((part) => typeof part === 'string') ? [{ parts, output }] : []
    } catch {
      return []
    }
  }))
  return records.flat()
}
