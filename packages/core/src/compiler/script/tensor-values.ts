import { PetalError } from '../errors.ts'
import type { Archive, ArchiveRecord } from '../archive/zip-reader.ts'
import { requireRecord } from '../archive/zip-reader.ts'
import { globalName, type PickleTuple, type PickleValue } from '../archive/pickle-value.ts'
import { elementsIn, SCALAR_TYPES, type Quantizer, type ScalarType, type Storage, type Tensor } from '../archive/tensor.ts'

/** What is read of tensors before anything in them is believed. */
export const TENSOR_LIMITS = {
  /** Dimensions; c10's DimVector and TensorIterator take no more. */
  dimensions: 64,
  /** Elements of a tensor that repeats its storage (`expand`); whoever wants its numbers needs memory for each. */
  repeatedElements: 134_217_728,
  /** Bytes of a storage that is read while loading, so that passes can compute with it at once. */
  residentBytes: 4096,
  /** Bytes of all those together; later ones are read when somebody asks. */
  residentTotal: 33_554_432,
} as const

const SCALAR_TYPE_OF_STORAGE: ReadonlyMap<string, ScalarType> = new Map(
  (Object.keys(SCALAR_TYPES) as ScalarType[]).map((type) => [SCALAR_TYPES[type].storage, type]),
)
/** Devices whose storages hold plain numbers in the file; all are loaded to where the app runs. */
const DEVICES = /^(cpu|cuda|hip|xpu|mps|hpu)(:\d+)?$/

