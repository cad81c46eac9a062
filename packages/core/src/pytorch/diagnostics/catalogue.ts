import type { Entry } from './entry.ts'
import { NAMES } from './names.ts'

/** Every error that is explained, special ones before general ones: the first entry that matches is it. */
export const CATALOGUE: readonly Entry[] = [...NAMES]

/** The entry of a message, and what its pattern found in it. `text` is the message without its places. */
export function recognize(text: string, entries: readonly Entry[] = CATALOGUE): { entry: Entry; groups: Record<string, string> } | undefined {
  for (const entry of entries) {
    const match = entry.pattern.exec(text)
    if (match !== null) return { entry, groups: Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, value ?? ''])) }
  }
  return undefined
}
