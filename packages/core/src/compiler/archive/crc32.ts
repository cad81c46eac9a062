/**
 * CRC-32 as zip uses it (reflected polynomial 0xEDB88320), sixteen bytes a step.
 * It runs over every derived weight, so it reads whole words where it can.
 */

const SLICES = 16

const TABLES: Int32Array = makeTables()

function makeTables(): Int32Array {
  const tables = new Int32Array(256 * SLICES)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const previous = tables[i - 256]!
    tables[i] = (previous >>> 8) ^ tables[previous & 255]!
  }
  return tables
}

/** Little-endian words may only be read through a typed array on a little-endian machine. */
const LITTLE_ENDIAN: boolean = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/**
 * The CRC-32 of `bytes`, as an unsigned number. For data in pieces, pass the CRC of what came before as `seed`.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  const T = TABLES
  const end = bytes.length
  let crc = ~seed
  let at = 0
  if (LITTLE_ENDIAN && end >= 64) {
    while ((bytes.byteOffset + at) & 3) crc = (crc >>> 8) ^ T[(crc ^ bytes[at++]!) & 255]!
    const steps = (end - at) >>> 4
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, steps * 4)
    for (let w = 0; w < words.length; w += 4) {
      const a = crc ^ words[w]!
      const b = words[w + 1]!
      const c = words[w + 2]!
      const d = words[w + 3]!
      crc = T[3840 + (a & 255)]! ^ T[3584 + ((a >>> 8) & 255)]! ^ T[3328 + ((a >>> 16) & 255)]! ^ T[3072 + (a >>> 24)]!
        ^ T[2816 + (b & 255)]! ^ T[2560 + ((b >>> 8) & 255)]! ^ T[2304 + ((b >>> 16) & 255)]! ^ T[2048 + (b >>> 24)]!
        ^ T[1792 + (c & 255)]! ^ T[1536 + ((c >>> 8) & 255)]! ^ T[1280 + ((c >>> 16) & 255)]! ^ T[1024 + (c >>> 24)]!
        ^ T[768 + (d & 255)]! ^ T[512 + ((d >>> 8) & 255)]! ^ T[256 + ((d >>> 16) & 255)]! ^ T[d >>> 24]!
    }
    at += steps * 16
  }
  while (at < end) crc = (crc >>> 8) ^ T[(crc ^ bytes[at++]!) & 255]!
  return ~crc >>> 0
}
