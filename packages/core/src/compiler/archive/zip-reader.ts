import { PetalError } from '../errors.ts'
import type { ByteSource } from './byte-source.ts'
import { crc32 } from './crc32.ts'
import { brokenRecord, inflate } from './inflate.ts'
import { PIECE_BYTES, readAhead, releaseBuffer, takeBuffer } from './pieces.ts'
import { archiveLimit, brokenArchive, readZipDirectory, ZIP_LIMITS, type ZipEntry } from './zip-directory.ts'
import { LOCAL_HEADER_SIZE, LOCAL_SIGNATURE } from './zip-format.ts'

/** One file inside a model archive. Nothing of it is read before it is asked for. */
export interface ArchiveRecord {
  /** Without the root folder: `data/0`, `code/__torch__.py`. */
  readonly name: string
  /** Bytes, inflated. */
  readonly size: number
  /** Of all inflated bytes, as the archive's directory tells it. */
  readonly crc32: number
  readonly compressed: boolean
  /** All bytes, checked against the CRC. */
  read(): Promise<Uint8Array>
  /** The bytes of [begin, end); of a compressed record, everything before is inflated on the way. Not checked against the CRC. */
  range(begin: number, end: number): Promise<Uint8Array>
  /**
   * All bytes in order, in pieces of at most a mebibyte; a piece is only valid until the next one is asked for.
   * Compressed records are checked against the CRC; stored ones are not, so that copying costs no hashing:
   * who copies them writes the directory's CRC beside them, and whoever loads the copy finds the damage.
   */
  stream(): AsyncIterable<Uint8Array>
}

/** A zip archive as PyTorch writes it: all records in one root folder. */
export interface Archive {
  /** The folder's name, `archive` or the name of the file it was saved as. */
  readonly root: string
  /** By name, in the directory's order. */
  readonly records: ReadonlyMap<string, ArchiveRecord>
}

/** PyTorch pads headers with up to 67 bytes and up to 28 of zip64: reading so much at once finds nearly all data starts. */
const HEADER_GUESS = 128
/** Records up to here are read together with their header. */
const SMALL_RECORD = 64 << 10

/**
 * Opens a model archive and checks its directory. Costs two or three small reads, whatever the size of the file.
 * Throws a PetalError (`BROKEN_ARCHIVE`, `UNSUPPORTED_ARCHIVE`, `ARCHIVE_LIMIT`, `NO_ROOT_FOLDER`).
 */
export async function openArchive(source: ByteSource): Promise<Archive> {
  return archiveOf(source, await readZipDirectory(source))
}

/** {@link openArchive} for a directory that has been read already. */
export function archiveOf(source: ByteSource, entries: readonly ZipEntry[]): Archive {
  const first = entries[0]?.name ?? ''
  const root = first.slice(0, Math.max(first.indexOf('/'), 0))
  const records = new Map<string, ArchiveRecord>()
  for (const entry of entries) {
    if (root === '' || !entry.name.startsWith(`${root}/`)) throw noRoot(entry.name, root)
    const name = entry.name.slice(root.length + 1)
    // Entries that stand for a folder, which general zip programs add.
    if (entry.size === 0 && (name === '' || name.endsWith('/'))) continue
    records.set(name, new ZipRecord(source, entry, name))
  }
  return { root, records }
}

