import type { Machine } from '../../src/machine.ts'
import { contiguousStrides, DTYPES, type Dtype, type Storage, Tensor } from '../../src/tensor.ts'
import { Device, PackedObject, Tuple, type Value } from '../../src/values.ts'

/** A tensor as record.py writes it: a view of one of the case's storages (`t`), or elements of its own (`x`: begin and length in the blob). */
export interface RecordedTensor {
  readonly t?: number
  readonly x?: readonly [number, number]
  readonly d: Dtype
  readonly s: readonly number[]
  readonly st: readonly number[]
  readonly o?: number
}

/** A value as record.py writes it. */
export type Recorded =
  | null | boolean | string | readonly Recorded[] | RecordedTensor
  | { readonly i: string } | { readonly f: number | string }
  | { readonly tuple: readonly Recorded[] } | { readonly dict: readonly (readonly [Recorded, Recorded])[] }
  | { readonly device: string } | { readonly ref: number } | { readonly packed: string; readonly state: Recorded }

/** One call of an operator, and what PyTorch made of it; see record.py. */
export interface Case {
  readonly id: number
  /** Arguments; those that were left out have their defaults. */
  readonly a: readonly Recorded[]
  /** Storages of the arguments: begin and length in the blob. */
  readonly s: readonly (readonly [number, number])[]
  /** Calls before this one, whose results arguments refer to. */
  readonly before?: readonly (readonly [string, readonly Recorded[]])[]
  readonly r?: readonly Recorded[]
  readonly raises?: string
  /** Storages that were written to: which, their bytes afterwards, and of what they are. */
  readonly w?: readonly (readonly [number, readonly [number, number], Dtype])[]
  /** Arguments afterwards, where lists or dicts were written to. */
  readonly after?: readonly Recorded[]
  /** How far PyTorch's float32 results are from its float64 results. */
  readonly noise?: number
  readonly tolerance?: number
  readonly unordered?: boolean
}

/** True for a tensor that was recorded. */
export function isTensor(value: Recorded): value is RecordedTensor {
  return typeof value === 'object' && value !== null && 'd' in value
}

/** Every tensor in a value. */
export function* tensorsIn(value: Recorded): Iterable<RecordedTensor> {
  if (isTensor(value)) yield value
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item)
  else if (typeof value === 'object' && value !== null && 'tuple' in value) for (const item of value.tuple) yield* tensorsIn(item)
  else if (typeof value === 'object' && value !== null && 'packed' in value) yield* tensorsIn(value.state)
}

/** Makes the runtime's value of a recorded one. */
export function revive(value: Recorded, storages: readonly Storage[], steps: readonly Value[]): Value {
  const inner = (one: Recorded): Value => revive(one, storages, steps)
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(inner)
  if (isTensor(value)) return new Tensor(storages[value.t!]!, value.d, value.s, value.st, value.o!)
  if ('i' in value) return BigInt(value.i)
  if ('f' in value) return float(value.f)
  if ('tuple' in value) return new Tuple(value.tuple.map(inner))
  if ('dict' in value) return new Map(value.dict.map(([key, item]) => [inner(key), inner(item)]))
  if ('device' in value) return new Device(value.device)
  if ('ref' in value) return steps[value.ref]!
  if ('packed' in value) return new PackedObject(value.packed, inner(value.state))
  throw new Error(`not a recorded value: ${JSON.stringify(value)}`)
}

/** A float that JSON may not be able to hold. */
export function float(value: number | string): number {
  return typeof value === 'number' ? value : { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0.0': -0 }[value]!
}

/** Bytes as numbers; integers of 64 bits stay bigints. */
export function numbers(bytes: Uint8Array, dtype: Dtype): Float64Array | BigInt64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint8Array {
  const { buffer } = Uint8Array.from(bytes)
  switch (dtype) {
    case 'float16': return Float64Array.from(new Uint16Array(buffer), half)
    case 'float32': return new Float32Array(buffer)
    case 'float64': return new Float64Array(buffer)
    case 'int64': return new BigInt64Array(buffer)
    case 'int32': return new Int32Array(buffer)
    case 'int16': return new Int16Array(buffer)
    case 'int8': return new Int8Array(buffer)
    default: return new Uint8Array(buffer)
  }
}

function half(bits: number): number {
  const sign = bits >> 15 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** Copies bytes into a new storage. */
export function storageOf(bytes: Uint8Array, machine: Machine): Storage {
  const storage = machine.memory.allocate(bytes.length)
  machine.u8.set(bytes, storage.pointer)
  return storage
}

/** The bytes of a whole storage, in the layout that strides tell of. */
export function bytesOf(storage: Storage, machine: Machine): Uint8Array {
  machine.plain(new Tensor(storage, 'uint8', [storage.byteLength], [1], 0))
  return machine.u8.slice(storage.pointer, storage.pointer + storage.byteLength)
}

/** The bytes of a tensor's elements in row-major order, read without any operator or kernel of the runtime. */
export function elementsOf(tensor: Tensor, machine: Machine): Uint8Array {
  const { bytes: size } = DTYPES[tensor.dtype]
  const bytes = bytesOf(tensor.storage, machine)
  const result = new Uint8Array(tensor.numel * size)
  const plain = contiguousStrides(tensor.sizes)
  for (let n = 0; n < tensor.numel; n++) {
    let at = tensor.offset
    for (let dim = 0; dim < tensor.sizes.length; dim++) at += (Math.floor(n / plain[dim]!) % tensor.sizes[dim]!) * tensor.strides[dim]!
    if (at < 0 || (at + 1) * size > bytes.length) throw new Error(`reaches beyond its storage: element ${at} of ${bytes.length / size}`)
    result.set(bytes.subarray(at * size, at * size + size), n * size)
  }
  return result
}

/** A recorded value in few words: `float32[2, 3] strides [1, 2]`. */
export function short(value: Recorded): string {
  if (value === null) return 'None'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(short).join(', ')}]`
  if (isTensor(value)) {
    const expected = contiguousStrides(value.s)
    const isPlain = value.st.every((stride, dim) => stride === expected[dim] || value.s[dim] === 1)
    return `${value.d}[${value.s.join(', ')}]${isPlain ? '' : ` strides [${value.st.join(', ')}]`}${value.o ? ` offset ${value.o}` : ''}`
  }
  if ('i' in value) return value.i
  if ('f' in value) return typeof value.f === 'number' && Number.isInteger(value.f) ? `${value.f}.` : String(value.f)
  if ('tuple' in value) return `(${value.tuple.map(short).join(', ')})`
  if ('dict' in value) return `{${value.dict.map(([key, item]) => `${short(key)}: ${short(item)}`).join(', ')}}`
  if ('device' in value) return `device(${value.device})`
  if ('packed' in value) return `${value.packed.split('.').at(-1)}${short(value.state)}`
  return 'ref' in value ? `result ${value.ref}` : '?'
}
