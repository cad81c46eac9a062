import { type Reserved, reserve } from './engine.ts'
import { aborted, RuntimeError } from './errors.ts'

/** Bytes that arrive one after the other. */
export interface Incoming {
  /** Where from, for messages. */
  readonly from: string
  /** Size of the whole; undefined where that is not known. */
  readonly total: number | undefined
  /** What the server says of it; may be the size of the compressed file. */
  readonly hint?: number | undefined
  /** The next piece, until there is none. */
  next(): Promise<Uint8Array | undefined>
  cancel(): void
}

/** Fetches a file. Throws DOWNLOAD for all that is no file: what answered, and the likely cause. `total` is what the build says. */
export async function fetchFile(url: string, total: number | undefined, signal: AbortSignal, cache: RequestCache): Promise<Incoming> {
  let response: Response
  try {
    response = await fetch(url, { signal, cache })
  } catch (cause) {
    if (signal.aborted) throw aborted('Loading the model', signal)
    const likely = globalThis.navigator?.onLine === false
      ? 'The device is offline.'
      : 'Is the device offline, or is the file on another origin that does not allow it (CORS)?'
    throw new RuntimeError('DOWNLOAD', `The model could not be fetched from ${shown(url)}. ${likely}`, { cause })
  }
  return openResponse(response, url, total)
}

/** The body of an answer, unless it is an error or a page. */
export function openResponse(response: Response, url: string = response.url, total?: number): Incoming {
  const { status, ok, headers, body } = response
  const type = headers.get('content-type') ?? ''
  if (!ok) {
    void body?.cancel()
    throw new RuntimeError('DOWNLOAD', `The model could not be fetched from ${shown(url)}: the server answered ${status} ${response.statusText}`.trimEnd() + `. ${LIKELY[status] ?? ''}`.trimEnd())
  }
  if (/^text\/html/i.test(type)) {
    void body?.cancel()
    throw htmlInstead(url)
  }
  const hint = headers.has('content-encoding') ? 0 : Number(headers.get('content-length'))
  return { ...fromStream(body, shown(url), total), hint: hint > 0 && hint < MAX_HINT ? hint : undefined }
}

/** More is not reserved on a server's word alone. */
const MAX_HINT = 2 ** 30

const LIKELY: Readonly<Record<number, string>> = {
  401: 'Does the address need a login?',
  403: 'Does the address need a login, or has a signed link expired?',
  404: 'Was the file deployed, and was the app deployed anew since the page was opened? Then reload the page.',
  410: 'Was the app deployed anew since the page was opened? Then reload the page.',
}

function htmlInstead(url: string): RuntimeError {
  const message = `At ${shown(url)} there is a page (HTML) instead of the model. The server answers missing files with the app's page: was the file deployed, and is the base path right?`
  return new RuntimeError('DOWNLOAD', message)
}

/** Bytes of a stream; `total` is a promise about them that is checked when they are collected. */
export function fromStream(stream: ReadableStream<Uint8Array> | null, from: string, total: number | undefined): Incoming {
  const reader = stream?.getReader()
  return {
    from, total,
    next: async () => (await reader?.read())?.value,
    cancel: () => { void reader?.cancel().catch(() => undefined) },
  }
}

/** Bytes that are there already. */
export function fromBytes(bytes: Uint8Array): Incoming {
  const rest = [bytes]
  return { from: 'memory', total: bytes.length, next: async () => rest.pop(), cancel: () => undefined }
}

/**
 * Collects bytes in the memory in which the model will run. Where their number is known they are written there as they come; a different
 * number is INTEGRITY. `onBytes` hears how many there are.
 */
export async function collect(incoming: Incoming, signal: AbortSignal, onBytes: (loaded: number, total: number) => void): Promise<Reserved> {
  const { total, hint, from } = incoming
  const size = total ?? hint
  let reserved = size === undefined ? undefined : reserve(size)
  const pieces: Uint8Array[] = []
  let loaded = 0
  const tell = (): void => onBytes(loaded, reserved ? size! : 0)
  tell()
  try {
    for (let piece = await read(incoming, signal); piece; piece = await read(incoming, signal)) {
      if (loaded === 0) refusePages(piece, from)
      if (reserved && loaded + piece.length > size!) {
        if (total !== undefined) throw wrongSize(from, total, `more than ${total}`)
        pieces.push(reserved.bytes.subarray(0, loaded))
        reserved = undefined
      }
      if (reserved) reserved.bytes.set(piece, loaded)
      else pieces.push(piece)
      loaded += piece.length
      tell()
    }
  } catch (error) {
    incoming.cancel()
    throw error
  }
  if (total !== undefined && loaded !== total) throw wrongSize(from, total, String(loaded))
  if (!reserved) return joined(pieces, loaded)
  return loaded === size ? reserved : joined([reserved.bytes.subarray(0, loaded)], loaded)
}

async function read(incoming: Incoming, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    if (!signal.aborted) return await incoming.next()
  } catch (cause) {
    if (!signal.aborted) throw new RuntimeError('DOWNLOAD', `The download of the model from ${incoming.from} broke off. Is the connection lost? Try again.`, { cause })
  }
  throw aborted('Loading the model', signal)
}

function joined(pieces: readonly Uint8Array[], size: number): Reserved {
  const reserved = reserve(size)
  const { bytes } = reserved
  let offset = 0
  for (const piece of pieces) {
    bytes.set(piece, offset)
    offset += piece.length
  }
  return reserved
}

function wrongSize(from: string, total: number, got: string): RuntimeError {
  const message = `The model from ${from} should have ${total} bytes and has ${got}. Another version of the file is served: was the app deployed anew? Then reload the page.`
  return new RuntimeError('INTEGRITY', message)
}

/** What web servers and git put in the place of a file, told by its first bytes. */
function refusePages(piece: Uint8Array, from: string): void {
  const head = new TextDecoder('latin1').decode(piece.subarray(0, 64)).trimStart().toLowerCase()
  if (head.startsWith('<!doctype') || head.startsWith('<html')) throw htmlInstead(from)
  if (head.startsWith('version https://git-lfs')) {
    throw new RuntimeError('DOWNLOAD', `At ${from} there is a pointer of Git LFS instead of the model. Run "git lfs pull" where the app is built.`)
  }
}

/** Addresses that hold the file itself are long. */
function shown(url: string): string {
  return url.length > 200 ? `${url.slice(0, 100)}…` : url
}
