import { moveKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, Implementation } from '../operator.ts'
import { numelOf, sameSizes, type Tensor } from '../tensor.ts'
import { listed } from './dense/listed.ts'
import embedding from './embedding.ts'
import { checked, combine, isMask, nonzeroAt, offsetsOf, pick, pickRows, type Places, placesOf, put, unravel } from './picking.ts'
import { fromIntegers, integers, numbers } from './reading.ts'
import scatter, { changing, valuesFor, withNumbers } from './scatter.ts'
import search from './search.ts'
import { broadcastSizes, expand, flatten, type Int, reshape, wrapDim } from './views.ts'

interface Indices {
  readonly sizes: readonly number[]
  readonly values: Int32Array
}

/** One entry for each dimension of the tensor: indices, or null for all of it. A mask stands for as many dimensions as it has. */
function perDimension(m: Machine, tensor: Tensor, list: readonly (Tensor | null)[]): (Indices | null)[] {
  const entries: (Indices | null)[] = []
  for (const index of list) {
    if (index && isMask(index)) {
      const at = entries.length
      if (index.sizes.some((size, dim) => size !== tensor.sizes[at + dim])) {
        throw m.fail(`The mask ${listed(index.sizes)} does not match the indexed tensor ${listed(tensor.sizes)} at index ${at}`)
      }
      const places = nonzeroAt(m, index)
      entries.push(...unravel(places, index.sizes).map((values) => ({ sizes: [values.length], values })))
    } else {
      entries.push(index && { sizes: index.sizes, values: integers(m, index) })
    }
  }
  if (entries.length > tensor.dim) throw m.fail(`too many indices for tensor of dimension ${tensor.dim} (got ${entries.length})`)
  return entries
}

/** Where `tensor[indices]` is. The indices' dimensions come where the first indexed one was, or first of all where others lie between. */
function indexedPlaces(m: Machine, tensor: Tensor, list: readonly (Tensor | null)[]): Places {
  const entries = perDimension(m, m.plain(tensor), list)
  const dims = tensor.sizes.map((_, dim) => dim)
  const indexed = dims.filter((dim) => entries[dim])
  const sizes = broadcastSizes(m, indexed.map((dim) => entries[dim]!.sizes))
  const offsets = new Int32Array(numelOf(sizes))
  for (const dim of indexed) {
    const entry = entries[dim]!
    const own = checked(m, entry.values, tensor, dim)
    if (sameSizes(entry.sizes, sizes)) own.forEach((offset, i) => { offsets[i]! += offset })
    else spread(entry.sizes, sizes).forEach((at, i) => { offsets[i]! += own[at]! })
  }
  const [first, last] = [indexed[0] ?? 0, indexed.at(-1) ?? -1]
  const adjacent = last - first + 1 === indexed.length
  const others = dims.filter((dim) => !entries[dim])
  return placesOf(tensor, adjacent ? dims.slice(0, first) : [], { sizes, offsets }, adjacent ? dims.slice(last + 1) : others)
}

/** For each element of a broadcast shape the one of the original shape. */
function spread(sizes: readonly number[], target: readonly number[]): Int32Array {
  const shift = target.length - sizes.length
  return offsetsOf(target, target.map((_, dim) => sizes[dim - shift] === 1 || dim < shift ? 0 : numelOf(sizes.slice(dim - shift + 1))))
}

function index(m: Machine, tensor: Tensor, list: readonly (Tensor | null)[]): Tensor {
  return list.every((each) => each === null) ? m.copy(tensor) : pick(m, tensor, indexedPlaces(m, tensor, list))
}

function indexPut(m: Machine, tensor: Tensor, list: readonly (Tensor | null)[], values: Tensor, accumulate: boolean): void {
  withNumbers(m, tensor, accumulate, (target) => {
    const places = indexedPlaces(m, target, list)
    const source = valuesFor(m, target, expand(m, dropLeading(m, values, places.sizes.length), places.sizes))
    if (accumulate) combine(m, target, places, source, (old, value) => old + value)
    else put(m, target, places, source)
  })
}

/** Values may have more dimensions than they are written to, of size 1. */
function dropLeading(m: Machine, values: Tensor, rank: number): Tensor {
  const extra = Math.max(values.dim - rank, 0)
  return values.sizes.slice(0, extra).every((size) => size === 1) ? reshape(m, values, values.sizes.slice(extra)) : values
}

function indexSelect(m: Machine, tensor: Tensor, dim: Int, indices: Tensor): Tensor {
  const at = wrapDim(m, dim, tensor.dim)
  const list = integers(m, indices)
  if (list.some((each) => each < 0)) throw m.fail('INDICES element is out of DATA bounds, index is negative')
  if (tensor.dim === 0) return m.copy(tensor)
  return pickRows(m, tensor, at, list)
}

