import type { Machine } from '../machine.ts'
import { contiguousStrides, DTYPES, type Dtype, isContiguous, numelOf, sameSizes, Tensor } from '../tensor.ts'
import { listed } from './dense/listed.ts'

// Other views of a tensor's storage, with PyTorch's strides (aten/src/ATen/native/TensorShape.cpp). None of them copies, unless it says so.

/** A number of the interpreter. */
export type Int = bigint | number

/** A dimension, which may count from behind, as an index. */
export function wrapDim(m: Machine, dim: Int, rank: number): number {
  const size = Math.max(rank, 1)
  const at = Number(dim)
  if (at < -size || at >= size) throw m.fail(`Dimension out of range (expected to be in range of [${-size}, ${size - 1}], but got ${at})`)
  return at < 0 ? at + size : at
}

/** Several dimensions, none of them twice. */
export function wrapDims(m: Machine, dims: readonly Int[], rank: number): number[] {
  const wrapped = dims.map((dim) => wrapDim(m, dim, rank))
  if (new Set(wrapped).size !== wrapped.length) throw m.fail('dim appears multiple times in the list of dims')
  return wrapped
}

/** The list with one number replaced. */
export function replaced<T>(list: readonly T[], at: number, ...by: readonly T[]): T[] {
  return [...list.slice(0, at), ...by, ...list.slice(at + 1)]
}

/** `length` elements of a dimension from `start` on, every `step`th; all of them in range. */
export function slice(m: Machine, tensor: Tensor, dim: number, start: number, length: number, step: number = 1): Tensor {
  const { sizes, strides, offset } = m.plain(tensor)
  return tensor.view(replaced(sizes, dim, length), replaced(strides, dim, strides[dim]! * step), offset + start * strides[dim]!)
}

/** One index of a dimension, which goes. */
export function select(m: Machine, tensor: Tensor, dim: Int, index: Int): Tensor {
  const { sizes, strides, offset } = m.plain(tensor)
  if (sizes.length === 0) throw m.fail('select() cannot be applied to a 0-dim tensor.')
  const at = wrapDim(m, dim, sizes.length)
  const place = Number(index) < 0 ? Number(index) + sizes[at]! : Number(index)
  if (place < 0 || place >= sizes[at]!) throw m.fail(`index ${index} out of range for tensor of size ${listed(sizes)} at dimension ${at}`)
  return tensor.view(replaced(sizes, at), replaced(strides, at), offset + place * strides[at]!)
}

/** The dimensions in another order. */
export function permute(m: Machine, tensor: Tensor, dims: readonly Int[]): Tensor {
  const { sizes, strides } = m.plain(tensor)
  const order = wrapDims(m, dims, sizes.length)
  if (order.length !== sizes.length) throw m.fail(`${order.length} dimensions are named for a tensor of ${sizes.length}`)
  return tensor.view(order.map((dim) => sizes[dim]!), order.map((dim) => strides[dim]!))
}

/** Two dimensions exchanged. */
export function transpose(m: Machine, tensor: Tensor, first: Int, second: Int): Tensor {
  if (tensor.dim === 0 && wrapDim(m, first, 0) === wrapDim(m, second, 0)) return tensor
  const [a, b] = [wrapDim(m, first, tensor.dim), wrapDim(m, second, tensor.dim)]
  const order = tensor.sizes.map((_, dim) => dim === a ? b : dim === b ? a : dim)
  return permute(m, tensor, order)
}

/** Moves dimensions to other places; the others keep their order. */
export function moveDims(m: Machine, tensor: Tensor, from: readonly Int[], to: readonly Int[]): Tensor {
  if (from.length !== to.length) throw m.fail(`Invalid source or destination dims: ${listed(from)} and ${listed(to)}`)
  const [sources, targets] = [wrapDims(m, from, tensor.dim), wrapDims(m, to, tensor.dim)]
  const others = tensor.sizes.map((_, dim) => dim).filter((dim) => !sources.includes(dim))
  return permute(m, tensor, tensor.sizes.map((_, dim) => targets.includes(dim) ? sources[targets.indexOf(dim)]! : others.shift()!))
}

/** A new dimension of size 1. */
export function unsqueeze(m: Machine, tensor: Tensor, dim: Int): Tensor {
  const { sizes, strides } = m.plain(tensor)
  const at = wrapDim(m, dim, sizes.length + 1)
  const stride = at < sizes.length ? sizes[at]! * strides[at]! : 1
  return tensor.view([...sizes.slice(0, at), 1, ...sizes.slice(at)], [...strides.slice(0, at), stride, ...strides.slice(at)])
}

