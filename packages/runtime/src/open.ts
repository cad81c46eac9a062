import { openCache } from './cache.ts'
import { collect, fetchFile, fromBytes, fromStream, type Incoming } from './download.ts'
import { compileKernels, createEngine, type Engine, type Reserved } from './engine.ts'
import { aborted, RuntimeError } from './errors.ts'
import { matches } from './integrity.ts'
import { requireSimd } from './kernels/instantiate.ts'
import type { Family } from './operator.ts'
import type { Report } from './progress.ts'

/**
 * Which copy of a file a load takes. `auto`: what the browser keeps, else the network. `reload`: always the network. `no-store`: the network,
 * and nothing is kept. `only-if-cached`: never the network.
 */
export type CacheMode = 'auto' | 'reload' | 'no-store' | 'only-if-cached'

/** Where a model comes from: one of `url`, `path`, `data` and `incoming`, and what is known of the file. */
export interface Source {
  /** An absolute address. */
  readonly url?: string
  /** In Node's file system, or the `file:` address of it. */
  readonly path?: string
  /** The file itself. */
  readonly data?: Blob | Uint8Array
  /** The file, on its way; cannot be sent to another thread. */
  readonly incoming?: Incoming
  readonly bytes?: number | undefined
  readonly integrity?: string | undefined
  /** What all versions of the model are called, for the cache. */
  readonly name: string
}

/** How a model is opened. */
export interface OpenOptions {
  readonly cache: CacheMode
  /** Files that are not to be removed from the cache, by their integrity, though they have the name of this one. */
  readonly keep: ReadonlySet<string>
  readonly signal: AbortSignal
  readonly report: Report
}

/** Downloads, verifies and prepares a model, in this thread. */
export async function openModel(source: Source, families: readonly Family[], options: OpenOptions): Promise<Engine> {
  requireSimd()
  // The engine compiles while the file is on its way; should that fail, whoever needs the kernels will hear of it.
  void compileKernels(families).catch(() => undefined)
  const { cache: mode } = options
  const { integrity } = source
  const cache = source.url === undefined || integrity === undefined || mode === 'no-store' ? undefined : await openCache(source.name)
  const found = mode === 'reload' ? undefined : await cache?.read(integrity!)
  if (found) {
    const engine = await fromCacheEntry(found, source, families, options)
    if (engine) return engine
    // Damaged on the device: as if it had not been there.
    await cache!.remove(integrity!)
  }
  if (mode === 'only-if-cached') {
    throw new RuntimeError('DOWNLOAD', `The model ${source.name} is not in this browser's cache, and cache: 'only-if-cached' asks for nothing else.`)
  }
  const incoming = await incomingOf(source, options.signal, mode === 'reload' || found ? 'reload' : 'default')
  // Keeping it goes on beside the rest of the load: nobody has to wait for it.
  const keep = cache && ((bytes: Uint8Array) => void cache.write(integrity!, bytes, options.keep))
  const engine = await prepared(incoming, source, families, options, false, keep)
  if (engine) return engine
  const message = `The model from ${incoming.from} is not the one that the app was built with: its hash is not ${integrity!}. It was damaged or changed on the way, or another version is served: reload the page, or deploy the app's files together.`
  throw new RuntimeError('INTEGRITY', message)
}

/** Undefined when the entry is not what it was. */
async function fromCacheEntry(response: Response, source: Source, families: readonly Family[], options: OpenOptions): Promise<Engine | undefined> {
  try {
    return await prepared(fromStream(response.body, source.url!, source.bytes), source, families, options, true)
  } catch (error) {
    if (error instanceof RuntimeError && (error.code === 'INTEGRITY' || error.code === 'DOWNLOAD')) return undefined
    throw error
  }
}

/**
 * The model in a file, undefined when that is not what its hash says. Hashing is another thread's work (of a copy that `digest` takes at
 * once), so that the engine is made meanwhile; what comes of it counts only when the hash is right.
 */
async function prepared(
  incoming: Incoming, { integrity }: Source, families: readonly Family[], { signal, report }: OpenOptions, fromCache: boolean,
  keep?: (bytes: Uint8Array) => void,
): Promise<Engine | undefined> {
  const reserved = await collect(incoming, signal, (loaded, total) => report('download', total > 0 ? loaded / total : 0, { loaded, total, fromCache }))
  const state = { loaded: reserved.size, total: reserved.size, fromCache }
  // The engine is made in the place of the file.
  const bytes = keep && reserved.bytes.slice()
  report('verify', 0, state)
  const verified = integrity === undefined ? true : matches(reserved.bytes, integrity)
  const making = prepare(reserved, families, signal, (done) => report('prepare', done * 0.99, state))
  // Of wrong bytes anything may come.
  making.catch(() => undefined)
  const right = await verified
  if (signal.aborted) throw aborted('Loading the model', signal)
  if (!right) return undefined
  if (bytes) keep(bytes)
  const engine = await making
  report('prepare', 1, state)
  return engine
}

async function prepare(reserved: Reserved, families: readonly Family[], signal: AbortSignal, report: (done: number) => void): Promise<Engine> {
  // The engine is busy from now on; let the page show where it is.
  await pause()
  report(0)
  let since = performance.now()
  const engine = await createEngine(reserved, families, {
    onPrepare: async (done) => {
      if (performance.now() - since < BUSY) return
      report(done)
      await pause()
      since = performance.now()
      if (signal.aborted) throw aborted('Loading the model', signal)
    },
  })
  if (signal.aborted) throw aborted('Loading the model', signal)
  return engine
}

async function incomingOf({ url, path, data, bytes, incoming }: Source, signal: AbortSignal, http: RequestCache): Promise<Incoming> {
  if (path !== undefined) return (await import('./file.ts')).fromFile(path)
  if (data instanceof Uint8Array) return fromBytes(data)
  if (data) return fromStream(data.stream(), 'a file', data.size)
  return incoming ?? await fetchFile(url!, bytes, signal, http)
}

/** Milliseconds of work after which the page gets a turn. */
const BUSY = 24

function pause(): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve) })
}
