import { join } from 'node:path'
import { LAYOUT } from './key.ts'

/** The folders of a store. */
export interface StoreFolders {
  readonly actions: string
  readonly conversions: string
  readonly content: string
  readonly memo: string
  readonly locks: string
  readonly holds: string
  readonly temporary: string
}

/** The folders of the store in `dir`, for this layout. */
export function storeFolders(dir: string): StoreFolders {
  const base = join(dir, LAYOUT)
  return {
    actions: join(base, 'actions'), conversions: join(base, 'conversions'), content: join(base, 'content'),
    memo: join(base, 'memo'), locks: join(base, 'locks'), holds: join(base, 'holds'), temporary: join(base, 'tmp'),
  }
}

/** What a record or a stored file is called. */
export const DIGEST: RegExp = /^[\da-f]{64}$/

/** Where something lies in a folder of records or contents: `4f/4f…`. */
export const placeOf = (digest: string): string => join(digest.slice(0, 2), digest)
