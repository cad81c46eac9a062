import type { Machine } from '../machine.ts'
import type { OperatorTable } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { listed } from './dense/listed.ts'
import { isFloating } from './elements.ts'
import { checked, combine, computesPlainly, offsetsOf, pick, type Places, placesOf, put } from './picking.ts'
import { cast, filled, integers } from './reading.ts'
import { broadcastSizes, expand, flatten, type Int, replaced, reshape, slice, wrapDim } from './views.ts'

/** Writes to a tensor. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the schema vouches for the arguments
type Change = (m: Machine, target: Tensor, ...args: any[]) => void

/** An operator and its in-place form: `scatter.src`, which changes a copy, and `scatter_.src`. */
export function changing(name: string, overload: string, args: string, change: Change): OperatorTable {
  return {
    [`aten::${name}${overload}(${args})`]: (m, tensor: Tensor, ...rest) => {
      const copy = m.copy(tensor)
      change(m, copy, ...rest)
      return copy
    },
    [`aten::${name}_${overload}(${args})`]: (m, tensor: Tensor, ...rest) => {
      m.writing(tensor)
      change(m, tensor, ...rest)
      return tensor
    },
  }
}

/** Values as they are written to a tensor: of its type, contiguous, and not of its storage. */
export function valuesFor(m: Machine, target: Tensor, values: Tensor): Tensor {
  const converted = m.contiguous(cast(m, values, target.dtype))
  return converted.storage === target.storage ? m.copy(converted) : converted
}

/** Lets `run` compute with a tensor's elements: a copy in a wider type, where JavaScript does not compute in its own. */
export function withNumbers(m: Machine, tensor: Tensor, computes: boolean, run: (target: Tensor) => void): void {
  if (!computes || computesPlainly(tensor.dtype)) return run(tensor)
  const wide = cast(m, tensor, tensor.dtype === 'bool' ? 'int64' : 'float32')
  run(wide)
  m.assign(tensor, cast(m, wide, tensor.dtype))
}

/** One place for each element of `index`, which is where it lies but for the dimension that the index says. */
function gathered(m: Machine, tensor: Tensor, dim: number, index: Tensor): Places {
  const { sizes, strides } = m.plain(tensor)
  if (index.numel > 0 && Math.max(index.dim, 1) !== Math.max(sizes.length, 1)) {
    throw m.fail('Index tensor must have as many dimensions as the input tensor')
  }
  const wrong = index.sizes.find((size, i) => i !== dim && size > (sizes[i] ?? 1))
  if (wrong !== undefined) throw m.fail(`index ${listed(index.sizes)} must be smaller than ${listed(sizes)} but for dimension ${dim}`)
  const list = integers(m, index)
  const negative = list.find((each) => each < 0)
  if (negative !== undefined) throw m.fail(`index ${negative} is out of bounds for dimension ${dim} with size ${sizes[dim] ?? 1}`)
  const along = checked(m, list, tensor, dim)
  const others = offsetsOf(index.sizes, index.sizes.map((_, i) => i === dim ? 0 : strides[i] ?? 0))
  return { sizes: index.sizes, offsets: along.map((offset, i) => offset + others[i]!), block: 1 }
}

function gather(m: Machine, tensor: Tensor, dim: Int, index: Tensor): Tensor {
  return pick(m, tensor, gathered(m, tensor, wrapDim(m, dim, tensor.dim), index))
}

function takeAlong(m: Machine, tensor: Tensor, index: Tensor, dim: Int | null): Tensor {
  if (dim === null) return gather(m, flatten(m, tensor), 0, flatten(m, index))
  const at = wrapDim(m, dim, tensor.dim)
  const sizes = broadcastSizes(m, [replaced(tensor.sizes, at, 1), replaced(index.sizes, at, 1)])
  const to = (each: Tensor): Tensor => expand(m, each, replaced(sizes, at, each.sizes[at]!))
  return gather(m, to(tensor), at, to(index))
}

/** What a reduction makes of the old and the new value. */
type Reduction = (old: number, value: number) => number

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  sum: (old, value) => old + value,
  prod: (old, value) => old * value,
  amax: (old, value) => value > old || Number.isNaN(value) ? value : old,
  amin: (old, value) => value < old || Number.isNaN(value) ? value : old,
}

/** What older operators call them. */
const OTHER_NAMES: Readonly<Record<string, string>> = { add: 'sum', multiply: 'prod', mean: 'sum' }

/** Reduces values into places. Without `include`, the first value of a place takes the place of what was there. */
function reduceInto(m: Machine, target: Tensor, places: Places, values: Tensor, name: string, include: boolean): void {
  const reduction = REDUCTIONS[OTHER_NAMES[name] ?? name]
  if (!reduction) throw m.fail(`reduce argument must be either sum, prod, mean, amax or amin, got ${name}`)
  if (include && name !== 'mean') return combine(m, target, places, values, reduction)
  const flat = { ...places, offsets: places.block === 1 ? places.offsets : offsetsOfBlocks(places), block: 1 }
  const counts = new Map<number, number>()
  let next = 0
  combine(m, target, flat, values, (old, value) => {
    const place = flat.offsets[next++]!
    const count = counts.get(place) ?? (include ? 1 : 0)
    counts.set(place, count + 1)
    return count === 0 ? value : reduction(old, value)
  })
  if (name === 'mean') divide(m, target, counts)
}

