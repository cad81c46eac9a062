import type { Storage } from '../archive/tensor.ts'
import type { ZipInput } from '../archive/zip-writer.ts'

/** A record of bytes that are there. */
export function bytesRecord(name: string, content: Uint8Array): ZipInput {
  return { name, size: content.length, content }
}

/** The records of storages, in the order in which pickles first name them; equal contents are one record. */
export class StorageRecords {
  readonly inputs: ZipInput[] = []
  readonly #keys: Map<string, string> = new Map()
  readonly #folder: string
  readonly #keyOf: (index: number) => string

  /** `folder` ends with a slash; `keyOf` numbers the records in it. */
  constructor(folder: string, keyOf: (index: number) => string = String) {
    this.#folder = folder
    this.#keyOf = keyOf
  }

  /** The name by which a pickle finds a storage's bytes. */
  readonly key = (storage: Storage): string => {
    const known = this.#keys.get(storage.identity)
    if (known !== undefined) return known
    const key = this.#keyOf(this.#keys.size)
    this.#keys.set(storage.identity, key)
    this.inputs.push({
      name: this.#folder + key, size: storage.byteLength, content: () => storage.stream(),
      ...storage.crc32 !== undefined && { crc32: storage.crc32 },
    })
    return key
  }
}
