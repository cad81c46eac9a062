import { createDigestMemo } from './digest.ts'
import { createEngine, type Engine } from './engine.ts'
import { writeFailure } from './failure.ts'
import { storeFolders } from './layout.ts'
import { storeLimits } from './limits.ts'
import { storeDirectory } from './location.ts'
import { isWritable, overlayDirectory } from './overlay.ts'
import { tidy } from './prune.ts'
import { toolIdentity } from './tool.ts'
import type { Store, StoreOptions } from './types.ts'

/**
 * Opens a store. Nothing is created in its folder before there is something to write. Throws a PetalError (BAD_VALUE) for limits that
 * cannot be understood.
 */
export function createStore(options: StoreOptions = {}): Store {
  const env = options.env ?? process.env
  const dir = storeDirectory(options)
  const limits = storeLimits(options, env)
  const readonly = options.readonly ?? (isSet(env['PETAL_CACHE_READONLY']) || !isWritable(dir))
  /** Where something is written. */
  const place = readonly ? overlayDirectory(dir) : dir
  const stats = { hits: 0, misses: 0, computed: 0, converted: 0, bytesWritten: 0, bytesHashed: 0 }
  const { memo: folder, temporary } = storeFolders(place)
  const folders = { memo: folder, temporary, others: readonly ? [storeFolders(dir).memo] : [] }
  const memo = createDigestMemo(folders, (bytes) => { stats.bytesHashed += bytes })
  const open = (dir: string, readonly: boolean): Engine =>
    createEngine({ dir, readonly, memo, stats, locks: options.locks, tool: () => options.tool ?? toolIdentity(folder) })
  const writable = open(place, false)
  const shelf = readonly ? open(dir, true) : undefined
  let isNoted = false

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw writeFailure(error, place, 'Free or unlock that folder, or set PETAL_CACHE_DIR to one that can be written.')
    }
  }

  const noteOnce = (): void => {
    if (!shelf || isNoted) return
    isNoted = true
    options.note?.(`the cache ${dir} is only read; what is missing there is kept in ${place}`)
  }

  const find: Store['find'] = async (wanted) => {
    const found = await shelf?.find(wanted) ?? await writable.find(wanted)
    if (found) stats.hits++
    return found
  }

  return {
    dir,
    readonly,
    stats,
    digest: (file) => memo.of(file),
    knownDigest: (file) => memo.known(file),
    find: (wanted) => guarded(() => find(wanted)),
    resolve: (wanted, produce) => guarded(async () => {
      const found = shelf && await find(wanted)
      if (found) return found
      noteOnce()
      // One that is there under another name needs no compile.
      return await writable.resolve(wanted, async () => await shelf?.artifact(wanted) ?? await produce())
    }),
    findConversion: (wanted, accept) => guarded(async () =>
      await shelf?.findConversion(wanted, accept) ?? await writable.findConversion(wanted, accept)),
    resolveConversion: (wanted, steps) => guarded(async () => {
      const found = await shelf?.findConversion(wanted, steps.accept)
      if (found) return found
      noteOnce()
      return await writable.resolveConversion(wanted, steps)
    }),
    tidy: () => tidy(place, limits, writable.own).catch(() => {}),
  }
}

const isSet = (value: string | undefined): boolean => value !== undefined && !['', '0', 'false'].includes(value)
