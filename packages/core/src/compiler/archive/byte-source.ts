/**
 * Random access to the bytes of a model file: a file handle in Node, a Blob in a browser.
 * Reads are ranged so that memory does not grow with the file.
 */
export interface ByteSource {
  /** Total size in bytes. */
  readonly size: number
  /** The bytes of [begin, end). Rejects when the range is outside the file or the file shrank. */
  read(begin: number, end: number): Promise<Uint8Array>
  /** Fills all of `target` with the bytes from `begin` on, where a source can do without new memory for every read. */
  readInto?(target: Uint8Array, begin: number): Promise<void>
  /**
   * Inflates raw deflate data that becomes `size` bytes; throws for any other number of bytes and for damaged data. For a
   * platform that does it faster than a DecompressionStream, whose set-up costs more than a small record.
   */
  inflateRaw?(compressed: Uint8Array, size: number): Uint8Array
  /** CRC-32 of more bytes, after those whose CRC is `seed`, for a platform that does it faster than JavaScript. */
  crc32?(bytes: Uint8Array, seed: number): number
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  const { buffer, byteOffset, byteLength: size } = bytes
  return {
    size,
    async read(begin, end) {
      if (!(begin >= 0 && begin <= end && end <= size)) throw new RangeError(`[${begin}, ${end}) is outside of ${size} bytes`)
      // Never the caller's own class: the slices of Node's Buffer are no copies.
      return new Uint8Array(buffer, byteOffset + begin, end - begin)
    },
  }
}

/** A source over a browser's Blob or File (also Node's `openAsBlob`). */
export function blobSource(blob: { size: number; slice(begin: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> } }): ByteSource {
  return { size: blob.size, read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()) }
}
