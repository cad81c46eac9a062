import { FIELD_BYTES, FILE_IDENTIFIER, NO_ARGS_KNOWN, TABLES, type FieldType, type TableName } from './schema.ts'

/** A piece of a flatbuffer that others refer to. */
export type Part =
  | { readonly kind: 'table'; readonly table: TableName; readonly fields: Readonly<Record<string, number | boolean | Part | undefined>> }
  | { readonly kind: 'vector'; readonly items: readonly Part[] }
  /** Numbers or structs, little-endian; `align` is what the first one wants. A struct of a union is one without a `count`. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly align: number; readonly count?: number }
  /** Equal ones are written once. */
  | { readonly kind: 'string'; readonly text: string }
  /** A vector of bytes that is not in memory; it lies behind everything else. */
  | { readonly kind: 'data'; readonly size: number; readonly align: number }

/** What comes before the data, and where the data go: each vector is its length (4 bytes), then its bytes. */
export interface Laid {
  readonly head: Uint8Array
  /** In the order in which they were met; positions of the first byte, ascending. */
  readonly data: readonly { readonly part: Part; readonly at: number }[]
  readonly size: number
}

/**
 * Lays out a flatbuffer (flatbuffers.dev, "FlatBuffer internals") front to back: offsets only lead forwards, so that what is large can
 * come last and needs not be in memory. PyTorch's builder writes back to front; readers do not care.
 */
export function layOut(root: Part): Laid {
  return new Layout().run(root)
}

class Layout {
  #bytes: Uint8Array = new Uint8Array(1 << 16)
  #view: DataView = new DataView(this.#bytes.buffer)
  #size = 0
  /** References that are to be set to a part that is written later. */
  readonly #todo: { readonly at: number; readonly part: Part }[] = []
  readonly #strings: Map<string, number[]> = new Map()
  readonly #data: Map<Part, number[]> = new Map()
  readonly #vtables: Map<string, number> = new Map()
  readonly #encoder = new TextEncoder()

  run(root: Part): Laid {
    this.#refer(this.#take(4, 4), root)
    this.#put(this.#encoder.encode(FILE_IDENTIFIER), 1)
    for (let i = 0; i < this.#todo.length; i++) {
      const { at, part } = this.#todo[i]!
      this.#view.setUint32(at, this.#part(part) - at, true)
    }
    for (const [text, users] of this.#strings) {
      const bytes = this.#encoder.encode(text)
      const begin = this.#take(4, 4)
      this.#view.setUint32(begin, bytes.length, true)
      this.#put(bytes, 1)
      this.#take(1, 1)
      for (const at of users) this.#view.setUint32(at, begin - at, true)
    }
    return this.#placeData()
  }

  #placeData(): Laid {
    let end = this.#size
    const data: { part: Part; at: number }[] = []
    for (const [part, users] of this.#data) {
      const { size, align } = part as Part & { kind: 'data' }
      const at = Math.ceil((end + 4) / align) * align
      for (const user of users) this.#view.setUint32(user, at - 4 - user, true)
      data.push({ part, at })
      end = at + size
    }
    return { head: this.#bytes.slice(0, this.#size), data, size: end }
  }

