/** Bytes of one piece of a stream: large enough that calls do not count, small enough for a phone's memory and a processor's cache. */
export const PIECE_BYTES: number = 1 << 20

/** As many as a stream over a derived weight uses at once, and a second one. */
const MAX_IDLE = 8

const idle: Uint8Array[] = []

/**
 * A buffer of {@link PIECE_BYTES} with anything in it, at the start of its memory. A model has thousands of weights, and new buffers for each would be most of
 * what the garbage collector sees. Who is done with it gives it back with {@link releaseBuffer}, and must not touch it then.
 */
export function takeBuffer(): Uint8Array {
  return idle.pop() ?? new Uint8Array(PIECE_BYTES)
}

export function releaseBuffer(buffer: Uint8Array): void {
  if (idle.length < MAX_IDLE) idle.push(buffer)
}

/**
 * The same pieces, each asked for while the one before is in use, so that who makes them and who takes them work at the same time. The
 * source must keep a piece valid until the second next one is asked for: two buffers in turn do.
 */
export async function* readAhead(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const ask = (): Promise<IteratorResult<Uint8Array>> => {
    const result = iterator.next()
    // It may fail while nobody waits for it; whoever asks for the next piece is told.
    result.catch(() => {})
    return result
  }
  let ahead = ask()
  try {
    for (;;) {
      const { done, value } = await ahead
      if (done) return
      ahead = ask()
      yield value
    }
  } finally {
    await ahead.catch(() => {})
    await iterator.return?.()
  }
}
