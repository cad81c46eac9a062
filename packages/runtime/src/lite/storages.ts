import type { ByteSource } from '../../../core/src/compiler/archive/byte-source.ts'
import { type Archive, requireRecord } from '../../../core/src/compiler/archive/zip-reader.ts'
import { RuntimeError } from '../errors.ts'
import type { Memory } from '../memory.ts'
import { type Dtype, type Storage } from '../tensor.ts'

/** Element types by the storage class that pickles name. */
export const DTYPE_OF_STORAGE: Readonly<Record<string, Dtype | undefined>> = {
  ByteStorage: 'uint8', CharStorage: 'int8', ShortStorage: 'int16', IntStorage: 'int32', LongStorage: 'int64',
  HalfStorage: 'float16', FloatStorage: 'float32', DoubleStorage: 'float64', BoolStorage: 'bool',
}

/** A file that lies in the model's memory. The memory may grow while it is read, so that every read looks at it anew. */
export function memorySource(memory: Memory, address: number, size: number): ByteSource {
  return { size, read: async (begin, end) => new Uint8Array(memory.wasm.buffer, address + begin, end - begin) }
}

/** The storages of one archive by record: where records are stored as they are, these are the downloaded bytes themselves. */
export class Storages {
  readonly #memory: Memory
  readonly #archive: Archive
  readonly #known = new Map<string, Storage>()

  constructor(memory: Memory, archive: Archive) {
    this.#memory = memory
    this.#archive = archive
  }

  /** Reads a storage that a tensor needs; `byteLength` is what the pickle says of it. */
  async load(record: string, byteLength: number): Promise<void> {
    if (this.#known.has(record)) return
    this.#known.set(record, byteLength === 0 ? this.#allocate(0) : await this.#read(record, byteLength))
  }

  /** A storage that was loaded. */
  get(record: string): Storage {
    return this.#known.get(record)!
  }

  async #read(name: string, byteLength: number): Promise<Storage> {
    const record = requireRecord(this.#archive, name, 'which holds the data of a tensor')
    if (record.size !== byteLength) throw new RuntimeError('BAD_MODEL', `'${name}' in the model file has ${record.size} bytes instead of ${byteLength}.`)
    const bytes = await record.range(0, record.size)
    // A view on the file, where the address is one that memory may be given back by: PyTorch aligns its records so.
    if (bytes.buffer === this.#memory.wasm.buffer && bytes.byteOffset % 64 === 0) return this.#memory.adopt(bytes.byteOffset, byteLength)
    const own = bytes.slice()
    const storage = this.#allocate(byteLength)
    new Uint8Array(this.#memory.wasm.buffer, storage.pointer, byteLength).set(own)
    return storage
  }

  #allocate(byteLength: number): Storage {
    return this.#memory.keeping(() => this.#memory.allocate(byteLength)).value
  }
}
