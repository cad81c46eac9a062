import type { Machine } from '../machine.ts'
import { DTYPES, type Dtype, numelOf, type Tensor } from '../tensor.ts'

/** Where in a tensor's storage blocks of elements begin, that are picked or written to. */
export interface Places {
  /** Shape of what is picked. */
  readonly sizes: readonly number[]
  /** Of each block, in elements, from the tensor's first one. */
  readonly offsets: Int32Array<ArrayBuffer>
  /** Elements that follow one another. */
  readonly block: number
}

/** Offsets of all elements of a shape, in row-major order. */
export function offsetsOf(sizes: readonly number[], strides: readonly number[]): Int32Array<ArrayBuffer> {
  let offsets = new Int32Array(1)
  for (const [dim, size] of sizes.entries()) {
    const steps = new Int32Array(size)
    for (let i = 0; i < size; i++) steps[i] = i * strides[dim]!
    offsets = added(offsets, steps)
  }
  return offsets
}

/** All sums of two lists; the second one runs fastest. */
function added(a: Int32Array<ArrayBuffer>, b: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  if (a.length === 1 && a[0] === 0) return b
  if (b.length === 1 && b[0] === 0) return a
  const result = new Int32Array(a.length * b.length)
  let at = 0
  for (const first of a) for (let i = 0; i < b.length; i++) result[at++] = first + b[i]!
  return result
}

/** Places of a tensor where some dimensions are indexed: those before them, what the indices say, and those after them. */
export function placesOf(
  { sizes, strides }: Tensor, before: readonly number[], indexed: Omit<Places, 'block'>, after: readonly number[],
): Places {
  let block = 1
  const outer = [...after]
  for (let dim = outer.at(-1); dim !== undefined && (sizes[dim] === 1 || strides[dim] === block); dim = outer.at(-1)) {
    block *= sizes[dim]!
    outer.pop()
  }
  const offsets = (dims: readonly number[]): Int32Array<ArrayBuffer> =>
    offsetsOf(dims.map((dim) => sizes[dim]!), dims.map((dim) => strides[dim]!))
  return {
    sizes: [...before.map((dim) => sizes[dim]!), ...indexed.sizes, ...after.map((dim) => sizes[dim]!)],
    offsets: added(added(offsets(before), indexed.offsets), offsets(outer)),
    block,
  }
}

/** Offsets of indices into a dimension; negative ones count from behind. */
export function checked(
  m: Machine, indices: Int32Array, { sizes, strides }: Pick<Tensor, 'sizes' | 'strides'>, dim: number,
): Int32Array<ArrayBuffer> {
  const result = new Int32Array(indices.length)
  const [size, stride] = [sizes[dim] ?? 1, strides[dim] ?? 1]
  for (let i = 0; i < result.length; i++) {
    const index = indices[i]!
    if (index < -size || index >= size) throw m.fail(`index ${index} is out of bounds for dimension ${dim} with size ${size}`)
    result[i] = (index < 0 ? index + size : index) * stride
  }
  return result
}

/** Puts offsets into memory, in bytes. */
function upload(m: Machine, offsets: Int32Array, bytes: number): number {
  const at = m.scratch(offsets.length * 4)
  const { i32 } = m
  for (let i = 0; i < offsets.length; i++) i32[at / 4 + i] = offsets[i]! * bytes
  return at
}

/** What lies at these places, as a tensor. */
export function pick(m: Machine, tensor: Tensor, { sizes, offsets, block }: Places): Tensor {
  const { bytes } = DTYPES[tensor.dtype]
  const result = m.empty(sizes, tensor.dtype)
  if (result.numel === 0) return result
  const from = upload(m, offsets, bytes)
  m.kernels['vector']!['move']!(m.address(result), 0, block * bytes, m.address(tensor), from, 0, offsets.length, block * bytes)
  return result
}

/** Writes elements, contiguous and in the order of the places, to them. */
export function put(m: Machine, tensor: Tensor, { offsets, block }: Places, values: Tensor): void {
  const { bytes } = DTYPES[tensor.dtype]
  if (offsets.length === 0 || block === 0) return
  const to = upload(m, offsets, bytes)
  m.kernels['vector']!['move']!(m.address(tensor), to, 0, m.address(values), 0, block * bytes, offsets.length, block * bytes)
}

/** Indices of a dimension, of any number of dimensions themselves. */
export function pickRows(
  m: Machine, tensor: Tensor, dim: number, indices: Int32Array, sizes: readonly number[] = [indices.length],
): Tensor {
  const dims = m.plain(tensor).sizes.map((_, i) => i)
  const places = placesOf(tensor, dims.slice(0, dim), { sizes, offsets: checked(m, indices, tensor, dim) }, dims.slice(dim + 1))
  return pick(m, tensor, places)
}

/** Row-major places of elements that are not 0, each counted in the whole tensor. */
export function nonzeroAt(m: Machine, tensor: Tensor): Int32Array<ArrayBuffer> {
  const plain = m.contiguous(tensor)
  const view = m.elements(plain)
  const found: number[] = []
  // A half float is 0 without its sign.
  const zero = tensor.dtype === 'float16' ? (value: number): boolean => (value & 0x7fff) === 0 : undefined
  for (let i = 0; i < view.length; i++) if (zero ? !zero(view[i] as number) : view[i]) found.push(i)
  return Int32Array.from(found)
}

/** The indices in each dimension of places counted in the whole. */
export function unravel(places: Int32Array<ArrayBuffer>, sizes: readonly number[]): Int32Array<ArrayBuffer>[] {
  return sizes.map((size, dim) => {
    const inner = numelOf(sizes.slice(dim + 1))
    return places.map((place) => Math.floor(place / inner) % size)
  })
}

/** Types whose elements JavaScript's arithmetic and typed arrays treat as PyTorch does. */
export function computesPlainly(dtype: Dtype): boolean {
  return dtype !== 'float16' && dtype !== 'bool'
}

/** Changes elements at places: `change` gets the old and the new value. Neither float16 nor bool. */
export function combine(
  m: Machine, tensor: Tensor, { offsets, block }: Places, values: Tensor, change: (old: number, value: number) => number,
): void {
  const view = m.viewOf(tensor.dtype) as Float32Array
  const begin = m.index(tensor)
  let from = m.index(values)
  for (const offset of offsets) {
    for (let i = begin + offset; i < begin + offset + block; i++) view[i] = change(view[i]!, view[from++]!)
  }
}

/** The indices that a tensor holds, and whether they are a mask's. */
export const isMask = ({ dtype }: Tensor): boolean => dtype === 'bool' || dtype === 'uint8'

