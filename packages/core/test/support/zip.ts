import { crc32, deflateRawSync } from 'node:zlib'

/** A record of a zip archive, for archives that no honest writer makes. */
export interface RawRecord {
  readonly name: string
  readonly bytes: Uint8Array
  readonly deflate?: boolean
  /** Declared in place of the true size. */
  readonly claimedSize?: number
}

/** A zip archive without alignment and zip64. */
export function rawZip(records: readonly RawRecord[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, bytes, deflate = false, claimedSize = bytes.length } of records) {
    const data = deflate ? deflateRawSync(bytes) : Buffer.from(bytes)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(deflate ? 8 : 0, 4)
    common.writeUInt32LE(checksum(bytes), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(claimedSize, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data])
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, rest, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(records.length, 8)
  end.writeUInt16LE(records.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, central, end])
}

/** CRC-32 by zlib, which Node has from 20.15 on; the types are older. */
const checksum = crc32 as (bytes: Uint8Array) => number
