import { crc32 } from './crc32.ts'
import {
  DESCRIPTOR_SIGNATURE, END64_SIGNATURE, END64_SIZE, END_SIGNATURE, END_SIZE, ENTRY_SIGNATURE, ENTRY_SIZE, LOCAL_HEADER_SIZE,
  LOCAL_SIGNATURE, LOCATOR_SIGNATURE, LOCATOR_SIZE, SATURATED_16, SATURATED_32, ZIP64_EXTRA,
} from './zip-format.ts'

/** A record to write. `size` is exact; `crc32`, when given, is believed, so that copied weights are not hashed again. */
export interface ZipInput {
  /** Without the root folder. */
  readonly name: string
  readonly size: number
  readonly crc32?: number
  /** All bytes in order. Asked for once by every run of the archive's stream. */
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>)
}

/** CRC-32 of bytes that follow those with the CRC `seed`. */
export type Checksum = (bytes: Uint8Array, seed: number) => number

/** A zip archive that is made while it is read. */
export interface ZipLayout {
  /** Exact size of the stream. */
  readonly size: number
  /** The archive's bytes in order. A piece is only valid until the next one is asked for. May be called again. */
  stream(): AsyncIterable<Uint8Array>
}

interface Placed {
  readonly input: ZipInput
  readonly name: Uint8Array
  readonly offset: number
  readonly zip64: Uint8Array
  readonly padding: number
}

const ALIGNMENT = 64
const FLAG_UTF8 = 0x0800
const FLAG_DESCRIPTOR = 0x0008
/** Bytes of record content that are put together before they are handed on: many records are tiny. */
const BUFFER = 64 << 10

/**
 * Lays records out as PyTorch's own writer does (caffe2/serialize/inline_container.cc over its patched miniz): stored,
 * data at multiples of 64 bytes by an `FB` extra field, sizes in data descriptors and in the directory, no dates,
 * zip64 end records always. The size is known before any content is; CRCs are computed while streaming where they are not given.
 */
export function layoutZip(root: string, inputs: readonly ZipInput[], checksum: Checksum = crc32): ZipLayout {
  const encoder = new TextEncoder()
  const placed: Placed[] = []
  const names = new Set<string>()
  let at = 0
  let directorySize = 0
  for (const input of inputs) {
    if (names.has(input.name)) throw new Error(`two records named '${input.name}'`)
    names.add(input.name)
    const name = encoder.encode(`${root}/${input.name}`)
    const zip64 = zip64Extra(input.size, at)
    const unpadded = at + LOCAL_HEADER_SIZE + name.length + zip64.length + 4
    const padding = (ALIGNMENT - unpadded % ALIGNMENT) % ALIGNMENT
    placed.push({ input, name, offset: at, zip64, padding })
    at = unpadded + padding + input.size + descriptorSize(input.size, zip64)
    directorySize += ENTRY_SIZE + name.length + zip64.length
  }
  const directoryOffset = at
  return {
    size: directoryOffset + directorySize + END64_SIZE + LOCATOR_SIZE + END_SIZE,
    stream: () => gather(pieces(placed, directoryOffset, directorySize, checksum)),
  }
}

async function* pieces(
  placed: readonly Placed[], directoryOffset: number, directorySize: number, checksum: Checksum,
): AsyncGenerator<Uint8Array> {
  const crcs: number[] = []
  for (const record of placed) {
    const { input } = record
    yield localHeader(record)
    let crc = input.crc32 ?? 0
    let size = 0
    for await (const piece of input.content instanceof Uint8Array ? [input.content] : input.content()) {
      if (input.crc32 === undefined) crc = checksum(piece, crc)
      size += piece.length
      if (size > input.size) break
      yield piece
    }
    if (size !== input.size) throw new Error(`record '${input.name}' was announced with ${input.size} bytes and has ${size}`)
    crcs.push(crc)
    if (input.size > 0) yield descriptor(record, crc)
  }
  for (let i = 0; i < placed.length; i++) yield directoryEntry(placed[i]!, crcs[i]!)
  yield endRecords(placed.length, directoryOffset, directorySize)
}

/** Joins small pieces; passes large ones on as they are. */
async function* gather(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(BUFFER)
  let used = 0
  for await (const piece of source) {
    if (used + piece.length > BUFFER && used > 0) {
      yield buffer.subarray(0, used)
      used = 0
    }
    if (piece.length >= BUFFER) {
      yield piece
    } else {
      buffer.set(piece, used)
      used += piece.length
    }
  }
  if (used > 0) yield buffer.subarray(0, used)
}