/** Without those of the dimensions that have size 1; all dimensions where none are named. */
export function squeeze(m: Machine, tensor: Tensor, dims: readonly Int[] = tensor.sizes.map((_, dim) => dim)): Tensor {
  const { sizes, strides } = m.plain(tensor)
  const named = wrapDims(m, dims, sizes.length)
  const kept = sizes.map((_, dim) => dim).filter((dim) => sizes[dim] !== 1 || !named.includes(dim))
  return tensor.view(kept.map((dim) => sizes[dim]!), kept.map((dim) => strides[dim]!))
}

/** Dimensions of size 1 repeated without a copy, and new ones before the first; -1 keeps a size. */
export function expand(m: Machine, tensor: Tensor, target: readonly Int[]): Tensor {
  const { sizes, strides } = m.plain(tensor)
  const fail = (why: string): Error => m.fail(`${why}.  Target sizes: ${listed(target)}.  Tensor sizes: ${listed(sizes)}`)
  if (target.length < sizes.length) throw fail('The number of sizes must be greater or equal to the number of dimensions')
  const shift = target.length - sizes.length
  const newSizes: number[] = []
  const newStrides: number[] = []
  for (let dim = target.length - 1; dim >= 0; dim--) {
    const old = dim - shift
    const size = old >= 0 ? sizes[old]! : 1
    const wanted = Number(target[dim])
    if (wanted < -1 || (wanted === -1 && old < 0)) throw fail(`The size ${wanted} isn't allowed in a new dimension`)
    const stride = old >= 0 ? strides[old]! : (newSizes[0] ?? 1) * (newStrides[0] ?? 1)
    const stays = wanted === -1 || wanted === size
    if (!stays && size !== 1) throw fail(`The expanded size (${wanted}) must match the existing size (${size}) at dimension ${dim}`)
    newSizes.unshift(stays ? size : wanted)
    newStrides.unshift(stays ? stride : 0)
  }
  return tensor.view(newSizes, newStrides)
}

/** The sizes to which tensors of these sizes are broadcast. */
export function broadcastSizes(m: Machine, all: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...all.map(({ length }) => length))
  return Array.from({ length: rank }, (_, dim) => {
    let answer = 1
    for (const sizes of all) {
      const size = sizes[dim - rank + sizes.length] ?? 1
      if (size === 1 || size === answer) continue
      if (answer !== 1) throw m.fail(`The sizes ${answer} and ${size} do not match at dimension ${dim}`)
      answer = size
    }
    return answer
  })
}

/** A shape with its -1 found. */
export function inferSizes(m: Machine, shape: readonly Int[], numel: number): number[] {
  const sizes = shape.map(Number)
  const unknown = sizes.indexOf(-1)
  if (unknown !== sizes.lastIndexOf(-1)) throw m.fail('only one dimension can be inferred')
  const invalid = sizes.find((size) => size < -1)
  if (invalid !== undefined) throw m.fail(`invalid shape dimension ${invalid}`)
  const known = numelOf(sizes.filter((size) => size !== -1))
  const fits = unknown < 0 ? known === numel : known === 0 ? numel === 0 : numel % known === 0
  if (!fits) throw m.fail(`shape '${listed(sizes)}' is invalid for input of size ${numel}`)
  if (unknown >= 0 && known === 0) throw m.fail(`cannot reshape 0 elements into shape ${listed(sizes)}: -1 can be any value`)
  if (unknown >= 0) sizes[unknown] = numel / known
  return sizes
}

/** Strides of a view of other sizes, where there is one (`computeStride` in aten/src/ATen/TensorUtils.cpp). */
function viewStrides({ sizes, strides, numel }: Tensor, target: readonly number[]): number[] | undefined {
  if (sameSizes(sizes, target)) return [...strides]
  if (numel === 0 || isContiguous({ sizes, strides, numel })) return contiguousStrides(target)
  const result: number[] = []
  let view = target.length - 1
  let base = strides.at(-1) ?? 1
  let chunk = 1
  let viewed = 1
  for (let dim = sizes.length - 1; dim >= 0; dim--) {
    chunk *= sizes[dim]!
    // Dimensions that do not follow one another end a chunk, in which the view must fit.
    if (dim > 0 && (sizes[dim - 1] === 1 || strides[dim - 1] === chunk * base)) continue
    while (view >= 0 && (viewed < chunk || target[view] === 1)) {
      result[view] = viewed * base
      viewed *= target[view]!
      view--
    }
    if (viewed !== chunk) return undefined
    base = strides[dim - 1] ?? 1
    chunk = viewed = 1
  }
  return view < 0 ? result : undefined
}

/** A view of other sizes, refused where there is none. */
export function view(m: Machine, tensor: Tensor, shape: readonly Int[]): Tensor {
  const sizes = inferSizes(m, shape, tensor.numel)
  const strides = viewStrides(m.plain(tensor), sizes)
  const { sizes: own, strides: steps } = tensor
  if (!strides) throw m.fail(`view size ${listed(sizes)} is not compatible with size ${listed(own)} and stride ${listed(steps)}`)
  return tensor.view(sizes, strides)
}

