import { PetalError } from '../errors.ts'

/** The part of the web's DecompressionStream that is used here; Node and browsers have it as a global. */
interface InflateStream {
  readonly readable: { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }>; cancel(): Promise<void> } }
  readonly writable: { getWriter(): {
    readonly ready: Promise<unknown>
    readonly closed: Promise<unknown>
    write(piece: Uint8Array): Promise<void>
    close(): Promise<void>
    abort(reason: unknown): Promise<void>
  } }
}

function inflateStream(): InflateStream {
  const { DecompressionStream } = globalThis as unknown as { DecompressionStream: new (format: string) => InflateStream }
  return new DecompressionStream('deflate-raw')
}

/**
 * Inflates raw deflate data piece by piece, and gives exactly `size` bytes: more or fewer are an error, found as soon
 * as it shows, so that a zip bomb costs no more than it declares. `what` names the data in errors.
 */
export async function* inflate(pieces: AsyncIterable<Uint8Array>, size: number, what: string): AsyncGenerator<Uint8Array> {
  const { readable, writable } = inflateStream()
  const reader = readable.getReader()
  const writer = writable.getWriter()
  let sourceFailure: { error: unknown } | undefined
  let finished = false
  writer.closed.catch(() => {})
  /** Ends quietly: the reading side sees what goes wrong here. */
  const feed = async (): Promise<void> => {
    try {
      for await (const piece of watched(pieces, (error) => { sourceFailure = { error } })) {
        await writer.ready
        if (finished) return
        // Copied: a piece is only valid until the next is asked for, and the stream may hold on to it.
        await writer.write(piece.slice())
      }
      await writer.close()
    } catch (error) {
      await writer.abort(error).catch(() => {})
    }
  }
  const feeding = feed()
  let total = 0
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw sourceFailure === undefined ? brokenRecord(what, 'its compressed data is damaged') : sourceFailure.error
      })
      if (done) break
      total += value!.length
      if (total > size) throw brokenRecord(what, `it inflates to more than the ${size} bytes that the directory says`)
      yield value!
    }
    if (total !== size) throw brokenRecord(what, `it inflates to ${total} bytes where the directory says ${size}`)
  } finally {
    finished = true
    await reader.cancel().catch(() => {})
    await feeding
  }
}

async function* watched(pieces: AsyncIterable<Uint8Array>, failed: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        failed(error)
        throw error
      })
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}

/** The error of a record whose bytes are not what was saved. `what` begins the sentence. */
export function brokenRecord(what: string, why: string): PetalError {
  return new PetalError({
    code: 'BROKEN_RECORD',
    message: `${what} cannot be read: ${why}.`,
    cause: 'The file was damaged after it was saved, for example by a transfer in text mode, or a tool that re-packed it made a mistake.',
    fix: 'Get the file again and compare its checksum with the original, or save it again with torch.jit.save.',
  })
}
