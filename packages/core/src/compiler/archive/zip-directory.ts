import { PetalError } from '../errors.ts'
import type { ByteSource } from './byte-source.ts'
import {
  END64_SIGNATURE, END64_SIZE, END_SIGNATURE, END_SIZE, ENTRY_SIGNATURE, ENTRY_SIZE, LOCAL_HEADER_SIZE, LOCATOR_SIGNATURE,
  LOCATOR_SIZE, SATURATED_16, SATURATED_32, ZIP64_EXTRA,
} from './zip-format.ts'

/** What is read of a zip file before anything in it is believed. */
export const ZIP_LIMITS = {
  /** Records of one archive. The largest published TorchScript models have some ten thousand. */
  entries: 262_144,
  /** Bytes of a record's name: what PyTorch's own reader holds (miniz, MZ_ZIP_MAX_ARCHIVE_FILENAME_SIZE). */
  nameBytes: 512,
  /** Bytes of the central directory, which is held in memory: entries of ordinary names fit many times. */
  directoryBytes: 67_108_864,
  /**
   * Inflated bytes of all compressed records for each byte of the file, and the number that is always allowed.
   * Weights hardly compress and code does so about tenfold; a zip bomb reaches a thousand.
   */
  expansion: 200,
  expansionFloor: 67_108_864,
  /** Inflated bytes of a compressed record that is read whole (code, pickles). Weights are streamed, they have no such limit. */
  inflatedInMemory: 67_108_864,
} as const

/** One entry of the central directory, checked. */
export interface ZipEntry {
  /** As stored, with the root folder. */
  readonly name: string
  readonly crc32: number
  readonly compressed: boolean
  readonly compressedSize: number
  readonly size: number
  /** Where the local header begins. */
  readonly offset: number
  /** Where the next entry or the directory begins: no byte of this entry lies at or after it. */
  readonly end: number
}

const FLAG_ENCRYPTED = 0x2041

/** The error of every zip file that breaks its own format. */
export function brokenArchive(why: string): PetalError {
  return new PetalError({
    code: 'BROKEN_ARCHIVE',
    message: `The model file is not a readable zip archive: ${why}.`,
    cause: 'The file was cut short or damaged, for example by an interrupted download.',
    fix: 'Get the file again and compare its size or checksum with the original.',
  })
}

