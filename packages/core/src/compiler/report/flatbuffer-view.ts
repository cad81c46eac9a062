import type { ByteSource } from '../archive/byte-source.ts'
import { FIELD_BYTES, NO_ARGS_KNOWN, TABLES, type TableName } from '../emit/flatbuffer/schema.ts'

/** Bytes that are read at once. What is large in a file, its weights, is never looked at. */
const PAGE = 1 << 16

/** How many elements of vectors may be read in all: a small file can name one vector any number of times. */
const MAX_ELEMENTS = 1 << 24

/** A table of a flatbuffer: its position, and the places of its fields (0 for those that it has not). */
export interface TableView {
  readonly at: number
  readonly offsets: Readonly<Record<string, number>>
  readonly table: TableName
}

/**
 * Reads a flatbuffer piece by piece (flatbuffers.dev, "FlatBuffer internals"). Every offset is checked against the file; `broken` makes
 * the error.
 */
export class FlatbufferView {
  readonly #source: ByteSource
  readonly #broken: (why: string) => Error
  readonly #pages: Map<number, Promise<Uint8Array>> = new Map()
  #elements = 0

  constructor(source: ByteSource, broken: (why: string) => Error) {
    this.#source = source
    this.#broken = broken
  }

  /** A view of [at, at + length). */
  async view(at: number, length: number): Promise<DataView> {
    const { size } = this.#source
    if (!(at >= 0 && length >= 0 && at + length <= size)) throw this.#broken(`an offset in it leads to byte ${at + length}, and it has ${size}`)
    const first = Math.floor(at / PAGE)
    if (at + length > (first + 1) * PAGE) {
      const bytes = await this.#source.read(at, at + length)
      return new DataView(bytes.buffer, bytes.byteOffset, length)
    }
    let page = this.#pages.get(first)
    if (page === undefined) this.#pages.set(first, page = this.#source.read(first * PAGE, Math.min((first + 1) * PAGE, size)))
    const bytes = await page
    return new DataView(bytes.buffer, bytes.byteOffset + at - first * PAGE, length)
  }

  async #reference(at: number): Promise<number> {
    return at + (await this.view(at, 4)).getUint32(0, true)
  }

  /** The table that a file begins with, or that the offset at `at` leads to. */
  async table(table: TableName, at: number): Promise<TableView> {
    return await this.tableAt(table, await this.#reference(at))
  }

  async tableAt(table: TableName, at: number): Promise<TableView> {
    const vtable = at - (await this.view(at, 4)).getInt32(0, true)
    const size = (await this.view(vtable, 4)).getUint16(0, true)
    const entries = await this.view(vtable, size)
    const offsets = Object.keys(TABLES[table]).map((name, i) => [name, 6 + 2 * i <= size ? entries.getUint16(4 + 2 * i, true) : 0] as const)
    return { at, table, offsets: Object.fromEntries(offsets) }
  }

  /** A field that is a number; what readers take for it where it is not there. */
  async number({ at, table, offsets }: TableView, field: string): Promise<number> {
    const type = TABLES[table][field]!
    const offset = offsets[field]!
    if (offset === 0) return field === 'num_args_serialized' ? NO_ARGS_KNOWN : 0
    const view = await this.view(at + offset, FIELD_BYTES[type])
    switch (type) {
      case 'bool': case 'u8': return view.getUint8(0)
      case 'i8': return view.getInt8(0)
      case 'u32': return view.getUint32(0, true)
      case 'i32': return view.getInt32(0, true)
      case 'f64': return view.getFloat64(0, true)
      case 'ref': throw new Error(`${field} of ${table} is no number`)
    }
  }

  /** Where a field refers to; undefined where it is not there. */
  async target({ at, offsets }: TableView, field: string): Promise<number | undefined> {
    const offset = offsets[field]!
    return offset === 0 ? undefined : await this.#reference(at + offset)
  }

  async string(parent: TableView, field: string): Promise<string> {
    const at = await this.target(parent, field)
    return at === undefined ? '' : await this.#text(at)
  }

  async #text(at: number): Promise<string> {
    const length = (await this.view(at, 4)).getUint32(0, true)
    this.#count(length)
    return new TextDecoder().decode(await this.view(at + 4, length))
  }

  /** The elements of a vector of numbers or structs of `size` bytes, as one view and their number. Empty where it is not there. */
  async vector(parent: TableView, field: string, size: number): Promise<{ readonly view: DataView; readonly count: number }> {
    const at = await this.target(parent, field)
    if (at === undefined) return { view: new DataView(new ArrayBuffer(0)), count: 0 }
    const count = (await this.view(at, 4)).getUint32(0, true)
    this.#count(count)
    return { view: await this.view(at + 4, count * size), count }
  }

  async indices(parent: TableView, field: string): Promise<number[]> {
    const { view, count } = await this.vector(parent, field, 4)
    return Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true))
  }

  /** Where the elements of a vector of offsets lead to. */
  async #targets(parent: TableView, field: string): Promise<number[]> {
    const at = await this.target(parent, field)
    return (await this.indices(parent, field)).map((offset, i) => at! + 4 + 4 * i + offset)
  }

  async tables(parent: TableView, field: string, table: TableName): Promise<TableView[]> {
    const found: TableView[] = []
    for (const at of await this.#targets(parent, field)) found.push(await this.tableAt(table, at))
    return found
  }

  async strings(parent: TableView, field: string): Promise<string[]> {
    const found: string[] = []
    for (const at of await this.#targets(parent, field)) found.push(await this.#text(at))
    return found
  }

  #count(elements: number): void {
    this.#elements += elements
    if (this.#elements > MAX_ELEMENTS) throw this.#broken(`it has more than ${MAX_ELEMENTS} values in lists and texts`)
  }
}
