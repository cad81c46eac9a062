import { openCache } from './cache.ts'
import { collect, fetchFile, fromBytes, fromFile, fromStream, type Incoming } from './download.ts'
import { createEngine, type Engine, type Reserved } from './engine.ts'
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
  const { signal, report } = options
  requireSimd()
  const { reserved, fromCache } = await obtain(source, options)
  const state = { loaded: reserved.size, total: reserved.size, fromCache }
  report('prepare', 0, state)
  // The engine is busy from now on; let the page show where it is.
  await pause()
  let since = performance.now()
  const engine = await createEngine(reserved, families, {
    onPrepare: async (done) => {
      if (performance.now() - since < BUSY) return
      report('prepare', done * 0.99, state)
      await pause()
      since = performance.now()
      if (signal.aborted) throw aborted('Loading the model', signal)
    },
  })
  if (signal.aborted) throw aborted('Loading the model', signal)
  report('prepare', 1, state)
  return engine
}

interface Obtained {
  readonly reserved: Reserved
  readonly fromCache: boolean
}

/** The verified file: from the cache where it is there and right, else from its source. */
async function obtain(source: Source, options: OpenOptions): Promise<Obtained> {
  const { cache: mode } = options
  const { integrity } = source
  const cache = source.url === undefined || integrity === undefined || mode === 'no-store' ? undefined : await openCache(source.name)
  const found = mode === 'reload' ? undefined : await cache?.read(integrity!)
  if (found) {
    const reserved = await fromCacheEntry(found, source, options)
    if (reserved) return { reserved, fromCache: true }
    // Damaged on the device: as if it had not been there.
    await cache!.remove(integrity!)
  }
  if (mode === 'only-if-cached') {
    throw new RuntimeError('DOWNLOAD', `The model ${source.name} is not in this browser's cache, and cache: 'only-if-cached' asks for nothing else.`)
  }
  const reserved = await verified(source, options, mode === 'reload' || found ? 'reload' : 'default')
  // Goes on beside the rest of the load: nobody has to wait for it.
  void cache?.write(integrity!, reserved.bytes, options.keep)
  return { reserved, fromCache: false }
}

/** Undefined when the entry is not what it was. */
async function fromCacheEntry(response: Response, source: Source, options: OpenOptions): Promise<Reserved | undefined> {
  try {
    const reserved = await download(fromStream(response.body, source.url!, source.bytes), options, true)
    return await verify(reserved, source, options, true) ? reserved : undefined
  } catch (error) {
    if (error instanceof RuntimeError && (error.code === 'INTEGRITY' || error.code === 'DOWNLOAD')) return undefined
    throw error
  }
}

async function verified(source: Source, options: OpenOptions, http: RequestCache): Promise<Reserved> {
  const incoming = await incomingOf(source, options.signal, http)
  const reserved = await download(incoming, options, false)
  if (await verify(reserved, source, options, false)) return reserved
  const message = `The model from ${incoming.from} is not the one that the app was built with: its hash is not ${source.integrity!}. It was damaged or changed on the way, or another version is served: reload the page, or deploy the app's files together.`
  throw new RuntimeError('INTEGRITY', message)
}

async function incomingOf({ url, path, data, bytes, incoming }: Source, signal: AbortSignal, http: RequestCache): Promise<Incoming> {
  if (path !== undefined) return fromFile(path)
  if (data instanceof Uint8Array) return fromBytes(data)
  if (data) return fromStream(data.stream(), 'a file', data.size)
  return incoming ?? await fetchFile(url!, bytes, signal, http)
}

async function download(incoming: Incoming, { signal, report }: OpenOptions, fromCache: boolean): Promise<Reserved> {
  return await collect(incoming, signal, (loaded, total) => report('download', total > 0 ? loaded / total : 0, { loaded, total, fromCache }))
}

async function verify(reserved: Reserved, { integrity }: Source, { signal, report }: OpenOptions, fromCache: boolean): Promise<boolean> {
  report('verify', 0, { loaded: reserved.size, total: reserved.size, fromCache })
  const right = integrity === undefined || await matches(reserved.bytes, integrity)
  if (signal.aborted) throw aborted('Loading the model', signal)
  return right
}

/** Milliseconds of work after which the page gets a turn. */
const BUSY = 24

function pause(): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve) })
}
