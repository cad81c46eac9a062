import { RuntimeError } from './errors.ts'
import { Memory } from './memory.ts'
import { contiguousStrides, DTYPES, type Dtype, isContiguous, numelOf, sameSizes, type Storage, Tensor } from './tensor.ts'

/** Functions of a WebAssembly module: addresses, counts and floats in, usually nothing out. */
export type Kernels = Readonly<Record<string, (...args: number[]) => number>>

/** A view on the whole memory. */
export type View = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint8Array | Uint16Array | BigInt64Array

/** The floats of a channels-last layout. */
const FLOAT_BYTES = 4

/** What operators work with: memory, tensors in it, their layouts, and kernels. */
export class Machine {
  readonly memory: Memory = new Memory()
  /** By name; filled when the model is loaded. */
  readonly kernels: Record<string, Kernels> = {}
  /** What runs, for messages; the interpreter sets it. */
  running = ''
  /** Takes what the model prints, and what it warns of. */
  say: (text: string, isWarning: boolean) => void = (text, isWarning) => console[isWarning ? 'warn' : 'log'](text)

  // Growing the memory detaches its buffer; the views are made anew then.
  #buffer: ArrayBuffer | undefined
  #views: Record<string, View> = {}

  #view(name: string): View {
    const { buffer } = this.memory.wasm
    if (buffer !== this.#buffer) {
      this.#buffer = buffer
      this.#views = {
        f32: new Float32Array(buffer), f64: new Float64Array(buffer, 0, buffer.byteLength >> 3), i64: new BigInt64Array(buffer),
        i32: new Int32Array(buffer), i16: new Int16Array(buffer), i8: new Int8Array(buffer), u8: new Uint8Array(buffer), u16: new Uint16Array(buffer),
      }
    }
    return this.#views[name]!
  }

  /** Views on the whole memory. Take them after the last allocation of an operator. */
  get f32(): Float32Array {
    return this.#view('f32') as Float32Array
  }

  get i64(): BigInt64Array {
    return this.#view('i64') as BigInt64Array
  }

  get i32(): Int32Array {
    return this.#view('i32') as Int32Array
  }

  get u8(): Uint8Array {
    return this.#view('u8') as Uint8Array
  }

  /** The view on the whole memory in which elements of a type are counted; float16 are their bits. */
  viewOf(dtype: Dtype): View {
    return this.#view(DTYPES[dtype].view)
  }

  /** The elements of a contiguous tensor. Stale after the next allocation. */
  elements(tensor: Tensor): View {
    const begin = this.index(tensor)
    return this.viewOf(tensor.dtype).subarray(begin, begin + tensor.numel)
  }

  /** Address of a tensor's first element. */
  address({ storage, dtype, offset }: Tensor): number {
    return storage.pointer + offset * DTYPES[dtype].bytes
  }

  /** Where a tensor's first element lies in {@link viewOf}. */
  index({ storage, dtype, offset }: Tensor): number {
    return storage.pointer / DTYPES[dtype].bytes + offset
  }

  /** A contiguous tensor of uninitialised elements. */
  empty(sizes: readonly number[], dtype: Dtype = 'float32'): Tensor {
    const bytes = numelOf(sizes) * DTYPES[dtype].bytes
    // 2^32 bytes are all that addresses reach; a size that is not whole or negative is no size.
    if (!(bytes >= 0 && bytes < 2 ** 32)) throw this.fail(`a tensor of sizes [${sizes.join(', ')}] cannot be made`)
    return new Tensor(this.memory.allocate(bytes), dtype, sizes, contiguousStrides(sizes), 0)
  }

  /** An uninitialised tensor whose elements are to be written channels-last. */
  emptyChannelsLast(sizes: readonly number[]): Tensor {
    const tensor = this.empty(sizes)
    setChannelsLast(tensor.storage, sizes)
    return tensor
  }

  /** Uninitialised, with the sizes and the layout of another tensor, whose elements can be worked on in the order in which they lie. */
  emptyLike(tensor: Tensor, dtype: Dtype = tensor.dtype): Tensor {
    if (dtype === 'float32' && this.isChannelsLast(tensor)) return this.emptyChannelsLast(tensor.sizes)
    return this.empty(tensor.sizes, dtype)
  }

  /** Bytes that are free again when the running operator ends; an address, a multiple of 64. */
  scratch(bytes: number): number {
    return this.memory.scratch(bytes)
  }

  /** A contiguous tensor of given elements. */
  tensor(dtype: Dtype, sizes: readonly number[], elements: ArrayLike<number> | ArrayLike<bigint>): Tensor {
    const tensor = this.empty(sizes, dtype)
    this.elements(tensor).set(elements as ArrayLike<never>)
    return tensor
  }

  /** True when the tensor is the whole of a storage whose elements lie channels-last. */
  isChannelsLast({ storage, sizes, strides, numel, offset }: Tensor): boolean {
    const layout = storage.channelsLast
    return layout !== undefined && offset === 0 && sameSizes(layout, sizes) && isContiguous({ sizes, strides, numel })
  }

  /** Brings the storage into the layout that strides tell of. Returns the tensor itself. */
  plain(tensor: Tensor): Tensor {
    const { storage } = tensor
    const layout = storage.channelsLast
    if (layout !== undefined) {
      storage.channelsLast = undefined
      this.#transpose(storage, layout[0]!, numelOf(layout.slice(2)), layout[1]!)
    }
    return tensor
  }

  /** The tensor with elements channels-last: itself, when it can be brought into that layout, else a copy. Of float32 and three or more dimensions. */
  toChannelsLast(tensor: Tensor): Tensor {
    if (this.isChannelsLast(tensor)) return tensor
    const whole = tensor.offset === 0 && isContiguous(tensor) && tensor.numel * FLOAT_BYTES === tensor.storage.byteLength
    // Weights stay as they are: others may see them through views.
    const own = whole && tensor.storage.born >= 0 ? this.plain(tensor) : this.copy(tensor)
    const [batch, channels, ...spatial] = tensor.sizes
    if (setChannelsLast(own.storage, tensor.sizes)) this.#transpose(own.storage, batch!, channels!, numelOf(spatial))
    return own
  }

  #transpose(storage: Storage, batch: number, rows: number, columns: number): void {
    const from = storage.pointer
    const to = this.memory.move(storage)
    this.kernels['vector']!['transpose']!(from, to, batch, rows, columns)
  }

  /** Contiguous elements in the layout that strides tell of: the tensor itself where they are, else a copy. */
  contiguous(tensor: Tensor): Tensor {
    return isContiguous(this.plain(tensor)) ? tensor : this.copy(tensor)
  }

  /** A contiguous copy. */
  copy(tensor: Tensor): Tensor {
    const result = this.empty(tensor.sizes, tensor.dtype)
    this.assign(result, tensor)
    return result
  }

  /** Copies all elements of a tensor to another one of the same sizes and type, through the strides of both. */
  assign(to: Tensor, from: Tensor): void {
    this.plain(from)
    this.plain(to)
    const { sizes, strides } = collapse(to.sizes, [to.strides, from.strides])
    const { bytes } = DTYPES[to.dtype]
    const [toStrides, fromStrides] = strides as [number[], number[]]
    // The kernel copies two dimensions; those around them are counted here.
    const outer = sizes.slice(0, -2)
    const [rows, columns] = [sizes.at(-2) ?? 1, sizes.at(-1) ?? 1]
    const inner = [toStrides.at(-2) ?? 0, toStrides.at(-1) ?? 0, fromStrides.at(-2) ?? 0, fromStrides.at(-1) ?? 0].map((stride) => stride * bytes)
    const kernel = this.kernels['vector']![`copy${bytes}`]!
    const [a, b] = [this.address(to), this.address(from)]
    if (to.numel === 0) return
    const transposed = bytes === FLOAT_BYTES && sameSizes(inner, [columns * bytes, bytes, bytes, rows * bytes])
    forEachOffset(outer, [toStrides, fromStrides], ([i, j]) => {
      if (transposed) this.kernels['vector']!['transpose']!(b + j! * bytes, a + i! * bytes, 1, columns, rows)
      else kernel(a + i! * bytes, b + j! * bytes, rows, columns, ...inner)
    })
  }

  /** What is computed from a weight once, as long as nothing writes to it: packed weights. What `make` allocates stays; of other tensors it is made anew. */
  cached<T>({ storage }: Tensor, key: string, make: () => T): T {
    if (storage.born >= 0) return make()
    const known = storage.cache?.get(key)
    if (known?.version === storage.version) return known.value as T
    for (const stale of known?.storages ?? []) this.memory.unpin(stale)
    const { value, storages } = this.memory.keeping(make)
    ;(storage.cache ??= new Map()).set(key, { version: storage.version, value, storages })
    return value
  }

  /** To be called BEFORE writing to a tensor that the operator did not make itself: tells caches, and keeps what `reset` brings back. */
  writing({ storage }: Tensor): void {
    storage.version++
    if (storage.born < 0) storage.original ??= this.u8.slice(storage.pointer, storage.pointer + storage.byteLength)
  }

  /** The error for what PyTorch has and the runtime lacks. */
  unsupported(what: string): RuntimeError {
    const message = `This model needs what Petal's runtime lacks: ${this.running}${this.running && ': '}${what}. Run it with PyTorch Mobile, or change that part of the model.`
    return new RuntimeError('UNSUPPORTED', message)
  }

  /** The error for arguments that PyTorch refuses, too. */
  fail(what: string): RuntimeError {
    return new RuntimeError('MODEL_ERROR', `${this.running}${this.running && ': '}${what}`)
  }
}

