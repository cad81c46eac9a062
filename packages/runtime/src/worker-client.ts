import type { Incoming } from './download.ts'
import { aborted, fromMessage, RuntimeError } from './errors.ts'
import type { CacheMode, Source } from './open.ts'
import type { LoadProgress } from './progress.ts'
import { type CallResult, DISPOSED, type Known, type Session, type SessionInfo } from './session.ts'
import { sendable } from './sendable.ts'
import type { Reply, Request } from './worker-protocol.ts'

/** How a model is opened in a worker. */
export interface WorkerOptions {
  readonly cache: CacheMode
  readonly keep: ReadonlySet<string>
  readonly signal: AbortSignal
  readonly onProgress: (progress: LoadProgress) => void
  /** Called when the worker has died. */
  readonly onDeath: () => void
}

interface Pending {
  resolve(value: never): void
  reject(error: unknown): void
}

type Body<Each = Request> = Each extends unknown ? Omit<Each, 'id'> : never

/**
 * Opens a model in a worker of its own. Each model has one, so that models run side by side, and so that ending the worker gives all of the
 * model's memory back at once, which WebAssembly memory otherwise does only when it is collected.
 */
export async function openInWorker(source: Source, known: Known, { cache, keep, signal, onProgress, onDeath }: WorkerOptions): Promise<Session> {
  if (signal.aborted) throw aborted('Loading the model', signal)
  const thread = startThread(onProgress, onDeath)
  const abort = (): void => thread.end(aborted('Loading the model', signal))
  signal.addEventListener('abort', abort)
  try {
    const [sent, transfer] = await sendableSource(source)
    return createProxy(thread, await thread.ask<SessionInfo>({ open: { source: sent, known, cache, keep } }, transfer))
  } catch (error) {
    thread.end(error)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Bytes are sent as a copy, which is handed over. What is on its way can only be read here; all of it is sent then. */
async function sendableSource({ incoming, ...source }: Source): Promise<[Source, Transferable[]]> {
  const bytes = incoming ? await readAll(incoming) : source.data
  if (!(bytes instanceof Uint8Array)) return [source, []]
  const data = incoming ? bytes : bytes.slice()
  return [{ ...source, data }, [data.buffer as ArrayBuffer]]
}

async function readAll(incoming: Incoming): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for (let piece = await incoming.next(); piece; piece = await incoming.next()) pieces.push(piece as Uint8Array<ArrayBuffer>)
  return new Uint8Array(await new Blob(pieces).arrayBuffer())
}

function createProxy(thread: Thread, info: SessionInfo): Session {
  // Pictures take a moment to be made sendable; what is called first is sent first all the same.
  let last: Promise<unknown> = Promise.resolve()
  return {
    info,
    async call({ method, args, image }, transfer) {
      const sent = Promise.all([sendable(args, transfer), last])
      last = sent.catch(() => undefined)
      const [{ value, transferred }] = await sent
      return await thread.ask<CallResult>({ call: { method, args: value, image } }, transferred)
    },
    async reset() {
      await last
      await thread.ask({ reset: true })
    },
    dispose: () => thread.end(new RuntimeError('DISPOSED', DISPOSED)),
  }
}

interface Thread {
  ask<Value>(request: Body, transfer?: Transferable[]): Promise<Value>
  /** Ends it; whoever waits gets the error. */
  end(error: unknown): void
}

function startThread(onProgress: (progress: LoadProgress) => void, onDeath: () => void): Thread {
  const pending = new Map<number, Pending>()
  let count = 0
  let ended: { readonly error: unknown } | undefined
  const worker = startWorker()
  const end = (error: unknown): void => {
    if (ended) return
    ended = { error }
    worker.terminate()
    for (const { reject } of pending.values()) reject(error)
    pending.clear()
  }
  worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
    if ('progress' in data) {
      onProgress(data.progress)
      return
    }
    const waiting = pending.get(data.id)
    pending.delete(data.id)
    if ('error' in data) waiting?.reject(fromMessage(data.error))
    else waiting?.resolve(data.value as never)
  })
  worker.addEventListener('error', (event) => {
    // Without a message, its script did not arrive or may not run.
    const what = event.message ? `The model's worker failed: ${event.message}.` : NOT_STARTED
    end(new RuntimeError('WORKER', what))
    onDeath()
  })
  return {
    end,
    ask: (request, transfer = []) => new Promise((resolve, reject) => {
      if (ended) {
        reject(ended.error)
        return
      }
      const id = count++
      try {
        worker.postMessage({ ...request, id }, transfer)
        pending.set(id, { resolve, reject })
      } catch (cause) {
        reject(new RuntimeError('WRONG_INPUT', `An input cannot be sent to the model's worker: ${(cause as Error).message}`, { cause }))
      }
    }),
  }
}

const NOT_STARTED = 'The model\'s worker did not start. Its script has to come from the page\'s own origin, and a Content-Security-Policy has to allow it (worker-src \'self\'); Vite 7 needs optimizeDeps.exclude: [\'@petaljs/runtime\']. Load the model without worker: true otherwise.'

function startWorker(): Worker {
  try {
    // Bundlers look for exactly this expression.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
  } catch (cause) {
    throw new RuntimeError('WORKER', NOT_STARTED, { cause })
  }
}