  #refer(at: number, part: Part): void {
    if (part.kind === 'string') this.#strings.set(part.text, [...this.#strings.get(part.text) ?? [], at])
    else if (part.kind === 'data') this.#data.set(part, [...this.#data.get(part) ?? [], at])
    else this.#todo.push({ at, part })
  }

  /** Writes a part and gives its position. */
  #part(part: Part): number {
    switch (part.kind) {
      case 'table': return this.#table(part.table, part.fields)
      case 'vector': {
        const begin = this.#take(4 + 4 * part.items.length, 4)
        this.#view.setUint32(begin, part.items.length, true)
        part.items.forEach((item, i) => this.#refer(begin + 4 + 4 * i, item))
        return begin
      }
      case 'bytes': {
        if (part.count === undefined) return this.#put(part.bytes, part.align)
        const align = Math.max(part.align, 4)
        const length = this.#take(4, 4, Math.ceil((this.#size + 4) / align) * align - 4)
        this.#view.setUint32(length, part.count, true)
        this.#put(part.bytes, part.align)
        return length
      }
      default: throw new Error(`${part.kind} is not written by itself`)
    }
  }

  /** A table is the distance to its vtable, then its fields, larger ones first. Fields that are absent or have their default take no room. */
  #table(name: TableName, fields: Readonly<Record<string, number | boolean | Part | undefined>>): number {
    const types: Readonly<Record<string, FieldType>> = TABLES[name]
    const names = Object.keys(types)
    const present = names.filter((field) => fields[field] !== undefined && fields[field] !== false && fields[field] !== defaultOf(field))
    const offsets = new Map<string, number>()
    let size = 4
    for (const field of present.toSorted((a, b) => FIELD_BYTES[types[b]!] - FIELD_BYTES[types[a]!])) {
      const bytes = FIELD_BYTES[types[field]!]
      size = Math.ceil(size / bytes) * bytes
      offsets.set(field, size)
      size += bytes
    }
    const last = names.findLastIndex((field) => offsets.has(field))
    const vtable = this.#vtable([4 + 2 * (last + 1), size, ...names.slice(0, last + 1).map((field) => offsets.get(field) ?? 0)])
    const begin = this.#take(size, present.some((field) => types[field] === 'f64') ? 8 : 4)
    this.#view.setInt32(begin, begin - vtable, true)
    for (const [field, offset] of offsets) this.#field(begin + offset, types[field]!, fields[field]!)
    return begin
  }

  #field(at: number, type: FieldType, value: number | boolean | Part): void {
    if (typeof value === 'object') return this.#refer(at, value)
    switch (type) {
      case 'bool': case 'u8': return this.#view.setUint8(at, Number(value))
      case 'i8': return this.#view.setInt8(at, Number(value))
      case 'u32': return this.#view.setUint32(at, Number(value), true)
      case 'i32': return this.#view.setInt32(at, Number(value), true)
      case 'f64': return this.#view.setFloat64(at, Number(value), true)
      case 'ref': throw new Error('a number where a reference belongs')
    }
  }

  #vtable(entries: readonly number[]): number {
    const key = entries.join()
    let at = this.#vtables.get(key)
    if (at === undefined) {
      at = this.#take(2 * entries.length, 2)
      entries.forEach((entry, i) => this.#view.setUint16(at! + 2 * i, entry, true))
      this.#vtables.set(key, at)
    }
    return at
  }

  #put(bytes: Uint8Array, align: number): number {
    const at = this.#take(bytes.length, align)
    this.#bytes.set(bytes, at)
    return at
  }

  /** Room for `size` bytes at the next multiple of `align`, or from `begin` on. */
  #take(size: number, align: number, begin: number = Math.ceil(this.#size / align) * align): number {
    const end = begin + size
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, end))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#size = end
    return begin
  }
}

/** What readers take a number for that is not there. */
function defaultOf(field: string): number {
  return field === 'num_args_serialized' ? NO_ARGS_KNOWN : 0
}

/** A vector of numbers of one type. */
export function numbers(type: 'u8' | 'u32' | 'i32' | 'i64' | 'f64', values: readonly (number | bigint)[]): Part {
  const size = { u8: 1, u32: 4, i32: 4, i64: 8, f64: 8 }[type]
  const view = new DataView(new ArrayBuffer(size * values.length))
  values.forEach((value, i) => setNumber(view, i * size, type, value))
  return { kind: 'bytes', bytes: new Uint8Array(view.buffer), align: size, count: values.length }
}

function setNumber(view: DataView, at: number, type: 'u8' | 'u32' | 'i32' | 'i64' | 'f64', value: number | bigint): void {
  switch (type) {
    case 'u8': return view.setUint8(at, Number(value))
    case 'u32': return view.setUint32(at, Number(value), true)
    case 'i32': return view.setInt32(at, Number(value), true)
    case 'i64': return view.setBigInt64(at, BigInt(value), true)
    case 'f64': return view.setFloat64(at, Number(value), true)
  }
}

/** A struct that a union refers to: one or two numbers of a type. */
export function struct(type: 'u8' | 'i64' | 'f64', values: readonly (number | bigint)[]): Part {
  const { bytes, align } = numbers(type, values) as Part & { kind: 'bytes' }
  return { kind: 'bytes', bytes, align }
}

export function text(value: string): Part {
  return { kind: 'string', text: value }
}
