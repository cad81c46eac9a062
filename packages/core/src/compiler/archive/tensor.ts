/**
 * Element types by PyTorch's enum name, with their number in c10/core/ScalarType.h (used as `dtype` ints in code),
 * bytes per element, and the storage class that pickles name.
 */
export const SCALAR_TYPES = {
  Byte: { code: 0, bytes: 1, storage: 'ByteStorage' },
  Char: { code: 1, bytes: 1, storage: 'CharStorage' },
  Short: { code: 2, bytes: 2, storage: 'ShortStorage' },
  Int: { code: 3, bytes: 4, storage: 'IntStorage' },
  Long: { code: 4, bytes: 8, storage: 'LongStorage' },
  Half: { code: 5, bytes: 2, storage: 'HalfStorage' },
  Float: { code: 6, bytes: 4, storage: 'FloatStorage' },
  Double: { code: 7, bytes: 8, storage: 'DoubleStorage' },
  ComplexHalf: { code: 8, bytes: 4, storage: 'ComplexHalfStorage' },
  ComplexFloat: { code: 9, bytes: 8, storage: 'ComplexFloatStorage' },
  ComplexDouble: { code: 10, bytes: 16, storage: 'ComplexDoubleStorage' },
  Bool: { code: 11, bytes: 1, storage: 'BoolStorage' },
  QInt8: { code: 12, bytes: 1, storage: 'QInt8Storage' },
  QUInt8: { code: 13, bytes: 1, storage: 'QUInt8Storage' },
  QInt32: { code: 14, bytes: 4, storage: 'QInt32Storage' },
  BFloat16: { code: 15, bytes: 2, storage: 'BFloat16Storage' },
  // Two and four elements lie in a byte; tensors count elements, storages bytes.
  QUInt4x2: { code: 16, bytes: 1, storage: 'QUInt4x2Storage' },
  QUInt2x4: { code: 17, bytes: 1, storage: 'QUInt2x4Storage' },
} as const

/** The name of an element type. */
export type ScalarType = keyof typeof SCALAR_TYPES

/**
 * The bytes behind one or more tensors. Two tensors share memory exactly when they share a Storage object.
 * Bytes are little-endian. `resident` is set for small storages, which are read while loading, so that passes can
 * compute with them without waiting; large ones are only ever streamed, at emission.
 */
export interface Storage {
  /** Names the content: storages of equal `identity` have equal bytes. Deterministic, never a path. */
  readonly identity: string
  readonly byteLength: number
  /** The element type the file declares for it. */
  readonly scalarType: ScalarType
  /** CRC-32 of all bytes, where known without reading them (the zip directory has it). */
  readonly crc32?: number
  /** All bytes, when they are in memory. */
  readonly resident?: Uint8Array
  /** The bytes of [begin, end). */
  read(begin: number, end: number): Promise<Uint8Array>
  /** All bytes in order, in pieces of bounded size. A piece is only valid until the next one is asked for. */
  stream(): AsyncIterable<Uint8Array>
}

/** Affine quantization parameters of a quantized tensor. */
export type Quantizer =
  | { scheme: 'per_tensor_affine'; scale: number; zeroPoint: bigint }
  | { scheme: 'per_channel_affine' | 'per_channel_affine_float_qparams'; scales: Tensor; zeroPoints: Tensor; axis: bigint }

/** A strided view of a storage. Sizes, strides and offset count elements. Immutable. */
export interface Tensor {
  readonly scalarType: ScalarType
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
  readonly storageOffset: number
  readonly storage: Storage
  readonly requiresGrad: boolean
  readonly quantizer?: Quantizer
}

/** How many elements of a type `byteLength` bytes hold. */
export function elementsIn(byteLength: number, type: ScalarType): number {
  return Math.floor(byteLength / SCALAR_TYPES[type].bytes) * (type === 'QUInt4x2' ? 2 : type === 'QUInt2x4' ? 4 : 1)
}

/** Number of elements. */
export function numel(tensor: Tensor): number {
  return tensor.sizes.reduce((product, size) => product * size, 1)
}

/** Row-major strides for `sizes`, in elements, as `Tensor.contiguous()` gives them. */
export function contiguousStrides(sizes: readonly number[]): number[] {
  const strides: number[] = Array.from({ length: sizes.length })
  let stride = 1
  for (let dim = sizes.length - 1; dim >= 0; dim--) {
    strides[dim] = stride
    stride *= Math.max(sizes[dim]!, 1)
  }
  return strides
}

/** The tensor with a dimension of size 1 put in front of dimension `dim`, as `Tensor.unsqueeze(dim)` sees the same storage. */
export function unsqueezed(tensor: Tensor, dim: number): Tensor {
  const { sizes, strides } = tensor
  const stride = dim < sizes.length ? sizes[dim]! * strides[dim]! : 1
  return { ...tensor, sizes: sizes.toSpliced(dim, 0, 1), strides: strides.toSpliced(dim, 0, stride) }
}

/** True when the elements lie in row-major order without gaps (dimensions of size 1 do not count). */
export function isContiguous(tensor: Tensor): boolean {
  let expected = 1
  for (let dim = tensor.sizes.length - 1; dim >= 0; dim--) {
    const size = tensor.sizes[dim]!
    if (size === 1) continue
    if (tensor.strides[dim] !== expected) return numel(tensor) === 0
    expected *= size
  }
  return true
}

/** True when a plain, contiguous tensor fills its storage from the first byte to the last. */
export function fillsStorage(tensor: Tensor): boolean {
  return tensor.storageOffset === 0 && isContiguous(tensor)
    && numel(tensor) * SCALAR_TYPES[tensor.scalarType].bytes === tensor.storage.byteLength
}