function offsetsOfBlocks({ offsets, block }: Places): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: offsets.length * block }, (_, i) => offsets[Math.floor(i / block)]! + i % block)
}

/** Sums to means; of ints rounded down. */
function divide(m: Machine, target: Tensor, counts: ReadonlyMap<number, number>): void {
  const view = m.viewOf(target.dtype)
  const begin = m.index(target)
  for (const [place, count] of counts) {
    const value = view[begin + place]!
    const mean = Number(value) / count
    const rounded = isFloating(target.dtype) ? mean : Math.floor(mean)
    view[begin + place] = (typeof value === 'bigint' ? BigInt(rounded) : rounded) as never
  }
}

/** The part of a source that an index as large takes. */
function partOf(m: Machine, source: Tensor, { sizes }: Tensor): Tensor {
  return sizes.reduce((part, size, dim) => part.dim > dim ? slice(m, part, dim, 0, size) : part, source)
}

function scatter(
  m: Machine, target: Tensor, dim: Int, index: Tensor, source: Tensor | Scalar, reduce: string | null = null, include: boolean = true,
): void {
  if (index.numel === 0) return
  withNumbers(m, target, reduce !== null, (work) => {
    const at = wrapDim(m, dim, work.dim)
    const values = typeof source === 'object' ? valuesFor(m, work, partOf(m, source, index)) : filled(m, index.sizes, work.dtype, source)
    const places = gathered(m, work, at, index)
    if (reduce === null) put(m, work, places, values)
    else reduceInto(m, work, places, values, reduce, include)
  })
}

/** Whole slices of a dimension. */
function slicesOf(m: Machine, tensor: Tensor, dim: Int, index: Tensor): Places {
  const dims = m.plain(tensor).sizes.map((_, i) => i)
  const at = wrapDim(m, dim, tensor.dim)
  const offsets = checked(m, integers(m, index), tensor, at)
  return placesOf(tensor, dims.slice(0, at), { sizes: [offsets.length], offsets }, dims.slice(at + 1))
}

function indexReduce(m: Machine, target: Tensor, dim: Int, index: Tensor, source: Tensor, reduce: string, include: boolean): void {
  withNumbers(m, target, true, (work) => {
    const places = slicesOf(m, work, dim, index)
    reduceInto(m, work, places, valuesFor(m, work, source), reduce, include)
  })
}

function indexAdd(m: Machine, target: Tensor, dim: Int, index: Tensor, source: Tensor, alpha: Scalar): void {
  withNumbers(m, target, true, (work) => {
    const places = slicesOf(m, work, dim, index)
    const values = valuesFor(m, work, source)
    const [by] = m.elements(filled(m, [1], work.dtype, alpha)) as Float32Array
    combine(m, work, places, values, (old, value) => old + value * by!)
  })
}

function indexCopy(m: Machine, target: Tensor, dim: Int, index: Tensor, source: Tensor): void {
  put(m, target, slicesOf(m, target, dim, index), valuesFor(m, target, source))
}

function indexFill(m: Machine, target: Tensor, dim: Int, index: Tensor, value: Scalar | Tensor): void {
  const places = slicesOf(m, target, dim, index)
  const one = typeof value === 'object' ? cast(m, reshape(m, value, []), target.dtype) : filled(m, [], target.dtype, value)
  put(m, target, places, m.contiguous(expand(m, one, places.sizes)))
}

const table: OperatorTable = {
  'aten::gather(self, dim, index, sparse_grad=False)': gather,
  'aten::take_along_dim(self, indices, dim=None)': takeAlong,
  ...changing('scatter', '.src', 'self, dim, index, src', scatter),
  ...changing('scatter', '.value', 'self, dim, index, value', scatter),
  ...changing('scatter', '.reduce', 'self, dim, index, src, reduce', scatter),
  ...changing('scatter', '.value_reduce', 'self, dim, index, value, reduce', scatter),
  ...changing('scatter_add', '', 'self, dim, index, src', (m, target, dim, index, source) => scatter(m, target, dim, index, source, 'sum')),
  ...changing('scatter_reduce', '.two', 'self, dim, index, src, reduce, include_self=True', scatter),
  ...changing('index_add', '', 'self, dim, index, source, alpha=1', indexAdd),
  ...changing('index_copy', '', 'self, dim, index, source', indexCopy),
  ...changing('index_fill', '.int_Scalar', 'self, dim, index, value', indexFill),
  ...changing('index_fill', '.int_Tensor', 'self, dim, index, value', indexFill),
  ...changing('index_reduce', '', 'self, dim, index, source, reduce, include_self=True', indexReduce),
}

export default table
