import { type Entry, fill } from './entry.ts'
import { FEATURES } from './features.ts'
import { FLOW } from './flow.ts'
import type { Message } from './message.ts'
import { MODULES } from './modules.ts'
import { NAMES } from './names.ts'
import { TRACING } from './tracing.ts'
import { TYPES } from './types.ts'

/** Every error that is explained, special ones before general ones: the first entry that matches is it. */
export const CATALOGUE: readonly Entry[] = [...MODULES, ...FEATURES, ...NAMES, ...TYPES, ...FLOW, ...TRACING]

/** An entry that matches a message, and what its patterns found in it. */
export interface Match {
  readonly entry: Entry
  readonly groups: Readonly<Record<string, string>>
  /** Where in the message the pattern's match starts and ends. */
  readonly span: readonly [number, number]
}

/** Of a line of code, what patterns are tried on. */
const LONGEST_CODE = 300

/** All entries that match a message, the one that explains it first. */
export function recognize({ text, places: [place] }: Message): Match[] {
  const where = place === undefined ? '' : `${place.file}: ${place.shown.trim().slice(0, LONGEST_CODE)}`
  return CATALOGUE.flatMap((entry) => {
    const said = entry.pattern.exec(text)
    const at = entry.place?.exec(where)
    if (said === null || at === null) return []
    const groups = Object.entries({ ...said.groups, ...at?.groups }).flatMap(([name, value]) => value === undefined ? [] : [[name, value] as const])
    return [{ entry, groups: Object.fromEntries(groups), span: [said.index, said.index + said[0].length] }]
  })
}

/** What finds the line in the project's file where PyTorch names none in it; undefined where nothing does. */
export function finder({ entry, groups }: Match): RegExp | undefined {
  if (entry.find === undefined) return undefined
  const escaped = Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, value.replaceAll(/[^\w]/g, String.raw`\$&`)]))
  const pattern = fill(entry.find, escaped)
  return /\{[a-z]/.test(pattern) ? undefined : new RegExp(pattern)
}
