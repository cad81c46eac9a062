import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuiltArtifact } from '../facts.ts'
import { type ActionRecord, createActionStore } from './actions.ts'
import { createContentStore } from './content.ts'
import { createConversionStore, type StoreConversionRequest } from './conversions.ts'
import type { DigestMemo } from './digest.ts'
import { createHolds } from './holds.ts'
import { actionKey, type ActionKeyParts } from './key.ts'
import { storeFolders } from './layout.ts'
import { acquireLock, LOCK_TIMING, type LockTiming } from './lock.ts'
import type { ConversionSteps, Stored, StoredConversion, StoreRequest, StoreStats } from './types.ts'
import { temporaryName } from './write.ts'

/** Temporary files older than this belong to nobody who is still alive. */
const TEMPORARY_AGE_MS = 24 * 60 * 60 * 1000

/** How often an answer is made again that somebody else removes at that very moment. */
const ATTEMPTS = 3

/** One folder of results: what is in it, and how something gets there. */
export interface Engine {
  /** Digests of the files that were handed out. */
  readonly own: ReadonlySet<string>
  find(wanted: StoreRequest): Promise<Stored | undefined>
  /** The stored answer as if it was compiled just now, whatever name it has here. */
  artifact(wanted: StoreRequest): Promise<BuiltArtifact | undefined>
  resolve(wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Stored>
  findConversion(wanted: StoreConversionRequest, accept: ConversionSteps['accept']): Promise<StoredConversion | undefined>
  resolveConversion(wanted: StoreConversionRequest, steps: ConversionSteps): Promise<StoredConversion>
}

/** What an engine is given. */
export interface EngineOptions {
  readonly dir: string
  readonly tool: () => string
  readonly memo: DigestMemo
  readonly locks?: LockTiming | undefined
  /** Nothing is written; only what finds something may be called. */
  readonly readonly: boolean
  /** Counts what is done, shared by all engines of a store. */
  readonly stats: { -readonly [name in keyof StoreStats]: StoreStats[name] }
}

/** Opens a folder of results. Nothing is created on disk before there is something to write. */
export function createEngine({ dir, tool, memo, locks = LOCK_TIMING, readonly, stats }: EngineOptions): Engine {
  const folders = storeFolders(dir)
  const actions = createActionStore(folders.actions, folders.temporary)
  const content = createContentStore(folders.content, folders.temporary, memo, readonly)
  const conversions = createConversionStore(folders.conversions, folders.temporary, tool)
  const holds = createHolds(folders.holds)
  const converting = new Map<string, Promise<StoredConversion>>()
  /** Computations under way in this process, by key: the first to ask starts one, the others wait for it. */
  const running = new Map<string, Promise<Outcome>>()
  let swept: Promise<void> | undefined

  const partsOf = (wanted: StoreRequest): ActionKeyParts => ({ tool: tool(), source: wanted.source.sha256, request: wanted.request })
  const keyOf = (wanted: StoreRequest): string => actionKey(partsOf(wanted))

  /** Every time, as somebody may have deleted the cache while a dev server runs. */
  const prepare = async (): Promise<void> => {
    for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true })
    await (swept ??= sweep([folders.temporary, folders.locks]))
  }

  /** The file of an answer, which nobody prunes from now on. */
  const handOut = async (record: ActionRecord, name: string): Promise<string | undefined> => {
    if (!readonly) await holds.add(record.output.sha256)
    return await content.find(record.output, name)
  }

  const lookUp = async (wanted: StoreRequest): Promise<Stored | undefined> => {
    const key = keyOf(wanted)
    const record = await actions.read(key)
    if (record === undefined) return undefined
    if (!readonly) await actions.touch(key)
    const file = await handOut(record, wanted.name)
    return file === undefined ? undefined : storedAs(record, file, true)
  }

  const compute = async (wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Outcome> => {
    const artifact = await produce()
    const output = await content.put(artifact.stream())
    if (output.bytes !== artifact.size) throw new Error(`an artifact of ${artifact.size} bytes streamed ${output.bytes}`)
    stats.computed++
    stats.bytesWritten += output.bytes
    const { facts, warnings } = artifact
    const record: ActionRecord = { parts: partsOf(wanted), source: wanted.source, output, facts, warnings }
    await actions.write(keyOf(wanted), record)
    return { record, computed: true }
  }

  /** Computes under the lock of the key, or finds that another process just has. */
  const computeOnce = async (wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Outcome> => {
    await prepare()
    const key = keyOf(wanted)
    const usable = async (): Promise<ActionRecord | undefined> => {
      const record = await actions.read(key)
      return record !== undefined && await content.find(record.output, wanted.name) !== undefined ? record : undefined
    }
    const release = await acquireLock(join(folders.locks, key), async () => await usable() !== undefined, locks)
    try {
      const record = await usable()
      return record ? { record, computed: false } : await compute(wanted, produce)
    } finally {
      await release?.()
    }
  }

  const resolve = async (wanted: StoreRequest, produce: () => Promise<BuiltArtifact>): Promise<Stored> => {
    const found = await lookUp(wanted)
    if (found) {
      stats.hits++
      return found
    }
    const key = keyOf(wanted)
    const others = running.get(key)
    const run = others ?? computeOnce(wanted, async () => {
      stats.misses++
      return await produce()
    }).finally(() => running.delete(key))
    running.set(key, run)
    const { record, computed } = await run
    const fromCache = others !== undefined || !computed
    if (fromCache) stats.hits++
    const file = await handOut(record, wanted.name)
    if (file !== undefined) return storedAs(record, file, fromCache)
    throw new Vanished()
  }

  const findConversion: Engine['findConversion'] = async (wanted, accept) => {
    for (const record of await conversions.read(wanted)) {
      if (!await accept(record)) continue
      const file = await content.blob(record.output)
      if (file === undefined) continue
      if (!readonly) await conversions.touch(wanted)
      return { ...record, file, fromCache: true }
    }
    return undefined
  }

  const convertOnce = async (wanted: StoreConversionRequest, { accept, produce }: ConversionSteps): Promise<StoredConversion> => {
    await prepare()
    const finished = async (): Promise<boolean> => await findConversion(wanted, accept) !== undefined
    const release = await acquireLock(join(folders.locks, conversions.key(wanted)), finished, locks)
    const temporary = join(folders.temporary, temporaryName())
    try {
      const found = await findConversion(wanted, accept)
      if (found) return found
      const answer = await produce(temporary)
      const output = await content.put(createReadStream(temporary))
      stats.converted++
      const record = { ...answer, output }
      await conversions.add(wanted, record)
      const file = await content.blob(output)
      if (file !== undefined) return { ...record, file, fromCache: false }
      throw new Vanished()
    } finally {
      await rm(temporary, { force: true })
      await release?.()
    }
  }

  return {
    own: holds.own,
    findConversion,
    resolveConversion: async (wanted, steps) => {
      const key = `${conversions.key(wanted)}\0${steps.path}`
      const run = converting.get(key) ?? persistently(() => convertOnce(wanted, steps)).finally(() => converting.delete(key))
      converting.set(key, run)
      return await run
    },
    find: lookUp,
    async artifact(wanted) {
      const record = await actions.read(keyOf(wanted))
      const blob = record && await content.blob(record.output)
      if (blob === undefined) return undefined
      const { facts, warnings, output } = record!
      return { facts, warnings, size: output.bytes, stream: () => pieces(blob) }
    },
    resolve: (wanted, produce) => persistently(() => resolve(wanted, produce)),
  }
}

interface Outcome {
  readonly record: ActionRecord
  /** False when another process had computed it meanwhile. */
  readonly computed: boolean
}

/** What was just stored is gone: somebody deletes the store, or damages it. */
class Vanished extends Error {
  constructor() {
    super('a file just stored cannot be read back')
  }
}

async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Vanished) || attempt === ATTEMPTS) throw error
    }
  }
}

async function* pieces(file: string): AsyncIterable<Uint8Array> {
  yield* createReadStream(file, { highWaterMark: 1 << 20 })
}

function storedAs(record: ActionRecord, file: string, fromCache: boolean): Stored {
  const { parts, output, facts, warnings } = record
  return { file, sha256: output.sha256, bytes: output.bytes, key: actionKey(parts), facts, warnings, fromCache }
}

/** Removes what killed processes left. */
export async function sweep(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name)
      const stats = await stat(path).catch(() => undefined)
      if (stats && Date.now() - stats.mtimeMs > TEMPORARY_AGE_MS) await rm(path, { recursive: true, force: true }).catch(() => {})
    }
  }
}
