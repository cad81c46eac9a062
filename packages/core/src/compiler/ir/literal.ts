import { numel, SCALAR_TYPES, contiguousStrides, fillsStorage, type ScalarType, type Storage, type Tensor } from '../archive/tensor.ts'

/** Element values a literal tensor can hold: bigint for integer types, number for floating ones, boolean for Bool. */
export type Scalar = bigint | number | boolean

const INTEGER_BITS: Partial<Record<ScalarType, number>> = { Char: 8, Short: 16, Int: 32, Long: 64 }

/** True for the types whose elements are integers (quantized types hold their raw integers). */
export function isIntegral(type: ScalarType): boolean {
  return type === 'Byte' || type in INTEGER_BITS || type === 'QInt8' || type === 'QUInt8' || type === 'QInt32'
}

/** Element readers by type; types that are absent have no literal form. */
const READERS: Partial<Record<ScalarType, (view: DataView, at: number) => Scalar>> = {
  Byte: (view, at) => BigInt(view.getUint8(at)),
  QUInt8: (view, at) => BigInt(view.getUint8(at)),
  Char: (view, at) => BigInt(view.getInt8(at)),
  QInt8: (view, at) => BigInt(view.getInt8(at)),
  Short: (view, at) => BigInt(view.getInt16(at, true)),
  Int: (view, at) => BigInt(view.getInt32(at, true)),
  QInt32: (view, at) => BigInt(view.getInt32(at, true)),
  Long: (view, at) => view.getBigInt64(at, true),
  Float: (view, at) => view.getFloat32(at, true),
  Double: (view, at) => view.getFloat64(at, true),
  Bool: (view, at) => view.getUint8(at) !== 0,
}

const WRITERS: Partial<Record<ScalarType, (view: DataView, at: number, value: Scalar) => void>> = {
  Byte: (view, at, value) => view.setUint8(at, Number(BigInt.asUintN(8, BigInt(value)))),
  QUInt8: (view, at, value) => view.setUint8(at, Number(BigInt.asUintN(8, BigInt(value)))),
  Char: (view, at, value) => view.setInt8(at, Number(BigInt.asIntN(8, BigInt(value)))),
  QInt8: (view, at, value) => view.setInt8(at, Number(BigInt.asIntN(8, BigInt(value)))),
  Short: (view, at, value) => view.setInt16(at, Number(BigInt.asIntN(16, BigInt(value))), true),
  Int: (view, at, value) => view.setInt32(at, Number(BigInt.asIntN(32, BigInt(value))), true),
  QInt32: (view, at, value) => view.setInt32(at, Number(BigInt.asIntN(32, BigInt(value))), true),
  Long: (view, at, value) => view.setBigInt64(at, BigInt.asIntN(64, BigInt(value)), true),
  Float: (view, at, value) => view.setFloat32(at, Number(value), true),
  Double: (view, at, value) => view.setFloat64(at, Number(value), true),
  Bool: (view, at, value) => view.setUint8(at, value ? 1 : 0),
}

/** True when {@link literalTensor} and {@link readElement} know the type. */
function hasLiterals(type: ScalarType): boolean {
  return type in WRITERS
}

/** A storage over bytes in memory. `identity` must name the content (see {@link Storage}). */
export function memoryStorage(identity: string, scalarType: ScalarType, bytes: Uint8Array): Storage {
  return {
    identity, scalarType, byteLength: bytes.byteLength, resident: bytes,
    read: async (begin, end) => bytes.subarray(begin, end),
    async *stream() {
      yield bytes
    },
  }
}

/** A contiguous tensor of its own storage with the given elements in row-major order. Throws for types without literals. */
export function literalTensor(scalarType: ScalarType, sizes: readonly number[], elements: readonly Scalar[]): Tensor {
  const write = WRITERS[scalarType]
  if (write === undefined) throw new Error(`no literals for ${scalarType} tensors`)
  const { bytes: width } = SCALAR_TYPES[scalarType]
  const bytes = new Uint8Array(elements.length * width)
  const view = new DataView(bytes.buffer)
  elements.forEach((value, i) => write(view, i * width, value))
  // The bytes themselves name the content: -0 and NaN payloads must not be confused.
  const identity = `literal:${scalarType}:${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
  return {
    scalarType, sizes, strides: contiguousStrides(sizes), storageOffset: 0, requiresGrad: false,
    storage: memoryStorage(identity, scalarType, bytes),
  }
}

/** True for tensors as {@link literalTensor} makes them. */
export function isLiteral(tensor: Tensor): boolean {
  return tensor.storage.identity.startsWith('literal:') && tensor.storage.resident !== undefined && fillsStorage(tensor)
    && tensor.storage.scalarType === tensor.scalarType && hasLiterals(tensor.scalarType)
}

/** The element at position `index` of the storage counted from the tensor's offset, or undefined when the bytes are not in memory. */
export function readElement(tensor: Tensor, index = 0): Scalar | undefined {
  const { resident } = tensor.storage
  const read = READERS[tensor.scalarType]
  if (resident === undefined || read === undefined) return undefined
  const width = SCALAR_TYPES[tensor.scalarType].bytes
  const at = (tensor.storageOffset + index) * width
  if (at < 0 || at + width > resident.byteLength) return undefined
  return read(new DataView(resident.buffer, resident.byteOffset, resident.byteLength), at)
}

/** All elements in row-major order of a tensor as {@link literalTensor} makes them. */
export function literalElements(tensor: Tensor): Scalar[] {
  return Array.from({ length: numel(tensor) }, (_, i) => readElement(tensor, i)!)
}
