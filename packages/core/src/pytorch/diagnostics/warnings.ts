import type { RawWarning } from '../protocol.ts'
import type { Warning } from '../engine.ts'
import { locate, placeIn } from './project.ts'

/** The warning that a user sees: a trace's in plain words, others as they are. */
export async function explainWarning(raw: RawWarning): Promise<Warning> {
  const place = raw.file === undefined || raw.line === undefined ? undefined : await placeIn(raw.file, { line: raw.line })
  const message = `${raw.category}: ${raw.message}`
  return { message, ...place === undefined ? {} : { location: locate(place) } }
}
