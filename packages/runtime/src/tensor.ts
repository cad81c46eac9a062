/** Bytes in the model's WebAssembly memory that tensors share. */
export interface Storage {
  /** Address of the first byte; a multiple of 64. Changes when the layout does: take it after asking for a layout. */
  pointer: number
  readonly byteLength: number
  /**
   * Set while the elements lie channels-last: `[N, C, ...spatial]` of the one tensor that fills the storage. Strides of tensors do not tell
   * of it; whoever does not know this layout asks the machine for `plain` first.
   */
  channelsLast: readonly number[] | undefined
  /** Grows with every write into it, so that what was computed from it can be told to be stale. */
  version: number
  /** What was computed from it once, with the version it was computed from. */
  cache: Map<string, { readonly version: number; readonly value: unknown; readonly storages: readonly Storage[] }> | undefined
  /** The bytes as they were in the file, of a weight that the model has written to. */
  original: Uint8Array | undefined
  /** The operator call in which it was allocated, -1 for what stays; see memory.ts. */
  readonly born: number
}

/** Element types: their number in c10/core/ScalarType.h, bytes per element, and the name of the machine's view. */
export const DTYPES = {
  uint8: { code: 0, bytes: 1, view: 'u8', kind: 1 },
  int8: { code: 1, bytes: 1, view: 'i8', kind: 1 },
  int16: { code: 2, bytes: 2, view: 'i16', kind: 1 },
  int32: { code: 3, bytes: 4, view: 'i32', kind: 1 },
  int64: { code: 4, bytes: 8, view: 'i64', kind: 1 },
  float16: { code: 5, bytes: 2, view: 'u16', kind: 2 },
  float32: { code: 6, bytes: 4, view: 'f32', kind: 2 },
  float64: { code: 7, bytes: 8, view: 'f64', kind: 2 },
  bool: { code: 11, bytes: 1, view: 'u8', kind: 0 },
} as const

/** The name of an element type. */
export type Dtype = keyof typeof DTYPES

/** By PyTorch's number. */
export const DTYPE_OF_CODE: Readonly<Record<number, Dtype | undefined>> =
  Object.fromEntries(Object.entries(DTYPES).map(([name, { code }]) => [code, name as Dtype]))

/** A strided view of a storage. Sizes, strides and offset count elements and are what PyTorch's contiguous kernels would give. */
export class Tensor {
  readonly storage: Storage
  readonly dtype: Dtype
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
  readonly offset: number
  /** Number of elements. */
  readonly numel: number

  constructor(storage: Storage, dtype: Dtype, sizes: readonly number[], strides: readonly number[], offset: number) {
    this.storage = storage
    this.dtype = dtype
    this.sizes = sizes
    this.strides = strides
    this.offset = offset
    this.numel = numelOf(sizes)
  }

  get dim(): number {
    return this.sizes.length
  }

  /** Another view of the same storage. */
  view(sizes: readonly number[], strides: readonly number[], offset: number = this.offset): Tensor {
    return new Tensor(this.storage, this.dtype, sizes, strides, offset)
  }
}

/** Number of elements of a shape. */
export function numelOf(sizes: readonly number[]): number {
  let product = 1
  for (const size of sizes) product *= size
  return product
}

/** Row-major strides, in elements, as `Tensor.contiguous()` gives them. */
export function contiguousStrides(sizes: readonly number[]): number[] {
  const strides: number[] = Array.from({ length: sizes.length })
  let stride = 1
  for (let dim = sizes.length - 1; dim >= 0; dim--) {
    strides[dim] = stride
    stride *= Math.max(sizes[dim]!, 1)
  }
  return strides
}

/** True when the elements lie in row-major order without gaps (dimensions of size 1 do not count). */
export function isContiguous({ sizes, strides, numel }: Pick<Tensor, 'sizes' | 'strides' | 'numel'>): boolean {
  let expected = 1
  for (let dim = sizes.length - 1; dim >= 0; dim--) {
    const size = sizes[dim]!
    if (size === 1) continue
    if (strides[dim] !== expected) return numel === 0
    expected *= size
  }
  return true
}

/** Equal in length and in every number. */
export function sameSizes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i])
}