function nonzero(m: Machine, tensor: Tensor): Tensor {
  const found = nonzeroAt(m, tensor)
  const columns = unravel(found, tensor.sizes)
  const table = new Int32Array(found.length * tensor.dim)
  columns.forEach((column, dim) => column.forEach((value, i) => { table[i * tensor.dim + dim] = value }))
  return fromIntegers(m, table, [found.length, tensor.dim])
}

/** The indices of what is not 0, each dimension's by itself. */
function nonzeroColumns(m: Machine, tensor: Tensor): Tensor[] {
  const one = tensor.dim === 0 ? reshape(m, tensor, [1]) : tensor
  return unravel(nonzeroAt(m, one), one.sizes).map((column) => fromIntegers(m, column))
}

function maskedSelect(m: Machine, tensor: Tensor, mask: Tensor): Tensor {
  const sizes = broadcastSizes(m, [tensor.sizes, mask.sizes])
  const offsets = nonzeroAt(m, expand(m, mask, sizes))
  return pick(m, m.contiguous(expand(m, tensor, sizes)), { sizes: [offsets.length], offsets, block: 1 })
}

function maskedScatter(m: Machine, tensor: Tensor, mask: Tensor, source: Tensor): void {
  const all = offsetsOf(m.plain(tensor).sizes, tensor.strides)
  const offsets = nonzeroAt(m, expand(m, mask, tensor.sizes)).map((at) => all[at]!)
  if (source.numel < offsets.length) throw m.fail(`the source has ${source.numel} elements, the mask ${offsets.length} ones`)
  put(m, tensor, { sizes: [offsets.length], offsets, block: 1 }, valuesFor(m, tensor, source))
}

function take(m: Machine, tensor: Tensor, indices: Tensor): Tensor {
  return pickRows(m, flatten(m, tensor), 0, integers(m, indices), indices.sizes)
}

function putFlat(m: Machine, tensor: Tensor, indices: Tensor, source: Tensor, accumulate: boolean): void {
  withNumbers(m, tensor, accumulate, (target) => {
    const all = offsetsOf(m.plain(target).sizes, target.strides)
    const flat = checked(m, integers(m, indices), { sizes: [target.numel], strides: [1] }, 0)
    const places = { sizes: indices.sizes, offsets: flat.map((at) => all[at]!), block: 1 }
    const values = valuesFor(m, target, source)
    if (accumulate) combine(m, target, places, values, (old, value) => old + value)
    else put(m, target, places, values)
  })
}

/** How often each number occurs, or the sum of its weights. */
function countOf(m: Machine, tensor: Tensor, weights: Tensor | null, least: Int): Tensor {
  const values = integers(m, tensor)
  if (values.some((value) => value < 0)) throw m.fail('bincount only supports 1-d non-negative integral inputs.')
  const counts = new Float64Array(values.reduce((size, value) => Math.max(size, value + 1), Number(least)))
  const by = weights && tensor.numel > 0 ? numbers(m, weights) : undefined
  values.forEach((value, i) => { counts[value]! += by ? by[i]! : 1 })
  return by ? m.tensor(weights!.dtype === 'float32' ? 'float32' : 'float64', [counts.length], counts) : fromIntegers(m, counts)
}

const indexWith: Implementation = index

const family: Family = {
  name: 'index',
  kernels: [moveKernels],
  operators: {
    ...scatter,
    ...embedding,
    ...search,
    'aten::index.Tensor(self, indices)': indexWith,
    'aten::index.Tensor_hacked_twin(self, indices)': indexWith,
    'aten::_unsafe_index.Tensor(self, indices)': indexWith,
    ...changing('index_put', '', 'self, indices, values, accumulate=False', indexPut),
    ...changing('index_put', '.hacked_twin', 'self, indices, values, accumulate=False', indexPut),
    ...changing('_index_put_impl', '', 'self, indices, values, accumulate=False, unsafe=False', indexPut),
    ...changing('_index_put_impl', '.hacked_twin', 'self, indices, values, accumulate=False, unsafe=False', indexPut),
    ...changing('put', '', 'self, index, source, accumulate=False', putFlat),
    ...changing('masked_scatter', '', 'self, mask, source', maskedScatter),
    'aten::index_select(self, dim, index)': indexSelect,
    'aten::masked_select(self, mask)': maskedSelect,
    'aten::take(self, index)': take,
    'aten::nonzero(self)': nonzero,
    'aten::argwhere(self)': nonzero,
    'aten::nonzero_numpy(self)': nonzeroColumns,
    'aten::where(condition)': nonzeroColumns,
    'aten::bincount(self, weights=None, minlength=0)': countOf,
  },
}

export default family
