import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuiltArtifact, BuiltFacts } from '../facts.ts'
import { type ActionRecord, createActionStore } from './actions.ts'
import { createContentStore } from './content.ts'
import { type ConversionRecord, type StoreConversionRequest, createConversionStore } from './conversions.ts'
import { createDigestMemo, type FileDigest } from './digest.ts'
import { writeFailure } from './failure.ts'
import { actionKey, type ActionKeyParts, LAYOUT } from './key.ts'
import { type StoreLocation, storeDirectory } from './location.ts'
import { acquireLock, LOCK_TIMING, type LockTiming } from './lock.ts'
import { toolIdentity } from './tool.ts'
import { temporaryName } from './write.ts'

/** Temporary files older than this belong to nobody who is still alive. */
const TEMPORARY_AGE_MS = 24 * 60 * 60 * 1000

/** What a store did since it was created. */
export interface StoreStats {
  /** Requests answered without compiling for them. */
  readonly hits: number
  /** Requests that had to be compiled. With `hits`, all requests; less `computed`, those that failed. */
  readonly misses: number
  /** Files compiled by this process. */
  readonly computed: number
  /** Python sources converted by this process. */
  readonly converted: number
  /** Bytes of compiled files written. */
  readonly bytesWritten: number
  /** Bytes of models and stored files read to know their digest. */
  readonly bytesHashed: number
}

/** A compiled file in the store. */
export interface Stored {
  /** Absolute path, `…/net.ptl`. The file never changes. */
  readonly file: string
  readonly sha256: string
  readonly bytes: number
  /** What its record is stored under. */
  readonly key: string
  readonly facts: BuiltFacts
  readonly warnings: readonly string[]
  readonly fromCache: boolean
}

/** A converted source in the store. */
export interface StoredConversion extends ConversionRecord {
  /** Absolute path of the TorchScript archive. It never changes. */
  readonly file: string
  readonly fromCache: boolean
}

/** What only the caller can do for a conversion. */
export interface ConversionSteps {
  /** Where the source lies: equal files in two places may import other ones. */
  readonly path: string
  /** Whether an earlier answer still holds: its dependencies are as they were, and so on. */
  accept(record: ConversionRecord): Promise<boolean>
  /** Converts, into a new file at `output`. */
  produce(output: string): Promise<Omit<ConversionRecord, 'output'>>
}

/** What is asked of a store: these bytes, compiled so, under this name. */
export interface StoreRequest {
  readonly source: FileDigest
  /** The canonical request. */
  readonly request: string
  /** Name of the stored file: `net.ptl`. */
  readonly name: string
}

