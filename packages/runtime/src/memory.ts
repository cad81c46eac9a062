import { RuntimeError } from './errors.ts'
import { Tensor, type Storage } from './tensor.ts'
import { PackedObject, ScriptObject, Tuple, type Value } from './values.ts'

/** WebAssembly's own. */
const PAGE = 65_536
/** A vector of the kernels, and a cache line: storages begin on it. */
const ALIGN = 64
/** From this size on it pays to look for garbage before an allocation. */
const COLLECT_BYTES = 16_384
/** Address 0 stays unused, so that it can mean "none". */
const FIRST = 64

interface Block {
  begin: number
  end: number
}

/**
 * The memory of one model: weights, activations and scratch, in one WebAssembly memory that grows and never shrinks.
 *
 * Storages are found dead by marking: a storage lives while something reachable from the interpreter's roots (registers, attributes,
 * arguments of the running operator) refers to it, or while the operator that allocated it runs. There are few roots, so marking
 * costs microseconds, and buffers are reused as early as reference counts would allow without anybody counting.
 */
export class Memory {
  readonly wasm: WebAssembly.Memory
  /** What marking begins with. */
  roots: () => Iterable<Value> = () => []
  /** The call that is running; storages born in it are alive. */
  call = 0
  /** Bytes in storages that may be swept, now and at most. */
  used = 0
  peak = 0
  /** Bytes in storages that stay. */
  pinned = 0

  /** Free blocks by address, never adjacent. */
  readonly #free: Block[] = []
  #end = FIRST
  readonly #storages = new Set<Storage>()
  readonly #pinned = new Set<Storage>()
  readonly #scratch: Block[] = []
  /** Takes what is allocated, while that is to stay. */
  #kept: Storage[] | undefined

  constructor() {
    this.wasm = new WebAssembly.Memory({ initial: 1 })
  }

  /** Bytes of the whole WebAssembly memory. */
  get size(): number {
    return this.wasm.buffer.byteLength
  }

  /** A storage of uninitialised bytes. Typed views on the memory that were taken before are stale afterwards. */
  allocate(byteLength: number): Storage {
    if (this.#kept) return this.#keep(byteLength)
    if (byteLength >= COLLECT_BYTES) this.collect()
    const block = this.#take(byteLength)
    const storage = createStorage(block.begin, byteLength, this.call)
    this.#storages.add(storage)
    this.#count(block.end - block.begin)
    return storage
  }

  /** What is allocated inside of `make` is never swept: weights. */
  keeping<T>(make: () => T): { value: T; storages: readonly Storage[] } {
    const storages: Storage[] = []
    const outer = this.#kept
    this.#kept = storages
    try {
      return { value: make(), storages }
    } finally {
      this.#kept = outer
    }
  }

  #keep(byteLength: number): Storage {
    const storage = this.adopt(this.#take(byteLength).begin, byteLength)
    this.#kept!.push(storage)
    return storage
  }

  /** A pinned storage over bytes that are there already, inside of `file`. */
  adopt(pointer: number, byteLength: number): Storage {
    const storage = createStorage(pointer, byteLength, -1)
    this.#pinned.add(storage)
    this.pinned += aligned(byteLength)
    return storage
  }

  /** The storages that stay. */
  weights(): Iterable<Storage> {
    return this.#pinned
  }

  /** Memory for a whole file; an address. Given back by `releaseAround`. */
  reserve(byteLength: number): number {
    return this.#take(byteLength).begin
  }

  /** Gives back what lies between the adopted storages of a reserved file. */
  releaseAround(begin: number, byteLength: number): void {
    const end = begin + aligned(byteLength)
    const kept = [...this.#pinned].filter(({ pointer }) => pointer >= begin && pointer < end).toSorted((a, b) => a.pointer - b.pointer)
    let free = begin
    for (const { pointer, byteLength: bytes } of kept) {
      if (pointer > free) this.#release({ begin: free, end: pointer })
      free = pointer + aligned(bytes)
    }
    if (end > free) this.#release({ begin: free, end })
  }

  /** Puts a storage elsewhere: whatever its bytes become is to be written to the address that is returned. */
  move(storage: Storage): number {
    const { begin, end } = this.#take(storage.byteLength)
    // The old bytes are read until the running operator ends.
    this.#scratch.push({ begin: storage.pointer, end: storage.pointer + aligned(storage.byteLength) })
    this.#count(end - begin)
    storage.pointer = begin
    return begin
  }

  /** Lets a pinned storage go, whose bytes nobody reads any more. */
  unpin(storage: Storage): void {
    if (!this.#pinned.delete(storage)) return
    this.pinned -= aligned(storage.byteLength)
    this.#release({ begin: storage.pointer, end: storage.pointer + aligned(storage.byteLength) })
  }

  /** Bytes for the running operator alone; an address. */
  scratch(byteLength: number): number {
    const block = this.#take(byteLength)
    this.#scratch.push(block)
    this.#count(block.end - block.begin)
    return block.begin
  }

  /** Called when an operator has ended. */
  endCall(): void {
    this.call++
    for (const block of this.#scratch.splice(0)) {
      this.used -= block.end - block.begin
      this.#release(block)
    }
  }

  /** Frees the storages that nothing refers to. */
  collect(): void {
    const marked = new Set<Storage>()
    const seen = new Set<object>()
    const mark = (value: Value): void => {
      if (typeof value !== 'object' || value === null) return
      if (value instanceof Tensor) {
        marked.add(value.storage)
        return
      }
      if (seen.has(value)) return
      seen.add(value)
      if (Array.isArray(value)) for (const item of value) mark(item)
      else if (value instanceof Tuple) for (const item of value.items) mark(item)
      else if (value instanceof ScriptObject) for (const item of value.slots) mark(item)
      else if (value instanceof Map) for (const [key, item] of value) { mark(key); mark(item) }
      else if (value instanceof PackedObject && value.state !== null) {
        // The model packed it while it runs, so that nothing keeps what was made of it but the object.
        mark(value.state)
        for (const tensor of tensorsIn(value.prepared)) mark(tensor)
      }
    }
    for (const root of this.roots()) mark(root)
    for (const storage of this.#storages) {
      if (storage.born === this.call || marked.has(storage)) continue
      this.#storages.delete(storage)
      this.used -= aligned(storage.byteLength)
      this.#release({ begin: storage.pointer, end: storage.pointer + aligned(storage.byteLength) })
    }
  }

  #count(bytes: number): void {
    this.used += bytes
    if (this.used > this.peak) this.peak = this.used
  }

  /** The smallest free block that fits; after looking for garbage, a new one at the end. */
  #take(byteLength: number): Block {
    const bytes = aligned(byteLength)
    return this.#fit(bytes) ?? (this.collect(), this.#fit(bytes)) ?? this.#extend(bytes)
  }

  #fit(bytes: number): Block | undefined {
    let best = -1
    let bestSize = Infinity
    for (let i = 0; i < this.#free.length; i++) {
      const { begin, end } = this.#free[i]!
      const size = end - begin
      if (size < bytes || size >= bestSize) continue
      best = i
      bestSize = size
      if (size === bytes) break
    }
    if (best < 0) return undefined
    const block = this.#free[best]!
    const { begin } = block
    if (bestSize === bytes) this.#free.splice(best, 1)
    else block.begin += bytes
    return { begin, end: begin + bytes }
  }