/** Marks a storage; false when both layouts are the same bytes. */
function setChannelsLast(storage: Storage, sizes: readonly number[]): boolean {
  const differs = sizes.length > 2 && sizes[1] !== 1 && sizes.slice(2).some((size) => size !== 1)
  storage.channelsLast = differs ? sizes : undefined
  return differs
}

/**
 * Joins neighbouring dimensions that all strides walk through alike, and drops those of size 1; row-major order stays. `strides` are of
 * tensors with these sizes.
 */
export function collapse(sizes: readonly number[], strides: readonly (readonly number[])[]): { sizes: number[]; strides: number[][] } {
  const result = { sizes: [] as number[], strides: strides.map((): number[] => []) }
  for (const [dim, size] of sizes.entries()) {
    if (size === 1) continue
    const last = result.sizes.length - 1
    if (last >= 0 && strides.every((each, i) => result.strides[i]![last] === each[dim]! * size)) {
      result.sizes[last]! *= size
      for (const [i, each] of strides.entries()) result.strides[i]![last] = each[dim]!
    } else {
      result.sizes.push(size)
      for (const [i, each] of strides.entries()) result.strides[i]!.push(each[dim]!)
    }
  }
  return result
}

/** Visits every index of `sizes` in row-major order, with the offset it has in each of the strides. The array of offsets is reused. */
export function forEachOffset(sizes: readonly number[], strides: readonly (readonly number[])[], visit: (offsets: readonly number[]) => void): void {
  const count = numelOf(sizes)
  const index: number[] = sizes.map(() => 0)
  const offsets: number[] = strides.map(() => 0)
  for (let n = 0; n < count; n++) {
    visit(offsets)
    for (let dim = sizes.length - 1; dim >= 0; dim--) {
      const wraps = ++index[dim]! === sizes[dim]
      for (let i = 0; i < strides.length; i++) offsets[i]! += wraps ? strides[i]![dim]! * (1 - sizes[dim]!) : strides[i]![dim]!
      if (!wraps) break
      index[dim] = 0
    }
  }
}

