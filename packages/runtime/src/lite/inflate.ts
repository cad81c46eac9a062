import { broken } from './broken.ts'
import type { Entry } from './zip.ts'

/** Inflates a record. */
export async function inflate(file: Uint8Array<ArrayBuffer>, { begin, stored, size }: Entry): Promise<Uint8Array> {
  const stream = new Blob([file.slice(begin, begin + stored)]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  const result = new Uint8Array(size)
  let at = 0
  try {
    // A reader, as Safari cannot iterate over streams.
    for (const reader = stream.getReader(); ;) {
      const { done, value } = await reader.read()
      if (done) break
      result.set(value, at)
      at += value.length
    }
    if (at === size) return result
  } catch { /* Damaged, or more than there should be. */ }
  throw broken('a record', 'it is damaged')
}
