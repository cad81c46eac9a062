import { PetalError } from '../errors.ts'
import { PIECE_BYTES, readAhead, releaseBuffer, takeBuffer } from './pieces.ts'
import { numel, type Storage, type Tensor } from './tensor.ts'

/** A weight with gaps between its elements is gathered in memory; a larger window than this is left alone. */
export const MAX_GATHER_BYTES: number = 64 << 20

/** One factor or bias per channel, computed when first needed. */
export type ChannelValues = () => Promise<Float32Array>

/** A float32 storage of `byteLength` bytes, whose content `compute` gives when somebody first asks. For small ones only. */
export function computedStorage(identity: string, byteLength: number, compute: ChannelValues): Storage {
  let bytes: Promise<Uint8Array> | undefined
  const all = (): Promise<Uint8Array> => {
    requireLittleEndian()
    bytes ??= compute().then((values) => {
      if (values.byteLength !== byteLength) throw new Error(`${identity} has ${values.byteLength} bytes in place of ${byteLength}`)
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    })
    return bytes
  }
  return {
    identity, byteLength, scalarType: 'Float',
    read: async (begin, end) => (await all()).subarray(begin, end),
    async *stream() { yield await all() },
  }
}

/** Where the elements of a tensor lie in its storage, when they fill one range without gaps or overlaps, in any order of dimensions. */
export function isDense(tensor: Tensor): boolean {
  const order = tensor.sizes.map((_, dim) => dim).filter((dim) => tensor.sizes[dim] !== 1)
    .toSorted((a, b) => tensor.strides[a]! - tensor.strides[b]!)
  let expected = 1
  for (const dim of order) {
    if (tensor.strides[dim] !== expected) return false
    expected *= tensor.sizes[dim]!
  }
  return true
}

/**
 * `weight * scale[channel]` in float32, the channel being dimension 0, as a tensor over a storage that is computed while it streams:
 * memory stays bounded for any size of weight. Dense weights (contiguous, channels_last, transposed) keep their strides; others become
 * contiguous. `weight` must be float32 and, unless dense, span at most {@link MAX_GATHER_BYTES}.
 */
export function scaledByChannel(weight: Tensor, scale: ChannelValues, identity: string): Tensor {
  requireLittleEndian()
  const dense = isDense(weight)
  const source = dense ? weight : gathered(weight)
  const begin = source.storageOffset * 4
  const end = begin + numel(source) * 4
  // Position p of a dense range belongs to channel floor(p / stride) % channels, whichever dimension is outermost.
  const layout = { stride: source.sizes[0] === 1 ? numel(source) : source.strides[0]!, channels: source.sizes[0]! }
  const stream = (): AsyncIterable<Uint8Array> => readAhead(scaled(windowed(source.storage, begin, end), scale, layout))
  const storage: Storage = {
    identity: `${identity}(${source.storage.identity}[${begin}:${end}])`, byteLength: end - begin, scalarType: 'Float', stream,
    read: async (from, to) => collect(scaledRange(source.storage, begin + from, begin + to, begin, scale, layout), from, to),
  }
  return { scalarType: 'Float', sizes: source.sizes, strides: source.strides, storageOffset: 0, storage, requiresGrad: false }
}

interface ChannelLayout {
  readonly stride: number
  readonly channels: number
}

/** The bytes [begin, end) of a storage's stream. Streams, as a compressed record has no cheap random access. */
async function* windowed(storage: Storage, begin: number, end: number): AsyncGenerator<Uint8Array> {
  let position = 0
  if (begin === end) return
  for await (const piece of storage.stream()) {
    const from = Math.max(begin - position, 0)
    const to = Math.min(end - position, piece.byteLength)
    if (from < to) yield piece.subarray(from, to)
    position += piece.byteLength
    if (position >= end) return
  }
  throw new PetalError({
    code: 'TRUNCATED_STORAGE',
    message: `A tensor's data ends after ${position} of ${end} bytes.`,
    cause: 'The model file is damaged or was cut off.',
    fix: 'Copy or download the model again.',
  })
}

/** Multiplies a stream of little-endian floats; pieces may end anywhere, also within an element. */
async function* scaled(source: AsyncIterable<Uint8Array>, scale: ChannelValues, layout: ChannelLayout, first = 0): AsyncGenerator<Uint8Array> {
  const factors = await scale()
  const buffers: [Uint8Array, Uint8Array, Uint8Array] = [takeBuffer(), takeBuffer(), takeBuffer()]
  try {
    yield* multiplied(source, factors, layout, first, ...buffers)
  } finally {
    buffers.forEach(releaseBuffer)
  }
}