  #extend(bytes: number): Block {
    const last = this.#free.at(-1)
    if (last?.end === this.#end) this.#free.pop()
    const begin = last?.end === this.#end ? last.begin : this.#end
    const missing = begin + bytes - this.size
    if (missing > 0) {
      try {
        this.wasm.grow(Math.ceil(missing / PAGE))
      } catch (cause) {
        const message = `The model needs ${Math.ceil((begin + bytes) / 1e6)} MB of memory, which this device does not give. Close other pages, or use a smaller model.`
        throw new RuntimeError('OUT_OF_MEMORY', message, { cause })
      }
    }
    this.#end = Math.max(this.#end, begin + bytes)
    return { begin, end: begin + bytes }
  }

  #release(block: Block): void {
    const free = this.#free
    let low = 0
    let high = free.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (free[middle]!.begin < block.begin) low = middle + 1
      else high = middle
    }
    const before = free[low - 1]
    const after = free[low]
    const joinsBefore = before?.end === block.begin
    const joinsAfter = after?.begin === block.end
    if (joinsBefore && joinsAfter) {
      before.end = after.end
      free.splice(low, 1)
    } else if (joinsBefore) before.end = block.end
    else if (joinsAfter) after.begin = block.begin
    else free.splice(low, 0, block)
  }
}

function createStorage(pointer: number, byteLength: number, born: number): Storage {
  return { pointer, byteLength, born, channelsLast: undefined, version: 0, cache: undefined, original: undefined }
}

/** Storages take whole cache lines; an empty one takes a line too, so that it has an address of its own. */
function aligned(byteLength: number): number {
  return Math.max(Math.ceil(byteLength / ALIGN), 1) * ALIGN
}

/** Tensors in what operators made of packed weights: plain objects and arrays. */
function* tensorsIn(prepared: unknown): Iterable<Tensor> {
  if (prepared instanceof Tensor) yield prepared
  else if (typeof prepared === 'object' && prepared !== null) for (const part of Object.values(prepared)) yield* tensorsIn(part)
}
