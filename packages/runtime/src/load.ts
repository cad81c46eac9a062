import { isWorthCaching } from './cache.ts'
import { aborted, RuntimeError } from './errors.ts'
import type { ModelHandle } from './handle.ts'
import { createModel, type LoadOptions, type LoadProgress, type Model } from './model.ts'
import { type CacheMode, openModel, type Source } from './open.ts'
import type { Family } from './operator.ts'
import { reporter, throttled } from './progress.ts'
import { createSession, type Known } from './session.ts'

/** A model that is loading or loaded, for all who asked for it. */
interface Shared {
  /** While it is loading. */
  promise: Promise<Model> | undefined
  /** When it is there; that it may be had again keeps no model from being collected. */
  model: WeakRef<Model> | undefined
  readonly listeners: Set<(progress: LoadProgress) => void>
  /** What came last, for those who come later. */
  readonly latest: () => LoadProgress | undefined
  /** Called when nobody waits any more. */
  readonly giveUp: () => void
  waiting: number
}

const loading = new WeakMap<ModelHandle, Map<string, Shared>>()

/** Files that this page has loaded: the cache keeps them all, also where two models have one name. */
const inUse = new Set<string>()

/** Loads an imported model; what a handle's `load()` does. `families` are the operators that the model needs. */
export async function load(handle: ModelHandle, families: readonly Family[], options: LoadOptions = {}): Promise<Model> {
  const { url, bytes, integrity, source: { name }, signature, image, runtime } = handle
  const [missing] = runtime?.unsupported ?? []
  if (missing) {
    const message = `The model ${name} needs ${missing.operator}${missing.at ? ` (${missing.at})` : ''}, which Petal's runtime lacks. Run it with PyTorch Mobile, or change that part of the model.`
    throw new RuntimeError('UNSUPPORTED_OPERATOR', message)
  }
  const models = loading.get(handle) ?? new Map<string, Shared>()
  loading.set(handle, models)
  const key = String(options.worker ?? false)
  let shared = models.get(key)
  if (!shared?.promise && !shared?.model?.deref()) {
    const forget = (): void => {
      if (models.get(key) === shared) models.delete(key)
    }
    shared = share({ ...locate(url), bytes, integrity, name }, families, { signature, image }, options, forget)
    models.set(key, shared)
  }
  return await join(shared, options)
}

/** Loads a model that nobody else waits for. */
export async function loadOnce(source: Source, families: readonly Family[], known: Known, options: LoadOptions): Promise<Model> {
  return await join(share(source, families, known, options, () => undefined), options)
}

/** Begins a load; `forget` is called when it has failed or its model is disposed. */
function share(source: Source, families: readonly Family[], known: Known, options: LoadOptions, forget: () => void): Shared {
  if (options.backend !== undefined && options.backend !== 'auto' && options.backend !== 'wasm') {
    throw new RuntimeError('UNSUPPORTED', `There is no backend "${String(options.backend)}" in Petal's runtime; there are auto and wasm.`)
  }
  const controller = new AbortController()
  const listeners: Shared['listeners'] = new Set()
  let latest: LoadProgress | undefined
  const tell = throttled((progress) => {
    latest = progress
    for (const listener of listeners) call(listener, progress)
  })
  const promise = start(source, families, known, options, controller.signal, tell, forget)
  const giveUp = (): void => {
    forget()
    controller.abort()
  }
  const shared: Shared = { promise, model: undefined, listeners, latest: () => latest, giveUp, waiting: 0 }
  promise.then((model) => {
    shared.model = new WeakRef(model)
    shared.promise = undefined
  }, forget)
  return shared
}

async function start(
  source: Source, families: readonly Family[], known: Known, options: LoadOptions, signal: AbortSignal, tell: (progress: LoadProgress) => void, forget: () => void,
): Promise<Model> {
  const cache: CacheMode = source.url !== undefined && isWorthCaching(source.url) ? options.cache ?? 'auto' : 'no-store'
  if (cache !== 'no-store' && source.integrity !== undefined) inUse.add(source.integrity)
  if (options.worker && typeof Worker === 'function') {
    const { openInWorker } = await import('./worker-client.ts')
    return createModel(await openInWorker(source, known, { cache, keep: inUse, signal, onProgress: tell, onDeath: forget }), forget)
  }
  const engine = await openModel(source, families, { cache, keep: inUse, signal, report: reporter(tell) })
  return createModel(await createSession(engine, known), forget)
}

/** Waits for a shared model until it is there or this caller gives up. */
function join(shared: Shared, { signal, onProgress }: LoadOptions): Promise<Model> {
  const { listeners, latest, giveUp } = shared
  const promise = shared.promise ?? Promise.resolve(shared.model!.deref()!)
  // A listener of its own, so that one function may be given twice.
  const listener = onProgress && ((progress: LoadProgress): void => onProgress(progress))
  return new Promise((resolve, reject) => {
    let left = false
    const leave = (): void => {
      if (left) return
      left = true
      if (listener) listeners.delete(listener)
      signal?.removeEventListener('abort', abort)
      shared.waiting--
    }
    const abort = (): void => {
      leave()
      if (shared.waiting === 0) giveUp()
      reject(aborted('Loading the model', signal))
    }
    shared.waiting++
    if (signal?.aborted) {
      abort()
      return
    }
    signal?.addEventListener('abort', abort)
    const last = latest()
    if (listener) {
      listeners.add(listener)
      if (last) call(listener, last)
    }
    promise.then((model) => { leave(); resolve(model) }, (error: unknown) => { leave(); reject(error) })
  })
}

/** What a listener throws is its own affair. */
function call(listener: (progress: LoadProgress) => void, progress: LoadProgress): void {
  try {
    listener(progress)
  } catch (error) {
    console.error(error)
  }
}

/** Where a file is: the absolute address of it, or, in Node, its path. */
export function locate(url: string | URL): Pick<Source, 'url' | 'path'> {
  const text = String(url)
  const hasFiles = typeof globalThis.process?.getBuiltinModule === 'function' && globalThis.document === undefined
  if (hasFiles && !/^(?!file:)[a-z][a-z\d+.-]+:/i.test(text)) return { path: text }
  try {
    return { url: new URL(text, globalThis.document?.baseURI ?? globalThis.location?.href).href }
  } catch (cause) {
    throw new RuntimeError('DOWNLOAD', `"${text}" is no address of a model.`, { cause })
  }
}