/** {@link scaled} into `result` and `other` in turn; `carried` takes what is not aligned, and the rest of an element that goes on in the next piece. */
async function* multiplied(
  source: AsyncIterable<Uint8Array>, factors: Float32Array, layout: ChannelLayout, first: number,
  carried: Uint8Array, result: Uint8Array, other: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const input = new Float32Array(carried.buffer)
  let [output, following] = [new Float32Array(result.buffer), new Float32Array(other.buffer)]
  let element = first
  let pending = 0
  for await (const piece of source) {
    for (let offset = 0; offset < piece.byteLength;) {
      const address = piece.byteOffset + offset
      const direct = pending === 0 && address % 4 === 0 && piece.byteLength - offset >= 4
      let view: Float32Array = input
      let count: number
      if (direct) {
        count = Math.min((piece.byteLength - offset) >> 2, output.length)
        view = new Float32Array(piece.buffer, address, count)
        offset += count * 4
      } else {
        const taken = Math.min(piece.byteLength - offset, PIECE_BYTES - pending)
        carried.set(piece.subarray(offset, offset + taken), pending)
        offset += taken
        count = (pending + taken) >> 2
        pending = pending + taken - count * 4
      }
      multiply(view, output, count, element, factors, layout)
      element += count
      if (!direct) carried.copyWithin(0, count * 4, count * 4 + pending)
      if (count === 0) continue
      yield new Uint8Array(output.buffer, 0, count * 4)
      const used = output
      output = following
      following = used
    }
  }
}

/** `output[i] = input[i] * factors[channel of first + i]`; storing into a Float32Array rounds the exact product once, as the processor does. */
function multiply(input: Float32Array, output: Float32Array, count: number, first: number, factors: Float32Array, layout: ChannelLayout): void {
  const { stride, channels } = layout
  if (stride === 1) {
    let channel = first % channels
    for (let i = 0; i < count; i++) {
      output[i] = input[i]! * factors[channel]!
      if (++channel === channels) channel = 0
    }
    return
  }
  for (let i = 0; i < count;) {
    const position = first + i
    const run = Math.min(count, i + stride - position % stride)
    const factor = factors[Math.floor(position / stride) % channels]!
    for (; i < run; i++) output[i] = input[i]! * factor
  }
}

async function* scaledRange(
  storage: Storage, begin: number, end: number, origin: number, scale: ChannelValues, layout: ChannelLayout,
): AsyncGenerator<Uint8Array> {
  const first = Math.floor((begin - origin) / 4)
  const from = origin + first * 4
  const to = origin + Math.ceil((end - origin) / 4) * 4
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = from; at < to; at += PIECE_BYTES) yield await storage.read(at, Math.min(at + PIECE_BYTES, to))
  }
  yield* scaled(pieces(), scale, layout, first)
}

/** The bytes [begin, end) of a stream that starts at the element of `begin`. */
async function collect(pieces: AsyncIterable<Uint8Array>, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin)
  let position = -(begin % 4)
  for await (const piece of pieces) {
    const skip = Math.max(-position, 0)
    const room = bytes.byteLength - (position + skip)
    bytes.set(piece.subarray(skip, skip + Math.max(room, 0)), position + skip)
    position += piece.byteLength
  }
  return bytes
}

/** A contiguous tensor of the same elements; they are read when somebody first asks. */
function gathered(tensor: Tensor): Tensor {
  const sizes = tensor.sizes
  const strides = sizes.map((_, dim) => sizes.slice(dim + 1).reduce((product, size) => product * size, 1))
  const storage = computedStorage(`gather(${tensor.storage.identity}${JSON.stringify([tensor.storageOffset, sizes, tensor.strides])})`,
    numel(tensor) * 4, () => elements(tensor))
  return { ...tensor, strides, storageOffset: 0, storage }
}

/** Elements a tensor's storage range spans, from its first to its last. */
export function spannedElements(tensor: Tensor): number {
  if (numel(tensor) === 0) return 0
  return tensor.sizes.reduce((span, size, dim) => span + (size - 1) * tensor.strides[dim]!, 1)
}

/** All elements of a float32 tensor in row-major order. For tensors that span at most {@link MAX_GATHER_BYTES}. */
export async function elements(tensor: Tensor): Promise<Float32Array> {
  requireLittleEndian()
  const span = spannedElements(tensor) * 4
  if (span > MAX_GATHER_BYTES) throw new Error(`gathering ${span} bytes`)
  const begin = tensor.storageOffset * 4
  const bytes = tensor.storage.resident?.subarray(begin, begin + span) ?? await tensor.storage.read(begin, begin + span)
  // Copied, as a read may start at any address and a piece need not outlive the next one. Not by slice(), which Node's Buffer makes a view.
  const window = new Float32Array(new Uint8Array(bytes).buffer)
  const result = new Float32Array(numel(tensor))
  const index = tensor.sizes.map(() => 0)
  for (let i = 0, position = 0; i < result.length; i++) {
    result[i] = window[position]!
    for (let dim = index.length - 1; dim >= 0; dim--) {
      position += tensor.strides[dim]!
      if (++index[dim]! < tensor.sizes[dim]!) break
      position -= index[dim]! * tensor.strides[dim]!
      index[dim] = 0
    }
  }
  return result
}

/** Tensors are little-endian in files and typed arrays follow the processor. No current JavaScript engine runs on a big-endian one by default. */
function requireLittleEndian(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return
  throw new PetalError({
    code: 'UNSUPPORTED_PLATFORM',
    message: 'Folding weights needs a little-endian processor.',
    fix: 'Compile on another machine, or block conv_bn_fusion.',
  })
}
