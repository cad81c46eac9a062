import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'

/** A remote store, as options and the environment name it. */
export interface RemoteOptions {
  /** `https://cache.example.com/petal`; records are below it in `ac/`, files in `cas/`, as bazel-remote has them. */
  readonly url: string
  /** Sent as a bearer token. */
  readonly token?: string | undefined
  /** Whether results made here are put there; false when left out. */
  readonly write?: boolean | undefined
  /** How long a server may be silent, in milliseconds; 5000 when left out. */
  readonly timeout?: number | undefined
}

/** Something about the remote store went wrong; a build goes on without it. */
export class RemoteFailure extends Error {
  override name = 'RemoteFailure'
}

/** It gave bytes that are not the right ones. */
export class WrongContent extends RemoteFailure {
  override name = 'WrongContent'
}

/** Plain HTTP. Nothing here throws but the stream of `read`. */
export interface Remote {
  /** For messages: the address without credentials. */
  readonly name: string
  readonly mayWrite: boolean
  /** A small file, or undefined where there is none or the server is out of order. */
  text(path: string): Promise<string | undefined>
  /** A file's bytes. Its stream throws a RemoteFailure. */
  read(path: string, bytes: number): AsyncIterable<Uint8Array>
  has(path: string): Promise<boolean>
  /** Puts a text, or the file of a path. */
  put(path: string, body: { readonly text: string } | { readonly file: string }): Promise<boolean>
}

const TIMEOUT_MS = 5000

/** After a failure the server is left alone for as long: a build asks once, a dev server finds it again. */
const REST_MS = 60_000

/** Records are some kilobytes; facts of huge models some hundred. */
const LARGEST_TEXT = 16 * 2 ** 20

/** A server slower than this, in bytes per millisecond (256 kB/s), is not worth waiting for. */
const SLOWEST = 256

const STATUS: Readonly<Record<number, string>> = {
  401: 'refuses the token (401)', 403: 'refuses the token (403)', 407: 'is behind a proxy that wants a password (407)',
}

/** @param note takes a line for people, once for each thing that goes wrong. */
export function createRemote(options: RemoteOptions, note: (line: string) => void): Remote {
  const { base, name, authorization } = readAddress(options)
  const timeout = options.timeout ?? TIMEOUT_MS
  let mayWrite = options.write ?? false
  let restsUntil = 0

  const isResting = (): boolean => Date.now() < restsUntil
  const rest = (why: string): void => {
    if (!isResting()) note(`the remote store ${name} ${why}; going on without it`)
    restsUntil = Date.now() + REST_MS
  }

  /** The answer to a request, or undefined when there is none to use. The body has to be read, or cancelled. */
  const ask = async (method: string, path: string, limit: Limit, init: RequestInit = {}): Promise<Response | undefined> => {
    if (isResting()) return undefined
    try {
      const headers = { ...authorization && { authorization }, ...init.headers as Record<string, string> }
      const response = await fetch(`${base}/${path}`, { ...init, method, headers, signal: limit.signal })
      if (response.ok) return response
      await response.body?.cancel()
      if (response.status !== 404 && response.status !== 410 && !(method === 'PUT' && isRefusedWrite(response.status))) {
        rest(STATUS[response.status] ?? `answers with status ${response.status}`)
      } else if (method === 'PUT' && mayWrite) {
        mayWrite = false
        note(`the remote store ${name} does not take files (${response.status}); nothing more is put there`)
      }
    } catch (error) {
      rest(reasonOf(error, limit, timeout))
    }
    return undefined
  }

  const remote: Remote = {
    name,
    get mayWrite() {
      return mayWrite && !isResting()
    },
    async text(path) {
      const limit = createLimit(timeout)
      try {
        const response = await ask('GET', path, limit)
        if (!response) return undefined
        const pieces: Uint8Array[] = []
        for await (const piece of piecesOf(response, limit, LARGEST_TEXT)) pieces.push(piece)
        return Buffer.concat(pieces).toString('utf8')
      } catch (error) {
        rest(error instanceof WrongContent ? `answers with too much for a record: ${error.message}` : reasonOf(error, limit, timeout))
        return undefined
      } finally {
        limit.end()
      }
    },
    async *read(path, bytes) {
      const limit = createLimit(timeout, timeout + bytes / SLOWEST)
      try {
        const response = await ask('GET', path, limit)
        if (!response) throw new RemoteFailure(`${path} is not there`)
        yield* piecesOf(response, limit, bytes)
      } catch (error) {
        if (error instanceof RemoteFailure) throw error
        rest(reasonOf(error, limit, timeout))
        throw new RemoteFailure(`${path} broke off`)
      } finally {
        limit.end()
      }
    },
    async has(path) {
      const limit = createLimit(timeout)
      try {
        const response = await ask('HEAD', path, limit)
        return response !== undefined
      } finally {
        limit.end()
      }
    },
    async put(path, body) {
      const bytes = 'file' in body ? (await stat(body.file)).size : Buffer.byteLength(body.text)
      const limit = createLimit(timeout + bytes / SLOWEST)
      const stream = 'file' in body ? Readable.toWeb(createReadStream(body.file)) as unknown as ReadableStream : body.text
      try {
        // Servers that keep what they get under its digest want to know its length first.
        const headers = { 'content-length': `${bytes}`, 'content-type': 'application/octet-stream' }
        const response = await ask('PUT', path, limit, { body: stream, headers, ...'file' in body && { duplex: 'half' } } as RequestInit)
        await response?.body?.cancel()
        return response !== undefined
      } finally {
        limit.end()
      }
    },
  }
  return remote
}

/** Statuses that say that this server keeps what it has: WebDAV is off, or not for this token. */
const isRefusedWrite = (status: number): boolean => [403, 404, 405, 409, 410, 413, 501].includes(status)

/** Ends a request when its server says nothing for a while, or takes too long in all. */
interface Limit {
  readonly signal: AbortSignal
  /** The server has said something. */
  heard(): void
  end(): void
}

function createLimit(silence: number, whole = Number.POSITIVE_INFINITY): Limit {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  const timers = [setTimeout(stop, silence), ...Number.isFinite(whole) ? [setTimeout(stop, whole)] : []]
  return { signal: controller.signal, heard: () => { timers[0]!.refresh() }, end: () => timers.forEach((timer) => clearTimeout(timer)) }
}

async function* piecesOf(response: Response, limit: Limit, most: number): AsyncIterable<Uint8Array> {
  let bytes = 0
  for await (const piece of response.body ?? []) {
    limit.heard()
    bytes += (piece as Uint8Array).byteLength
    if (bytes > most) throw new WrongContent(`it has more than ${most} bytes.`)
    yield piece as Uint8Array
  }
}

function reasonOf(error: unknown, limit: Limit, timeout: number): string {
  if (limit.signal.aborted) return `is too slow (nothing for ${timeout / 1000} s, or not enough)`
  const { cause = error } = error as Error
  const { code, message } = cause as NodeJS.ErrnoException
  return `cannot be reached (${code ?? message})`
}

/** A password in the address (`https://user:word@host`) becomes a header: `fetch` takes none, and messages must not have it. */
function readAddress({ url, token }: RemoteOptions): { base: string; name: string; authorization: string | undefined } {
  const address = new URL(url)
  const { username, password } = address
  address.username = ''
  address.password = ''
  address.hash = ''
  address.search = ''
  const base = address.href.replace(/\/+$/, '')
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const basic = username === '' ? undefined : `Basic ${login}`
  return { base, name: base, authorization: token ? `Bearer ${token}` : basic }
}