/** The error of a tensor that contradicts itself. */
export function brokenTensor(where: string, why: string): PetalError {
  return new PetalError({
    code: 'BROKEN_TENSOR',
    message: `A tensor in '${where}' of the model file makes no sense: ${why}.`,
    cause: 'The file was damaged, or something other than PyTorch wrote it.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

function unsupportedTensor(where: string, what: string, fix: string): PetalError {
  return new PetalError({ code: 'UNSUPPORTED_TENSOR', message: `'${where}' of the model file has ${what}.`, fix })
}

/** What a persistent id says. */
export interface StorageRef {
  readonly recordName: string
  readonly scalarType: ScalarType
  readonly numel: number
  readonly device: string
}

/** Reads `("storage", torch.FloatStorage, key, device, numel)`; the key names a record below `prefix`. */
export function parseStorageRef(id: PickleValue, prefix: string, where: string): StorageRef {
  const parts = tupleItems(id, where, 'a storage')
  const [tag, type, key, device, numel] = parts
  if (parts.length < 5 || tag !== 'storage' || typeof key !== 'string' || typeof device !== 'string') {
    throw brokenTensor(where, 'a reference to its data is malformed')
  }
  const name = nameOf(type)
  const scalarType = name.startsWith('torch.') ? SCALAR_TYPE_OF_STORAGE.get(name.slice('torch.'.length)) : undefined
  if (scalarType === undefined) {
    const fix = 'Convert it to a float32 or integer tensor before saving.'
    throw unsupportedTensor(where, `a tensor whose element type is not known here ('${name}')`, fix)
  }
  if (!DEVICES.test(device)) {
    const what = `a tensor on the device '${device}', whose data is not in the file as plain numbers`
    throw unsupportedTensor(where, what, "Move the model to 'cpu' before saving it.")
  }
  return { recordName: prefix + key, scalarType, numel: index(numel, where, 'the size of its data'), device }
}

/**
 * The storages of one archive, one object a record. Small ones are read up front, the rest never here.
 * `identity` tells equal content: two records are taken for equal only where their bytes were compared, never by CRC alone.
 */
export class ArchiveStorages {
  readonly #archive: Archive
  readonly #byRecord: Map<string, Storage> = new Map()
  /** Identities given away; the value tells the resident bytes behind it. */
  readonly #identities: Map<string, Uint8Array | undefined> = new Map()
  readonly #residents: Map<string, Uint8Array> = new Map()
  #residentTotal = 0

  constructor(archive: Archive) {
    this.#archive = archive
  }

  /** Reads the small ones among `refs` into memory, several at a time. */
  async load(refs: Iterable<StorageRef>): Promise<void> {
    const wanted: ArchiveRecord[] = []
    for (const { recordName, numel } of refs) {
      const record = this.#archive.records.get(recordName)
      if (numel === 0 || record === undefined || record.size > TENSOR_LIMITS.residentBytes || this.#residents.has(recordName)) continue
      if (this.#residentTotal + record.size > TENSOR_LIMITS.residentTotal) break
      this.#residentTotal += record.size
      this.#residents.set(recordName, new Uint8Array())
      wanted.push(record)
    }
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < wanted.length) {
        const record = wanted[next++]!
        this.#residents.set(record.name, await record.read())
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
  }

  /** The storage a reference names; throws when its record is missing or has another size. */
  get(ref: StorageRef, where: string): Storage {
    const known = this.#byRecord.get(ref.recordName)
    if (known !== undefined) {
      checkSize(ref, known.byteLength, where)
      return known
    }
    const storage = ref.numel === 0 ? emptyStorage(ref.scalarType) : this.#open(ref, where)
    this.#byRecord.set(ref.recordName, storage)
    return storage
  }

  #open(ref: StorageRef, where: string): Storage {
    const record = requireRecord(this.#archive, ref.recordName, `which holds the data of a tensor in '${where}'`)
    checkSize(ref, record.size, where)
    const resident = this.#residents.get(ref.recordName)
    return {
      identity: this.#identify(ref, record, resident),
      byteLength: record.size, scalarType: ref.scalarType, crc32: record.crc32,
      ...resident !== undefined && { resident },
      read: resident === undefined ? (begin, end) => record.range(begin, end) : async (begin, end) => resident.subarray(begin, end),
      stream: () => record.stream(),
    }
  }

  #identify(ref: StorageRef, record: ArchiveRecord, resident: Uint8Array | undefined): string {
    const base = `${ref.scalarType}:${record.size}:${record.crc32.toString(16).padStart(8, '0')}`
    const candidates = [base, `${base}:${record.name}`]
    for (const identity of candidates) {
      if (!this.#identities.has(identity)) {
        this.#identities.set(identity, resident)
        return identity
      }
      const other = this.#identities.get(identity)
      if (resident !== undefined && other !== undefined && sameBytes(resident, other)) return identity
    }
    throw new Error(`'${record.name}' was identified twice`)
  }
}

function checkSize(ref: StorageRef, byteLength: number, where: string): void {
  const { bytes } = SCALAR_TYPES[ref.scalarType]
  if (Math.floor(byteLength / bytes) === ref.numel) return
  throw brokenTensor(where, `it says that '${ref.recordName}' has ${ref.numel} elements of ${bytes} bytes, which has ${byteLength} bytes`)
}

function emptyStorage(scalarType: ScalarType): Storage {
  const resident = new Uint8Array()
  return {
    identity: `${scalarType}:0`, byteLength: 0, scalarType, crc32: 0, resident,
    read: async () => resident, async* stream() {},
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Element types whose tensors may require gradients (`set_requires_grad` in torch/csrc/autograd/variable.cpp). */
const DIFFERENTIABLE: ReadonlySet<ScalarType> = new Set(['Half', 'Float', 'Double', 'BFloat16', 'ComplexHalf', 'ComplexFloat', 'ComplexDouble'])

/**
 * Makes a tensor of the arguments of `_rebuild_tensor_v2` or, with `quantized`, `_rebuild_qtensor`, and checks that it lies
 * within its storage. `storageOf` resolves the persistent id, `tensorOf` a tensor among the quantization parameters.
 */
export function rebuildTensor(
  args: readonly PickleValue[], quantized: boolean, where: string,
  storageOf: (value: PickleValue) => { storage: Storage; scalarType: ScalarType }, tensorOf: (value: PickleValue) => Tensor,
): Tensor {
  if (args.length < (quantized ? 7 : 6)) throw brokenTensor(where, 'its description is incomplete')
  const { storage, scalarType } = storageOf(args[0]!)
  const storageOffset = index(args[1], where, 'its offset')
  const sizes = indices(args[2], where, 'its sizes')
  const strides = indices(args[3], where, 'its strides')
  const requiresGrad = args[quantized ? 5 : 4]
  const metadata = args[quantized ? 7 : 6]
  if (typeof requiresGrad !== 'boolean') throw brokenTensor(where, 'requires_grad is not a boolean')
  if (quantized && !scalarType.startsWith('Q')) throw brokenTensor(where, `it is quantized and of ${scalarType}`)
  if (requiresGrad && !DIFFERENTIABLE.has(scalarType)) throw brokenTensor(where, `it is of ${scalarType} and requires gradients`)
  if (isTensorMetadata(metadata)) {
    const fix = 'Call resolve_conj() and resolve_neg() on it before saving.'
    throw unsupportedTensor(where, 'a tensor that is a lazy conjugate or negative of its data', fix)
  }
  const tensor: Tensor = { scalarType, sizes, strides, storageOffset, storage, requiresGrad }
  checkBounds(tensor, where)
  return quantized ? { ...tensor, quantizer: quantizer(args[4]!, where, tensorOf) } : tensor
}

function isTensorMetadata(value: PickleValue | undefined): boolean {
  return value !== undefined && value !== null
    && !(typeof value === 'object' && 'kind' in value && value.kind === 'dict' && value.entries.length === 0)
}

function checkBounds({ sizes, strides, storageOffset, storage, scalarType }: Tensor, where: string): void {
  if (sizes.length !== strides.length) throw brokenTensor(where, `it has ${sizes.length} sizes and ${strides.length} strides`)
  let last = BigInt(storageOffset)
  let count = 1n
  for (let dim = 0; dim < sizes.length; dim++) {
    count *= BigInt(sizes[dim]!)
    if (sizes[dim]! > 0) last += BigInt(sizes[dim]! - 1) * BigInt(strides[dim]!)
  }
  const available = BigInt(elementsIn(storage.byteLength, scalarType))
  if (count > 0n && last >= available) {
    throw brokenTensor(where, `sizes [${sizes.join(', ')}] reach element ${last} of data that has ${available}`)
  }
  if (count > available && count > BigInt(TENSOR_LIMITS.repeatedElements)) {
    throw brokenTensor(where, `sizes [${sizes.join(', ')}] repeat ${available} elements to more than ${TENSOR_LIMITS.repeatedElements}`)
  }
}

function quantizer(value: PickleValue, where: string, tensorOf: (value: PickleValue) => Tensor): Quantizer {
  const [scheme, first, second, axis] = tupleItems(value, where, 'its quantization')
  const name = nameOf(scheme)
  switch (name) {
    case 'torch.per_tensor_affine':
      if (typeof first !== 'number' || typeof second !== 'bigint') throw brokenTensor(where, 'its scale or zero point is missing')
      return { scheme: 'per_tensor_affine', scale: first, zeroPoint: second }
    case 'torch.per_channel_affine':
    case 'torch.per_channel_affine_float_qparams':
      if (first === undefined || second === undefined || typeof axis !== 'bigint') {
        throw brokenTensor(where, 'its scales, zero points or axis are missing')
      }
      return {
        scheme: name === 'torch.per_channel_affine' ? 'per_channel_affine' : 'per_channel_affine_float_qparams',
        scales: tensorOf(first), zeroPoints: tensorOf(second), axis,
      }
    default:
      throw unsupportedTensor(where, `a tensor quantized in an unknown way ('${name}')`, 'Quantize it per tensor or per channel.')
  }
}

/** The name of a global, `?` for anything else. */
function nameOf(value: PickleValue | undefined): string {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'global' ? globalName(value) : '?'
}

function indices(value: PickleValue | undefined, where: string, what: string): number[] {
  const items = tupleItems(value, where, what)
  const limit = TENSOR_LIMITS.dimensions
  if (items.length > limit) throw brokenTensor(where, `it has ${items.length} dimensions, more than ${limit}`)
  return items.map((item) => index(item, where, what))
}

function index(value: PickleValue | undefined, where: string, what: string): number {
  if (typeof value === 'bigint' && value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  throw brokenTensor(where, `${what} is not a count`)
}

function tupleItems(value: PickleValue | undefined, where: string, what: string): readonly PickleValue[] {
  if (isTuple(value)) return value.items
  throw brokenTensor(where, `${what} is not a tuple`)
}

/** True for a pickled tuple. */
export function isTuple(value: PickleValue | undefined): value is PickleTuple {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'tuple'
}