/** Other sizes: a view where there is one, else a copy. */
export function reshape(m: Machine, tensor: Tensor, shape: readonly Int[]): Tensor {
  const sizes = inferSizes(m, shape, tensor.numel)
  const strides = viewStrides(m.plain(tensor), sizes)
  return strides ? tensor.view(sizes, strides) : m.copy(tensor).view(sizes, contiguousStrides(sizes))
}

/** The dimensions from `first` to `last` as one; a copy where no view does it. */
export function flatten(m: Machine, tensor: Tensor, first: Int = 0, last: Int = -1): Tensor {
  const { sizes } = tensor
  const [begin, end] = [wrapDim(m, first, sizes.length), wrapDim(m, last, sizes.length)]
  if (begin > end) throw m.fail('flatten() has invalid args: start_dim cannot come after end_dim')
  if (sizes.length === 0) return reshape(m, tensor, [1])
  const joined = [...sizes.slice(0, begin), numelOf(sizes.slice(begin, end + 1)), ...sizes.slice(end + 1)]
  return begin === end ? tensor : reshape(m, tensor, joined)
}

/** Runs backwards through some dimensions. Strides are negative then: for copies alone, never to be given to a model. */
export function backwards(m: Machine, tensor: Tensor, dims: readonly number[]): Tensor {
  const { sizes, strides, offset } = m.plain(tensor)
  const last = dims.reduce((sum, dim) => sum + Math.max(sizes[dim]! - 1, 0) * strides[dim]!, offset)
  return tensor.view(sizes, strides.map((stride, dim) => dims.includes(dim) ? -stride : stride), last)
}

/** The diagonal of two dimensions as the last dimension. */
export function diagonal(m: Machine, tensor: Tensor, shift: Int, first: Int, second: Int): Tensor {
  const { sizes, strides, offset } = m.plain(tensor)
  const [a, b] = wrapDims(m, [first, second], sizes.length) as [number, number]
  const by = Number(shift)
  const length = Math.max(by >= 0 ? Math.min(sizes[a]!, sizes[b]! - by) : Math.min(sizes[a]! + by, sizes[b]!), 0)
  const begin = length === 0 ? offset : offset + (by >= 0 ? by * strides[b]! : -by * strides[a]!)
  const kept = sizes.map((_, dim) => dim).filter((dim) => dim !== a && dim !== b)
  return tensor.view([...kept.map((dim) => sizes[dim]!), length], [...kept.map((dim) => strides[dim]!), strides[a]! + strides[b]!], begin)
}

/** Windows of a dimension as a new last dimension. */
export function unfold(m: Machine, tensor: Tensor, dim: Int, size: Int, step: Int): Tensor {
  const { sizes, strides } = m.plain(tensor)
  const at = wrapDim(m, dim, sizes.length)
  const [length, by] = [Number(size), Number(step)]
  const whole = sizes[at] ?? 1
  if (length < 0 || length > whole) throw m.fail(`maximum size for tensor at dimension ${at} is ${whole} but size is ${length}`)
  if (by <= 0) throw m.fail(`step is ${by} but must be > 0`)
  const stride = strides[at] ?? 1
  if (sizes.length === 0) return tensor.view([length], [1])
  const count = Math.floor((whole - length) / by) + 1
  return tensor.view([...replaced(sizes, at, count), length], [...replaced(strides, at, stride * by), stride])
}

/** The same bytes as elements of another type. */
export function viewDtype(m: Machine, tensor: Tensor, dtype: Dtype): Tensor {
  const { sizes, strides, offset, storage } = m.plain(tensor)
  const [from, to] = [DTYPES[tensor.dtype].bytes, DTYPES[dtype].bytes]
  if (from === to) return new Tensor(storage, dtype, sizes, strides, offset)
  const ratio = from / to
  const whole = (count: number): number => {
    if (!Number.isInteger(count * ratio)) throw m.fail(`a ${tensor.dtype} tensor of these sizes and strides is no view as ${dtype}`)
    return count * ratio
  }
  const last = sizes.length - 1
  if (last < 0 || strides[last] !== 1) throw m.fail('self.stride(-1) must be 1 to view it as a dtype of another size')
  return new Tensor(storage, dtype, replaced(sizes, last, whole(sizes[last]!)), [...strides.slice(0, -1).map(whole), 1], whole(offset))
}

/** Parts of a dimension, of the given lengths one after the other. */
export function splitSizes(m: Machine, tensor: Tensor, lengths: readonly number[], dim: number): Tensor[] {
  let start = 0
  return lengths.map((length) => {
    start += length
    return slice(m, tensor, dim, start - length, length)
  })
}
