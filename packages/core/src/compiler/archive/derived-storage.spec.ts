import { describe, expect, it } from 'vitest'
import { computedStorage, elements, isDense, scaledByChannel } from './derived-storage.ts'
import { contiguousStrides, numel, type Storage, type Tensor } from './tensor.ts'

/** A storage of floats that streams in pieces of the given sizes, in turn, at odd addresses. */
function storageOf(values: Float32Array, pieces: readonly number[] = [1 << 16], misaligned = false): Storage {
  const room = new Uint8Array(values.byteLength + 1)
  const at = misaligned ? 1 : 0
  room.set(new Uint8Array(values.buffer), at)
  const bytes = room.subarray(at, at + values.byteLength)
  return {
    identity: 'values', byteLength: bytes.byteLength, scalarType: 'Float',
    read: async (begin, end) => bytes.subarray(begin, end),
    async *stream() {
      for (let position = 0, i = 0; position < bytes.byteLength; i++) {
        const size = pieces[i % pieces.length]!
        // The piece is overwritten once the next is asked for, as real sources reuse their buffers.
        const piece = bytes.slice(position, position + size)
        yield piece
        piece.fill(0xff)
        position += size
      }
    },
  }
}

function tensorOf(storage: Storage, sizes: number[], strides = contiguousStrides(sizes), storageOffset = 0): Tensor {
  return { scalarType: 'Float', sizes, strides, storageOffset, storage, requiresGrad: false }
}

function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i + 1) * 3))
}

async function streamed(storage: Storage): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of storage.stream()) parts.push(piece.slice())
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  parts.reduce((at, part) => (bytes.set(part, at), at + part.byteLength), 0)
  return bytes
}

/** The elements of a tensor whose storage is streamed, by index arithmetic alone. */
async function read(tensor: Tensor): Promise<number[]> {
  const values = new Float32Array((await streamed(tensor.storage)).buffer)
  expect(values.byteLength).toBe(tensor.storage.byteLength)
  return indices(tensor.sizes).map((index) => values[tensor.storageOffset + index.reduce((sum, n, dim) => sum + n * tensor.strides[dim]!, 0)]!)
}

function indices(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>((all, size) => all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])), [[]])
}

const LAYOUTS: [string, number[], number[], number][] = [
  ['contiguous', [4, 3, 2, 5], [30, 10, 5, 1], 0],
  ['at an offset', [4, 3, 2, 5], [30, 10, 5, 1], 7],
  ['channels_last', [4, 3, 2, 5], [30, 1, 15, 3], 0],
  ['transposed, channels innermost', [4, 6], [1, 4], 3],
  ['one channel', [1, 6], [6, 1], 0],
  ['a single element', [1, 1, 1, 1], [1, 1, 1, 1], 2],
  ['with gaps', [4, 3], [7, 2], 1],
  ['expanded', [4, 3], [1, 0], 0],
]

describe('scaledByChannel', () => {
  it.each(LAYOUTS)('multiplies a weight that is %s, whatever the pieces', async (_, sizes, strides, offset) => {
    const values = numbers(150)
    const factors = numbers(sizes[0]!)
    for (const pieces of [[4096], [1], [3, 5, 2], [4, 8], [13, 16, 1]]) {
      for (const misaligned of [false, true]) {
        const weight = tensorOf(storageOf(values, pieces, misaligned), sizes, strides, offset)
        const result = scaledByChannel(weight, async () => factors, 'scaled')
        expect(result.sizes).toEqual(sizes)
        const expected = indices(sizes).map((index) =>
          Math.fround(values[offset + index.reduce((sum, n, dim) => sum + n * strides[dim]!, 0)]! * factors[index[0]!]!))
        expect(await read(result)).toEqual(expected)
        expect(await read(result), 'read twice').toEqual(expected)
      }
    }
  })

  it('keeps the layout of dense weights and names its content by its inputs', () => {
    const weight = tensorOf(storageOf(numbers(150)), [4, 3, 2, 5], [30, 1, 15, 3], 5)
    const result = scaledByChannel(weight, async () => numbers(4), 'k')
    expect(result.strides).toEqual(weight.strides)
    expect(result.storage.byteLength).toBe(numel(weight) * 4)
    expect(result.storage.identity).toBe(scaledByChannel(weight, async () => numbers(4), 'k').storage.identity)
    expect(result.storage.identity).not.toBe(scaledByChannel({ ...weight, storageOffset: 4 }, async () => numbers(4), 'k').storage.identity)
    expect(result.storage.identity).not.toBe(scaledByChannel(weight, async () => numbers(4), 'j').storage.identity)
  })

  it('reads any range', async () => {
    const result = scaledByChannel(tensorOf(storageOf(numbers(60)), [5, 12]), async () => numbers(5), 'k')
    const all = await streamed(result.storage)
    for (const [begin, end] of [[0, 240], [0, 0], [4, 8], [3, 201], [50, 51], [236, 240], [17, 18]] as const) {
      expect(await result.storage.read(begin, end)).toEqual(all.slice(begin, end))
    }
  })

  it('crosses its own pieces', async () => {
    const count = 3 * (1 << 18) + 11
    const values = numbers(count)
    const weight = tensorOf(storageOf(values, [1 << 20, 999_999]), [1, count])
    const bytes = await streamed(scaledByChannel(weight, async () => Float32Array.of(0.3), 'k').storage)
    const factor = Math.fround(0.3)
    const result = new Float32Array(bytes.buffer)
    expect(result).toHaveLength(count)
    expect(result.findIndex((value, i) => value !== Math.fround(values[i]! * factor))).toBe(-1)
  })

  it('tells a storage that ends early', async () => {
    const storage = { ...storageOf(numbers(10)), byteLength: 80 }
    const result = scaledByChannel(tensorOf(storage, [2, 10]), async () => numbers(2), 'k')
    await expect(streamed(result.storage)).rejects.toThrow(/ends after 40 of 80 bytes/)
  })
})

describe('isDense', () => {
  it('is true for permutations, not for gaps and overlaps', () => {
    const storage = storageOf(numbers(150))
    for (const [name, sizes, strides, offset] of LAYOUTS) {
      expect(isDense(tensorOf(storage, sizes, strides, offset)), name).toBe(!['with gaps', 'expanded'].includes(name))
    }
  })
})

describe('elements', () => {
  it('gathers in row-major order', async () => {
    const values = numbers(40)
    expect(await elements(tensorOf(storageOf(values), [2, 3], [10, 3], 4))).toEqual(Float32Array.from([4, 7, 10, 14, 17, 20], (i) => values[i]!))
    expect(await elements(tensorOf(storageOf(values), [0, 3]))).toHaveLength(0)
  })
})

describe('computedStorage', () => {
  it('computes once, when first asked', async () => {
    let runs = 0
    const storage = computedStorage('c', 8, async () => { runs++; return Float32Array.of(1, 2) })
    expect(runs).toBe(0)
    expect(await streamed(storage)).toEqual(new Uint8Array(Float32Array.of(1, 2).buffer))
    expect(await storage.read(4, 8)).toEqual(new Uint8Array(Float32Array.of(2).buffer))
    expect(runs).toBe(1)
  })
})
