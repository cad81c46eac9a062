// Reads valid archives into records, and writes records as archives, valid or broken on purpose.
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

/** Compressed data by what it holds. */
const PACKED = new WeakMap()

/** The records of a valid archive: {root, records: [{name, data, deflated}]}; names have no root folder. */
export function readArchive(file) {
  const bytes = Buffer.from(file)
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  const count = bytes.readUInt16LE(end + 10)
  let at = bytes.readUInt32LE(end + 16)
  const records = []
  let root = ''
  for (let i = 0; i < count; i++) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field))
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes)
    const local = bytes.readUInt32LE(at + 42)
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
    const data = bytes.subarray(start, start + bytes.readUInt32LE(at + 20))
    const deflated = bytes.readUInt16LE(at + 10) === 8
    root = name.slice(0, name.indexOf('/'))
    const record = { name: name.slice(root.length + 1), data: deflated ? inflateRawSync(data) : data, deflated }
    // Most records stay as they are: packing them again for every file would take most of the time.
    if (deflated) PACKED.set(record.data, data)
    records.push(record)
    at += 46 + nameBytes + extraBytes + commentBytes
  }
  return { root, records }
}

/** Padding that PyTorch puts before data, which aligns it to 64 bytes. */
const ALIGNMENT = 64

/**
 * An archive of the records. A record's `fault` and `faults` for the whole say what is wrong with it: any field of a header by its
 * name, with the value to write in place of the right one.
 */
export function writeArchive({ root, records, faults = {} }) {
  const parts = []
  const directory = []
  let at = 0
  const put = (part) => {
    parts.push(part)
    at += part.length
  }
  if (faults.prefix) put(faults.prefix)
  for (const record of records) {
    const { fault = {} } = record
    const name = fault.rawName ?? Buffer.from(fault.root === undefined ? `${root}/${record.name}` : `${fault.root}${record.name}`)
    const data = record.deflated ? PACKED.get(record.data) ?? deflateRawSync(record.data, { level: 1 }) : record.data
    const stored = fault.data ?? data
    const header = {
      flags: 0x0800, method: record.deflated ? 8 : 0, time: 0, date: 0, crc: crc32(record.data), csize: stored.length, usize: record.data.length,
      extra: padding(at + 30 + name.length), offset: at, disk: 0, comment: Buffer.alloc(0), signature: 0x04034b50, ...fault,
    }
    if (fault.overlap) header.offset = fault.overlap % Math.max(at, 1)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(u32(header.signature), 0)
    local.writeUInt16LE(20, 4)
    local.writeUInt16LE(u16(header.localFlags ?? header.flags), 6)
    local.writeUInt16LE(u16(header.localMethod ?? header.method), 8)
    local.writeUInt32LE(u32(header.localCrc ?? header.crc), 14)
    local.writeUInt32LE(u32(header.localCsize ?? header.csize), 18)
    local.writeUInt32LE(u32(header.localUsize ?? header.usize), 22)
    local.writeUInt16LE(u16(header.localNameBytes ?? name.length), 26)
    local.writeUInt16LE(u16(header.localExtraBytes ?? header.extra.length), 28)
    put(local)
    put(name)
    put(header.extra)
    put(stored)
    const extra = header.zip64 ?? Buffer.alloc(0)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(u32(header.entrySignature ?? 0x02014b50), 0)
    entry.writeUInt16LE(20, 6)
    entry.writeUInt16LE(u16(header.flags), 8)
    entry.writeUInt16LE(u16(header.method), 10)
    entry.writeUInt32LE(u32(header.crc), 16)
    entry.writeUInt32LE(u32(header.csize), 20)
    entry.writeUInt32LE(u32(header.usize), 24)
    entry.writeUInt16LE(u16(header.nameBytes ?? name.length), 28)
    entry.writeUInt16LE(u16(header.extraBytes ?? extra.length), 30)
    entry.writeUInt16LE(header.comment.length, 32)
    entry.writeUInt16LE(u16(header.disk), 34)
    entry.writeUInt32LE(u32(header.offset), 42)
    directory.push(entry, name, extra, header.comment)
  }
  const start = at
  for (const part of directory) put(part)
  const end = { count: records.length, size: at - start, offset: start, disk: 0, comment: Buffer.alloc(0), ...faults.end }
  if (faults.zip64End) {
    const where = at
    put(zip64End({ count: records.length, size: at - start, offset: start, where, ...faults.zip64End }))
  }
  if (!faults.noEnd) put(endRecord(end))
  if (faults.suffix) put(faults.suffix)
  const file = Buffer.concat(parts)
  return faults.cut === undefined ? file : file.subarray(0, file.length - (faults.cut % file.length))
}

function padding(offset) {
  const bytes = (ALIGNMENT - ((offset + 4) % ALIGNMENT)) % ALIGNMENT
  const extra = Buffer.alloc(4 + bytes, 'Z')
  extra.write('FB', 0, 'latin1')
  extra.writeUInt16LE(bytes, 2)
  return extra
}

function endRecord({ count, size, offset, disk, comment, total = count }) {
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(u16(disk), 4)
  end.writeUInt16LE(u16(disk), 6)
  end.writeUInt16LE(u16(count), 8)
  end.writeUInt16LE(u16(total), 10)
  end.writeUInt32LE(u32(size), 12)
  end.writeUInt32LE(u32(offset), 16)
  end.writeUInt16LE(comment.length, 20)
  return Buffer.concat([end, comment])
}

function zip64End({ count, size, offset, where, locator = where, endSize = 44 }) {
  const bytes = Buffer.alloc(76)
  bytes.write('PK\x06\x06', 0, 'latin1')
  bytes.writeBigUInt64LE(u64(endSize), 4)
  bytes.writeUInt16LE(45, 12)
  bytes.writeUInt16LE(45, 14)
  bytes.writeBigUInt64LE(u64(count), 24)
  bytes.writeBigUInt64LE(u64(count), 32)
  bytes.writeBigUInt64LE(u64(size), 40)
  bytes.writeBigUInt64LE(u64(offset), 48)
  bytes.write('PK\x06\x07', 56, 'latin1')
  bytes.writeBigUInt64LE(u64(locator), 64)
  bytes.writeUInt32LE(1, 72)
  return bytes
}

/** The extra field of sizes that do not fit into 32 bits. */
export function zip64Extra(values) {
  const extra = Buffer.alloc(4 + 8 * values.length)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8 * values.length, 2)
  values.forEach((value, i) => extra.writeBigUInt64LE(u64(value), 4 + 8 * i))
  return extra
}

const u16 = (value) => Number(BigInt.asUintN(16, BigInt(value)))
const u32 = (value) => Number(BigInt.asUintN(32, BigInt(value)))
const u64 = (value) => BigInt.asUintN(64, BigInt(value))