/** The record, or a PetalError that names what is missing and `why` it is needed. */
export function requireRecord(archive: Archive, name: string, why: string): ArchiveRecord {
  const record = archive.records.get(name)
  if (record !== undefined) return record
  throw new PetalError({
    code: 'MISSING_RECORD',
    message: `The model file has no record '${name}', ${why}.`,
    cause: 'The file is incomplete, or something other than torch.jit.save wrote it.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

function noRoot(name: string, root: string): PetalError {
  return new PetalError({
    code: 'NO_ROOT_FOLDER',
    message: root === ''
      ? `The model file has no root folder: its record '${name}' lies at the top.`
      : `The model file has more than one root folder: '${name}' is not inside '${root}/'.`,
    cause: 'torch.jit.save puts everything into one folder; the file was unpacked and zipped again, or is not a model.',
    fix: 'Use the file as torch.jit.save wrote it.',
  })
}

class ZipRecord implements ArchiveRecord {
  readonly name: string
  readonly size: number
  readonly crc32: number
  readonly compressed: boolean
  readonly #source: ByteSource
  readonly #entry: ZipEntry
  #dataStart: number | undefined

  constructor(source: ByteSource, entry: ZipEntry, name: string) {
    this.name = name
    this.size = entry.size
    this.crc32 = entry.crc32
    this.compressed = entry.compressed
    this.#source = source
    this.#entry = entry
  }

  async read(): Promise<Uint8Array> {
    if (this.compressed && this.size > ZIP_LIMITS.inflatedInMemory) {
      throw archiveLimit(`its record '${this.name}' would inflate to ${this.size} bytes`, `${ZIP_LIMITS.inflatedInMemory}`)
    }
    const bytes = this.compressed ? await this.#inflateAll() : await this.#readData(0, this.size)
    this.#check(crc32(bytes))
    return bytes
  }

  async range(begin: number, end: number): Promise<Uint8Array> {
    if (!(begin >= 0 && begin <= end && end <= this.size)) {
      throw new RangeError(`[${begin}, ${end}) is outside of '${this.name}', which has ${this.size} bytes`)
    }
    return this.compressed ? this.#collect(begin, end) : this.#readData(begin, end)
  }

  async* stream(): AsyncGenerator<Uint8Array> {
    if (!this.compressed) {
      yield* this.#streamStored()
      return
    }
    let crc = 0
    for await (const piece of this.#inflated()) {
      crc = crc32(piece, crc)
      yield piece
    }
    this.#check(crc)
  }

  async* #streamStored(): AsyncGenerator<Uint8Array> {
    if (this.size <= PIECE_BYTES) {
      if (this.size > 0) yield this.#readData(0, this.size)
      return
    }
    yield* readAhead(this.#storedPieces(await this.#locate()))
  }

  async* #storedPieces(start: number): AsyncGenerator<Uint8Array> {
    const source = this.#source
    if (source.readInto === undefined) {
      for (let at = 0; at < this.size; at += PIECE_BYTES) yield source.read(start + at, start + Math.min(at + PIECE_BYTES, this.size))
      return
    }
    const buffers = [takeBuffer(), takeBuffer()]
    try {
      for (let at = 0; at < this.size; at += PIECE_BYTES) {
        const target = buffers[(at / PIECE_BYTES) % 2]!.subarray(0, Math.min(PIECE_BYTES, this.size - at))
        await source.readInto(target, start + at)
        yield target
      }
    } finally {
      buffers.forEach(releaseBuffer)
    }
  }

  async #inflateAll(): Promise<Uint8Array> {
    const { compressedSize } = this.#entry
    const source = this.#source
    if (source.inflateRaw === undefined || compressedSize > SMALL_RECORD || this.size > PIECE_BYTES) return this.#collect(0, this.size)
    const compressed = await this.#readData(0, compressedSize)
    try {
      return source.inflateRaw(compressed, this.size)
    } catch {
      throw brokenRecord(this.#label, 'its compressed data is damaged')
    }
  }

  get #label(): string {
    return `Record '${this.name}' of the model file`
  }

  /** Bytes [begin, end) of the record's data as it lies in the file. */
  async #readData(begin: number, end: number): Promise<Uint8Array> {
    const { offset, end: entryEnd, compressedSize } = this.#entry
    if (this.#dataStart === undefined && compressedSize <= SMALL_RECORD) {
      const tail = Math.min(entryEnd - offset, LOCAL_HEADER_SIZE + this.#entry.name.length + HEADER_GUESS + compressedSize)
      const bytes = await this.#source.read(offset, offset + tail)
      const start = this.#parseHeader(bytes)
      if (start + compressedSize <= bytes.length) return bytes.slice(start + begin, start + end)
    }
    const start = await this.#locate()
    return begin === end ? new Uint8Array() : this.#source.read(start + begin, start + end)
  }

  async #collect(begin: number, end: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let at = 0
    for await (const piece of this.#inflated()) {
      const from = Math.max(begin - at, 0)
      const to = Math.min(end - at, piece.length)
      // Copied, as the whole piece would be kept for a slice of it.
      if (from < to) parts.push(piece.slice(from, to))
      at += piece.length
      if (at >= end && end < this.size) break
    }
    return concat(parts, end - begin)
  }

  #inflated(): AsyncGenerator<Uint8Array> {
    return inflate(this.#compressedPieces(), this.size, this.#label)
  }

  async* #compressedPieces(): AsyncGenerator<Uint8Array> {
    const start = await this.#locate()
    const end = start + this.#entry.compressedSize
    for (let at = start; at < end; at += PIECE_BYTES) yield this.#source.read(at, Math.min(at + PIECE_BYTES, end))
  }

  async #locate(): Promise<number> {
    if (this.#dataStart === undefined) {
      const { offset, end, name } = this.#entry
      this.#parseHeader(await this.#source.read(offset, Math.min(end, offset + LOCAL_HEADER_SIZE + name.length + HEADER_GUESS)))
    }
    return this.#dataStart!
  }

  /** Finds where the data begins from the local header at the start of `bytes`; returns it relative to the header. */
  #parseHeader(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (view.getUint32(0, true) !== LOCAL_SIGNATURE) throw brokenArchive(`the header of its record '${this.name}' is missing`)
    const start = LOCAL_HEADER_SIZE + view.getUint16(26, true) + view.getUint16(28, true)
    const { offset, end, compressedSize } = this.#entry
    if (offset + start + compressedSize > end) throw brokenArchive(`its record '${this.name}' overlaps what follows it`)
    this.#dataStart = offset + start
    return start
  }

  #check(crc: number): void {
    if (crc === this.crc32) return
    throw brokenRecord(this.#label, 'its checksum is wrong')
  }
}

function concat(parts: readonly Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
