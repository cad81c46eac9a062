import type { Machine } from '../machine.ts'
import { DTYPES, type Dtype, type Storage } from '../tensor.ts'
import { broken } from './broken.ts'
import { type Directory, readDirectory } from './zip.ts'

/** Element types by the storage class that pickles name. */
const STORAGES: Readonly<Record<string, Dtype>> = {
  Byte: 'uint8', Char: 'int8', Short: 'int16', Int: 'int32', Long: 'int64', Half: 'float16', Float: 'float32', Double: 'float64', Bool: 'bool',
}

/** A model file that lies in the machine's memory. Weights are adopted where they lie. */
export class LiteArchive {
  readonly #machine: Machine
  readonly #address: number
  readonly #directory: Directory
  /** Records that were compressed; PyTorch writes none. */
  readonly #inflated = new Map<string, Uint8Array>()
  readonly #storages = new Map<string, Storage>()

  private constructor(machine: Machine, address: number, directory: Directory) {
    this.#machine = machine
    this.#address = address
    this.#directory = directory
  }

  static async open(machine: Machine, address: number, size: number): Promise<LiteArchive> {
    const file = machine.u8.subarray(address, address + size) as Uint8Array<ArrayBuffer>
    const archive = new LiteArchive(machine, address, readDirectory(file))
    for (const [name, entry] of archive.#directory) {
      if (entry.isCompressed) archive.#inflated.set(name, await (await import('./inflate.ts')).inflate(file, entry))
    }
    if (archive.has('byteorder') && archive.text('byteorder') === 'big') throw broken('byteorder', 'the file was saved on a big-endian machine')
    return archive
  }

  get names(): readonly string[] {
    return [...this.#directory.keys()]
  }

  has(name: string): boolean {
    return this.#directory.has(name)
  }

  /** A record's bytes; stale when the memory grows. */
  bytes(name: string): Uint8Array {
    const entry = this.#directory.get(name)
    if (!entry) throw broken(name, 'it is not there')
    const begin = this.#address + entry.begin
    return this.#inflated.get(name) ?? this.#machine.u8.subarray(begin, begin + entry.stored)
  }

  text(name: string): string {
    return new TextDecoder().decode(this.bytes(name)).trim()
  }

  /** The storage in a record, of a type that pickles name (`FloatStorage`). */
  storage(name: string, type: string, count: number): { storage: Storage; dtype: Dtype } {
    const kind = type.replace('Storage', '')
    const dtype = Object.hasOwn(STORAGES, kind) ? STORAGES[kind] : undefined
    if (!dtype) throw this.#machine.unsupported(`tensors of type ${kind}`)
    const storage = this.#storages.get(name) ?? this.#load(name, count * DTYPES[dtype].bytes)
    this.#storages.set(name, storage)
    if (storage.byteLength !== count * DTYPES[dtype].bytes) throw broken(name, 'it has another size than it should')
    return { storage, dtype }
  }

  #load(name: string, byteLength: number): Storage {
    const { memory } = this.#machine
    const entry = this.#directory.get(name)
    const isRaw = byteLength > 0 && entry?.isCompressed === false && entry.stored === byteLength
    // Memory is given back by whole cache lines; PyTorch aligns its records so.
    if (isRaw && (this.#address + entry.begin) % 64 === 0) return memory.adopt(this.#address + entry.begin, byteLength)
    const { value } = memory.keeping(() => memory.allocate(byteLength))
    if (byteLength > 0) this.#machine.u8.set(this.bytes(name).subarray(0, byteLength), value.pointer)
    return value
  }
}
