import { createHash } from 'node:crypto'
import { LAYOUT } from './key.ts'

/** What the key of a whole store depends on. */
export interface CacheKeyParts {
  /** Which code compiles; see `toolIdentity`. */
  readonly tool: string
  /** SHA-256 of each model that is imported; order and repetition do not matter. */
  readonly models: readonly string[]
}

/**
 * One line for the cache of a build service: `petal-v1-<tool>-<models>`. The same models and the same tool give the same key on every
 * machine; what stands before the last hyphen finds the newest store of the same tool, all of whose unchanged models are hits.
 */
export function cacheKey({ tool, models }: CacheKeyParts): string {
  return ['petal', LAYOUT, digest(tool), digest([...new Set(models)].toSorted().join('\n'))].join('-')
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
