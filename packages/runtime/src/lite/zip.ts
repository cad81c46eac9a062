import { broken } from './broken.ts'

/** Where a record lies in the file. */
export interface Entry {
  readonly begin: number
  /** Bytes in the file. */
  readonly stored: number
  /** Bytes when inflated. */
  readonly size: number
  readonly isCompressed: boolean
}

/** Records by name, without the folder that all of them are in. */
export type Directory = ReadonlyMap<string, Entry>

const END = 0x06054b50
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const RECORD = 0x02014b50
const LOCAL = 0x04034b50
const END_SIZE = 22
const MAX_COMMENT = 0xffff
const IN_EXTRA = 0xffffffff

/**
 * Reads the directory of a zip archive as PyTorch writes it: all records in one folder, zip64 or not. The file is checked by its digest, so this is
 * less suspicious than the compiler's reader, and an eighth of its size; what lies outside of the file is refused.
 * Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3.
 */
export function readDirectory(file: Uint8Array): Directory {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const u16 = (at: number): number => view.getUint16(at, true)
  const u32 = (at: number): number => view.getUint32(at, true)
  const u64 = (at: number): number => Number(view.getBigUint64(at, true))
  try {
    let end = file.length - END_SIZE
    while (u32(end) !== END) if (--end < file.length - END_SIZE - MAX_COMMENT) throw new RangeError()
    let count = u16(end + 10)
    let at = u32(end + 16)
    if (end >= 20 && u32(end - 20) === LOCATOR_64) {
      const end64 = u64(end - 12)
      if (u32(end64) !== END_64) throw new RangeError()
      count = u64(end64 + 32)
      at = u64(end64 + 48)
    }
    const records = new Map<string, Entry>()
    while (count-- > 0) {
      if (u32(at) !== RECORD) throw new RangeError()
      const [nameLength, extraLength] = [u16(at + 28), u16(at + 30)]
      const name = new TextDecoder().decode(file.subarray(at + 46, at + 46 + nameLength))
      let extra = at + 46 + nameLength
      // The fields of the zip64 part are those that did not fit, in this order.
      while (u16(extra) !== 1 && extra < at + 46 + nameLength + extraLength) extra += 4 + u16(extra + 2)
      const field = (position: number): number => {
        const value = u32(at + position)
        if (value !== IN_EXTRA) return value
        extra += 8
        return u64(extra - 4)
      }
      const size = field(24)
      const stored = field(20)
      const local = field(42)
      if (u32(local) !== LOCAL) throw new RangeError()
      const begin = local + 30 + u16(local + 26) + u16(local + 28)
      if (begin + stored > file.length) throw new RangeError()
      records.set(name.slice(name.indexOf('/') + 1), { begin, stored, size, isCompressed: u16(at + 10) !== 0 })
      at += 46 + nameLength + extraLength + u16(at + 32)
    }
    return records
  } catch {
    throw broken('the file', 'it is not a zip archive, or not all of it is there')
  }
}