/** Only where a number does not fit; for sizes always both. The same in the local header and the directory, as miniz does. */
function zip64Extra(size: number, offset: number): Uint8Array {
  const values: number[] = []
  if (size >= SATURATED_32) values.push(size, size)
  if (offset >= SATURATED_32) values.push(offset)
  if (values.length === 0) return new Uint8Array()
  const view = new DataView(new ArrayBuffer(4 + 8 * values.length))
  view.setUint16(0, ZIP64_EXTRA, true)
  view.setUint16(2, 8 * values.length, true)
  values.forEach((value, i) => view.setBigUint64(4 + 8 * i, BigInt(value), true))
  return new Uint8Array(view.buffer)
}

function flags(size: number): number {
  return size > 0 ? FLAG_UTF8 | FLAG_DESCRIPTOR : FLAG_UTF8
}

function localHeader({ input, name, zip64, padding }: Placed): Uint8Array {
  const extraSize = zip64.length + 4 + padding
  const bytes = new Uint8Array(LOCAL_HEADER_SIZE + name.length + extraSize)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, LOCAL_SIGNATURE, true)
  view.setUint16(6, flags(input.size), true)
  view.setUint16(26, name.length, true)
  view.setUint16(28, extraSize, true)
  bytes.set(name, LOCAL_HEADER_SIZE)
  bytes.set(zip64, LOCAL_HEADER_SIZE + name.length)
  const field = LOCAL_HEADER_SIZE + name.length + zip64.length
  view.setUint16(field, 0x4246, true)
  view.setUint16(field + 2, padding, true)
  bytes.fill(0x5a, field + 4)
  return bytes
}

function descriptorSize(size: number, zip64: Uint8Array): number {
  if (size === 0) return 0
  return zip64.length > 0 ? 24 : 16
}

function descriptor({ input, zip64 }: Placed, crc: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(descriptorSize(input.size, zip64)))
  view.setUint32(0, DESCRIPTOR_SIGNATURE, true)
  view.setUint32(4, crc, true)
  if (zip64.length > 0) {
    view.setBigUint64(8, BigInt(input.size), true)
    view.setBigUint64(16, BigInt(input.size), true)
  } else {
    view.setUint32(8, input.size, true)
    view.setUint32(12, input.size, true)
  }
  return new Uint8Array(view.buffer)
}

function directoryEntry({ input, name, offset, zip64 }: Placed, crc: number): Uint8Array {
  const bytes = new Uint8Array(ENTRY_SIZE + name.length + zip64.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, ENTRY_SIGNATURE, true)
  view.setUint16(8, flags(input.size), true)
  view.setUint32(16, crc, true)
  view.setUint32(20, Math.min(input.size, SATURATED_32), true)
  view.setUint32(24, Math.min(input.size, SATURATED_32), true)
  view.setUint16(28, name.length, true)
  view.setUint16(30, zip64.length, true)
  view.setUint32(42, Math.min(offset, SATURATED_32), true)
  bytes.set(name, ENTRY_SIZE)
  bytes.set(zip64, ENTRY_SIZE + name.length)
  return bytes
}

function endRecords(count: number, directoryOffset: number, directorySize: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(END64_SIZE + LOCATOR_SIZE + END_SIZE))
  view.setUint32(0, END64_SIGNATURE, true)
  view.setBigUint64(4, BigInt(END64_SIZE - 12), true)
  view.setUint16(12, 0x031e, true)
  view.setUint16(14, 0x002d, true)
  view.setBigUint64(24, BigInt(count), true)
  view.setBigUint64(32, BigInt(count), true)
  view.setBigUint64(40, BigInt(directorySize), true)
  view.setBigUint64(48, BigInt(directoryOffset), true)
  view.setUint32(END64_SIZE, LOCATOR_SIGNATURE, true)
  view.setBigUint64(END64_SIZE + 8, BigInt(directoryOffset + directorySize), true)
  view.setUint32(END64_SIZE + 16, 1, true)
  const end = END64_SIZE + LOCATOR_SIZE
  view.setUint32(end, END_SIGNATURE, true)
  view.setUint16(end + 8, Math.min(count, SATURATED_16), true)
  view.setUint16(end + 10, Math.min(count, SATURATED_16), true)
  view.setUint32(end + 12, Math.min(directorySize, SATURATED_32), true)
  view.setUint32(end + 16, Math.min(directoryOffset, SATURATED_32), true)
  return new Uint8Array(view.buffer)
}
