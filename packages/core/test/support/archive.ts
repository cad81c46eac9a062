import { readFileSync } from 'node:fs'
import { crc32, deflateRawSync } from 'node:zlib'
import type { Archive, ArchiveRecord } from '../../src/compiler/archive/zip-reader.ts'
import { classType, type ClassType } from '../../src/compiler/ir/class-type.ts'
import { intValue } from '../../src/compiler/ir/ivalue.ts'
import type { EnumType, Type } from '../../src/compiler/ir/types.ts'
import { PetalError } from '../../src/errors.ts'
import type { PickleResolver } from '../../src/compiler/script/unpickle.ts'

/** A file of packages/core/test/fixtures. */
export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/${path}`, import.meta.url)))
}

/** What a hand-made zip entry says of itself; whatever is left out is as it should be. */
export interface ForgedEntry {
  name: string
  data: Uint8Array
  deflate?: boolean
  flags?: number
  method?: number
  crc?: number
  size?: number
  compressedSize?: number
  offset?: number
  localExtra?: Uint8Array
  centralExtra?: Uint8Array
}

/** What its end record says; whatever is left out is as it should be. */
export interface ForgedEnd {
  count?: number
  directorySize?: number
  directoryOffset?: number
  disk?: number
}

/** A plain zip file, without any of PyTorch's habits, that may lie about everything. */
export function forgeZip(entries: readonly ForgedEntry[], end: ForgedEnd = {}): Uint8Array {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const entry of entries) {
    const name = Buffer.from(entry.name)
    const data = entry.deflate ? deflateRawSync(entry.data) : Buffer.from(entry.data)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(entry.flags ?? 0, 2)
    common.writeUInt16LE(entry.method ?? (entry.deflate ? 8 : 0), 4)
    common.writeUInt32LE(entry.crc ?? crc32(entry.data), 10)
    common.writeUInt32LE(entry.compressedSize ?? data.length, 14)
    common.writeUInt32LE(entry.size ?? entry.data.length, 18)
    common.writeUInt16LE(name.length, 22)
    const localCommon = Buffer.from(common)
    localCommon.writeUInt16LE(entry.localExtra?.length ?? 0, 24)
    common.writeUInt16LE(entry.centralExtra?.length ?? 0, 24)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(entry.offset ?? at, 10)
    central.push(Buffer.from('PK\x01\x02\x14\x00'), common, tail, name, Buffer.from(entry.centralExtra ?? []))
    const header = Buffer.concat([Buffer.from('PK\x03\x04'), localCommon, name, Buffer.from(entry.localExtra ?? []), data])
    local.push(header)
    at += header.length
  }
  const directory = Buffer.concat(central)
  const last = Buffer.alloc(22)
  last.write('PK\x05\x06', 'latin1')
  last.writeUInt16LE(end.disk ?? 0, 4)
  last.writeUInt16LE(end.count ?? entries.length, 8)
  last.writeUInt16LE(end.count ?? entries.length, 10)
  last.writeUInt32LE(end.directorySize ?? directory.length, 12)
  last.writeUInt32LE(end.directoryOffset ?? at, 16)
  return new Uint8Array(Buffer.concat([...local, directory, last]))
}

/** An archive in memory, without a zip file around it. */
export function archiveInMemory(files: Readonly<Record<string, Uint8Array>>): Archive {
  const records = Object.entries(files).map(([name, bytes]): [string, ArchiveRecord] => [name, {
    name, size: bytes.length, crc32: crc32(bytes), compressed: false,
    read: async () => bytes, range: async (begin, end) => bytes.subarray(begin, end), async* stream() { yield bytes },
  }])
  return { root: 'archive', records: new Map(records) }
}

const SIMPLE: Readonly<Record<string, Type>> = {
  int: { kind: 'IntType' }, float: { kind: 'FloatType' }, bool: { kind: 'BoolType' }, str: { kind: 'StringType' },
  Tensor: { kind: 'TensorType' }, Any: { kind: 'AnyType' },
}

/** A resolver that takes every class name; `__torch__.Color` is an enum of RED and BLUE. */
export function anyClass(): PickleResolver & { readonly classes: Map<string, ClassType> } {
  const classes = new Map<string, ClassType>()
  const color: EnumType = { kind: 'EnumType', name: '__torch__.Color', value: { kind: 'IntType' }, members: ['RED', 'BLUE'] }
  return {
    classes,
    enumMembers: () => [['RED', intValue(1)], ['BLUE', intValue(2)]],
    resolveClass(name) {
      if (name === color.name) return color
      if (!classes.has(name)) classes.set(name, classType(name))
      return classes.get(name)!
    },
    parseType,
  }
}

/** Just enough of the grammar for the fixtures. */
function parseType(text: string): Type {
  const simple = Object.hasOwn(SIMPLE, text) ? SIMPLE[text] : undefined
  const list = /^List\[(.*)\]$/.exec(text)
  const dict = /^Dict\[(\w+), (.*)\]$/.exec(text)
  if (simple !== undefined) return simple
  if (list !== null) return { kind: 'ListType', element: parseType(list[1]!) }
  if (dict !== null) return { kind: 'DictType', key: parseType(dict[1]!), value: parseType(dict[2]!) }
  throw new PetalError({ code: 'UNKNOWN_TYPE', message: text })
}

/** All bytes of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of stream) parts.push(piece.slice())
  return new Uint8Array(Buffer.concat(parts))
}

/** The code of the PetalError that `work` ends with; anything else that is thrown goes through. */
export async function errorCode(work: () => unknown): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof PetalError) return error.code
    throw error
  }
}
