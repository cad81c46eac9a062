import { createHash } from 'node:crypto'

/** Bumped when files in the store change their meaning. A new layout is a new folder; nothing is migrated. */
export const LAYOUT = 'v1'

/** Everything a compiled file depends on, and nothing else: no path, no order, no bundler, no time, no environment. */
export interface ActionKeyParts {
  /** Which code compiles. */
  readonly tool: string
  /** SHA-256 of the model file. */
  readonly source: string
  /** The canonical request. */
  readonly request: string
}

/** The key's text: JSON with its fields in one fixed order. */
export function actionKey(parts: ActionKeyParts): string {
  const text = JSON.stringify([LAYOUT, ['request', parts.request], ['source', parts.source], ['tool', parts.tool]])
  return createHash('sha256').update(text).digest('hex')
}