/** The error of a zip file that asks for more than any model needs. */
export function archiveLimit(what: string, limit: string): PetalError {
  return new PetalError({
    code: 'ARCHIVE_LIMIT',
    message: `The model file is refused: ${what}; the limit is ${limit}.`,
    cause: 'No model that PyTorch saves comes near this limit, so the file is damaged or was made to do harm.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

function unsupported(what: string): PetalError {
  return new PetalError({
    code: 'UNSUPPORTED_ARCHIVE',
    message: `The model file is a zip archive of a kind that PyTorch does not write: ${what}.`,
    cause: 'It was re-packed by another program.',
    fix: 'Use the file as torch.jit.save wrote it.',
  })
}

interface Directory {
  readonly count: number
  readonly offset: number
  readonly size: number
}

/**
 * Reads and checks the central directory, in its own order.
 * It is the truth about a zip file: PyTorch leaves the sizes of local headers empty.
 */
export async function readZipDirectory(source: ByteSource): Promise<ZipEntry[]> {
  const directory = await findDirectory(source)
  const view = viewOf(await source.read(directory.offset, directory.offset + directory.size))
  const raw: Omit<ZipEntry, 'end'>[] = []
  const names = new Set<string>()
  let at = 0
  for (let index = 0; index < directory.count; index++) {
    if (at + ENTRY_SIZE > view.byteLength || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      throw brokenArchive(`entry ${index + 1} of ${directory.count} is missing from its directory`)
    }
    const entryEnd = at + ENTRY_SIZE + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    if (entryEnd > view.byteLength) throw brokenArchive(`entry ${index + 1} of its directory is cut off`)
    const entry = parseEntry(view, at)
    if (names.has(entry.name)) throw brokenArchive(`it has two records named '${entry.name}'`)
    names.add(entry.name)
    raw.push(entry)
    at = entryEnd
  }
  const entries = withEnds(raw, directory.offset)
  checkExpansion(entries, source.size)
  return entries
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailSize = Math.min(source.size, END_SIZE + LOCATOR_SIZE + SATURATED_16)
  const tailStart = source.size - tailSize
  const tail = viewOf(await source.read(tailStart, source.size))
  let at = tailSize - END_SIZE
  const isEnd = (): boolean => tail.getUint32(at, true) === END_SIGNATURE && at + END_SIZE + tail.getUint16(at + 20, true) === tailSize
  while (at >= 0 && !isEnd()) at--
  if (at < 0) {
    throw new PetalError({
      code: 'ARCHIVE_END_MISSING',
      message: 'The model file is not a complete zip archive: its end is missing.',
      cause: 'A download or a copy was interrupted, or the file is no model.',
      fix: 'Get the file again and compare its size with the original.',
    })
  }
  let directory = { count: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) }
  let limit = tailStart + at
  const disks = tail.getUint16(at + 4, true) | tail.getUint16(at + 6, true)
  if (at >= LOCATOR_SIZE && tail.getUint32(at - LOCATOR_SIZE, true) === LOCATOR_SIGNATURE) {
    if (tail.getUint32(at - 4, true) > 1) throw unsupported('it is split over several files')
    const offset = safe(tail.getBigUint64(at - LOCATOR_SIZE + 8, true))
    if (offset + END64_SIZE > tailStart + at - LOCATOR_SIZE) throw brokenArchive('its end points outside of the file')
    const wide = viewOf(await source.read(offset, offset + END64_SIZE))
    if (wide.getUint32(0, true) !== END64_SIGNATURE) throw brokenArchive('its zip64 end record is missing')
    const narrow = directory
    const [count, size, start] = [32, 40, 48].map((field) => safe(wide.getBigUint64(field, true))) as [number, number, number]
    directory = { count, size, offset: start }
    if (!agree(narrow.count, count, SATURATED_16) || !agree(narrow.size, size, SATURATED_32)
      || !agree(narrow.offset, start, SATURATED_32)) {
      throw brokenArchive('its two end records contradict each other')
    }
    limit = offset
  } else if (disks !== 0) {
    throw unsupported('it is split over several files')
  }
  checkDirectory(directory, limit)
  return directory
}

/** The short form of a number that has a long one: the same, or saturated. */
function agree(short: number, long: number, saturated: number): boolean {
  return short === saturated || short === long
}

function checkDirectory({ count, offset, size }: Directory, limit: number): void {
  if (count > ZIP_LIMITS.entries) throw archiveLimit(`it claims ${count} records`, `${ZIP_LIMITS.entries}`)
  if (size > ZIP_LIMITS.directoryBytes) throw archiveLimit(`its directory claims ${size} bytes`, `${ZIP_LIMITS.directoryBytes}`)
  if (offset + size > limit) throw brokenArchive('its directory lies outside of the file')
  if (count * ENTRY_SIZE > size) throw brokenArchive(`its directory is too small for ${count} records`)
}

function parseEntry(view: DataView, at: number): Omit<ZipEntry, 'end'> {
  const nameSize = view.getUint16(at + 28, true)
  const extraSize = view.getUint16(at + 30, true)
  if (nameSize > ZIP_LIMITS.nameBytes) throw archiveLimit(`a record's name has ${nameSize} bytes`, `${ZIP_LIMITS.nameBytes}`)
  const name = decodeName(new Uint8Array(view.buffer, view.byteOffset + at + ENTRY_SIZE, nameSize))
  if ((view.getUint16(at + 8, true) & FLAG_ENCRYPTED) !== 0) throw unsupported(`its record '${name}' is encrypted`)
  const method = view.getUint16(at + 10, true)
  if (method !== 0 && method !== 8) throw unsupported(`its record '${name}' is neither stored nor deflated (method ${method})`)
  let compressedSize = view.getUint32(at + 20, true)
  let size = view.getUint32(at + 24, true)
  let disk = view.getUint16(at + 34, true)
  let offset = view.getUint32(at + 42, true)
  if (size === SATURATED_32 || compressedSize === SATURATED_32 || offset === SATURATED_32 || disk === SATURATED_16) {
    let field = findExtra(view, at + ENTRY_SIZE + nameSize, extraSize)
    const wide = (): number => {
      if (field === undefined || field.at + 8 > field.end) throw brokenArchive(`the zip64 sizes of '${name}' are missing`)
      const value = safe(view.getBigUint64(field.at, true))
      field = { at: field.at + 8, end: field.end }
      return value
    }
    if (size === SATURATED_32) size = wide()
    if (compressedSize === SATURATED_32) compressedSize = wide()
    if (offset === SATURATED_32) offset = wide()
    if (disk === SATURATED_16 && field !== undefined && field.at + 4 <= field.end) disk = view.getUint32(field.at, true)
  }
  if (disk !== 0) throw unsupported('it is split over several files')
  const compressed = method === 8
  if (!compressed && compressedSize !== size) throw brokenArchive(`the two sizes of the stored record '${name}' differ`)
  return { name, crc32: view.getUint32(at + 16, true), compressed, compressedSize, size, offset }
}

function findExtra(view: DataView, begin: number, size: number): { at: number; end: number } | undefined {
  for (let at = begin; at + 4 <= begin + size;) {
    const end = at + 4 + view.getUint16(at + 2, true)
    if (end > begin + size) return undefined
    if (view.getUint16(at, true) === ZIP64_EXTRA) return { at: at + 4, end }
    at = end
  }
  return undefined
}

/** Adds to each entry where the next one begins, and refuses entries that share bytes (David Fifield's kind of zip bomb). */
function withEnds(raw: readonly Omit<ZipEntry, 'end'>[], directoryOffset: number): ZipEntry[] {
  const entries = raw.map((entry) => ({ ...entry, end: directoryOffset }))
  const byOffset = entries.toSorted((a, b) => a.offset - b.offset)
  byOffset.forEach((entry, i) => {
    entry.end = Math.min(byOffset[i + 1]?.offset ?? directoryOffset, directoryOffset)
    if (entry.offset + LOCAL_HEADER_SIZE + entry.compressedSize > entry.end) {
      throw brokenArchive(`its record '${entry.name}' overlaps what follows it`)
    }
  })
  return entries
}

function checkExpansion(entries: readonly ZipEntry[], fileSize: number): void {
  let inflated = 0
  for (const entry of entries) if (entry.compressed) inflated += entry.size
  if (inflated > Math.max(ZIP_LIMITS.expansionFloor, fileSize * ZIP_LIMITS.expansion)) {
    throw archiveLimit(`its ${fileSize} bytes would inflate to ${inflated}, as in a zip bomb`, `${ZIP_LIMITS.expansion} times its size`)
  }
}

function decodeName(bytes: Uint8Array): string {
  let name: string
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw brokenArchive('the name of a record is not UTF-8')
  }
  if (name === '' || name.includes('\0')) throw brokenArchive('the name of a record is empty or has a zero byte')
  return name
}

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw brokenArchive('a size in it is larger than any file')
  return Number(value)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