/** A content-addressed store of compiled models: what was computed once is never computed again. */
export interface Store {
  /** Its folder, without the layout's version. */
  readonly dir: string
  readonly stats: StoreStats
  /** Digest and size of a file; read only if it changed since the last time. Rejects with the file system's error. */
  digest(file: string): Promise<FileDigest>
  /** The same if it is known without reading the file. */
  knownDigest(file: string): Promise<FileDigest | undefined>
  /** The stored answer, or undefined. */
  find(wanted: StoreRequest): Promise<Stored | undefined>
  /** The stored answer; `produce` makes it when there is none, once for all who ask at the same time, in this process or another. */
  resolve(wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Stored>
  /** The stored answer for a source that is to be converted, or undefined. */
  findConversion(wanted: StoreConversionRequest, accept: ConversionSteps['accept']): Promise<StoredConversion | undefined>
  /** The stored answer; made when there is none, once for all who ask at the same time. */
  resolveConversion(wanted: StoreConversionRequest, steps: ConversionSteps): Promise<StoredConversion>
}

/** Where a store is and whose results it holds. */
export interface StoreOptions extends StoreLocation {
  /** Names the compiling code; a hash of the running code when left out. Another tool never sees this one's results. */
  tool?: string
  /** How long to wait for other processes, in milliseconds. */
  locks?: LockTiming
}

/** Opens a store. Nothing is created on disk before there is something to write. */
export function createStore(options: StoreOptions = {}): Store {
  const dir = storeDirectory(options)
  const base = join(dir, LAYOUT)
  const folders = {
    actions: join(base, 'actions'), conversions: join(base, 'conversions'), content: join(base, 'content'), memo: join(base, 'memo'), locks: join(base, 'locks'),
    temporary: join(base, 'tmp'),
  }
  const stats = { hits: 0, misses: 0, computed: 0, converted: 0, bytesWritten: 0, bytesHashed: 0 }
  const memo = createDigestMemo(folders.memo, folders.temporary, (bytes) => { stats.bytesHashed += bytes })
  const actions = createActionStore(folders.actions, folders.temporary)
  const content = createContentStore(folders.content, folders.temporary, memo)
  const conversions = createConversionStore(folders.conversions, folders.temporary, () => options.tool ?? toolIdentity())
  const converting = new Map<string, Promise<StoredConversion>>()
  /** Computations under way in this process, by key: the first to ask starts one, the others wait for it. */
  const running = new Map<string, Promise<Outcome>>()
  let swept: Promise<void> | undefined

  const partsOf = (wanted: StoreRequest): ActionKeyParts =>
    ({ tool: options.tool ?? toolIdentity(), source: wanted.source.sha256, request: wanted.request })
  const keyOf = (wanted: StoreRequest): string => actionKey(partsOf(wanted))

  /** Every time, as somebody may have deleted the cache while a dev server runs. */
  const prepare = async (): Promise<void> => {
    for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true })
    await (swept ??= sweep(folders.temporary))
  }

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw writeFailure(error, dir, 'Free or unlock that folder, or set PETAL_CACHE_DIR to one that can be written.')
    }
  }

  const lookUp = async (wanted: StoreRequest): Promise<Stored | undefined> => {
    const record = await actions.read(keyOf(wanted))
    const file = record && await content.find(record.output, wanted.name)
    return file === undefined ? undefined : storedAs(record!, file, true)
  }

  const compute = async (wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Outcome> => {
    stats.misses++
    const artifact = await produce()
    const output = await content.put(artifact.stream())
    if (output.bytes !== artifact.size) throw new Error(`an artifact of ${artifact.size} bytes streamed ${output.bytes}`)
    stats.computed++
    stats.bytesWritten += output.bytes
    const record: ActionRecord = {
      parts: partsOf(wanted), source: wanted.source, output, facts: artifact.facts, warnings: artifact.warnings,
    }
    await actions.write(keyOf(wanted), record)
    return { record, computed: true }
  }

  /** Computes under the lock of the key, or finds that another process just has. */
  const computeOnce = async (wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Outcome> => {
    await prepare()
    const key = keyOf(wanted)
    const finished = async (): Promise<boolean> => await actions.read(key) !== undefined
    const release = await acquireLock(join(folders.locks, key), finished, options.locks ?? LOCK_TIMING)
    try {
      const record = await actions.read(key)
      const usable = record !== undefined && await content.find(record.output, wanted.name) !== undefined
      return usable ? { record, computed: false } : await compute(wanted, produce)
    } finally {
      await release?.()
    }
  }

  const findConversion: Store['findConversion'] = async (wanted, accept) => {
    for (const record of await conversions.read(conversions.key(wanted))) {
      if (!await accept(record)) continue
      const file = await content.blob(record.output)
      if (file !== undefined) return { ...record, file, fromCache: true }
    }
    return undefined
  }

  const convertOnce = async (wanted: StoreConversionRequest, { accept, produce }: ConversionSteps): Promise<StoredConversion> => {
    await prepare()
    const key = conversions.key(wanted)
    const finished = async (): Promise<boolean> => await findConversion(wanted, accept) !== undefined
    const release = await acquireLock(join(folders.locks, key), finished, options.locks ?? LOCK_TIMING)
    const temporary = join(folders.temporary, temporaryName())
    try {
      const found = await findConversion(wanted, accept)
      if (found) return found
      const answer = await produce(temporary)
      const output = await content.put(createReadStream(temporary))
      stats.converted++
      const record = { ...answer, output }
      await conversions.add(key, record)
      return { ...record, file: (await content.blob(output))!, fromCache: false }
    } finally {
      await rm(temporary, { force: true })
      await release?.()
    }
  }

  return {
    dir,
    stats,
    findConversion: (wanted, accept) => guarded(() => findConversion(wanted, accept)),
    resolveConversion: (wanted, steps) => guarded(async () => {
      const key = `${conversions.key(wanted)}\0${steps.path}`
      const run = converting.get(key) ?? convertOnce(wanted, steps).finally(() => converting.delete(key))
      converting.set(key, run)
      return await run
    }),
    digest: (file) => memo.of(file),
    knownDigest: (file) => memo.known(file),
    find: (wanted) => guarded(async () => {
      const found = await lookUp(wanted)
      if (found) stats.hits++
      return found
    }),
    resolve: (wanted, produce) => guarded(async () => {
      const found = await lookUp(wanted)
      if (found) {
        stats.hits++
        return found
      }
      const key = keyOf(wanted)
      const others = running.get(key)
      const run = others ?? computeOnce(wanted, produce).finally(() => running.delete(key))
      running.set(key, run)
      const { record, computed } = await run
      const fromCache = others !== undefined || !computed
      if (fromCache) stats.hits++
      const file = await content.find(record.output, wanted.name)
      if (file === undefined) throw new Error('a file just stored cannot be read back')
      return storedAs(record, file, fromCache)
    }),
  }
}

interface Outcome {
  readonly record: ActionRecord
  /** False when another process had computed it meanwhile. */
  readonly computed: boolean
}

function storedAs(record: ActionRecord, file: string, fromCache: boolean): Stored {
  const { output: { sha256, bytes }, parts, facts, warnings } = record
  return { file, sha256, bytes, key: actionKey(parts), facts, warnings, fromCache }
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const stats = await stat(path).catch(() => undefined)
    if (stats && Date.now() - stats.mtimeMs > TEMPORARY_AGE_MS) await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}
