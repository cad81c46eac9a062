import { collapse, forEachOffset, type Machine } from '../machine.ts'
import { type Dtype, numelOf, type Tensor } from '../tensor.ts'
import { createElements, type Elements, gather, isFloating, scatter } from './elements.ts'

// Reductions: elements along some dimensions are folded into one. Floats are folded as doubles, ints as 64 bits.

/** What is known of each result. */
export interface State {
  readonly value: Float64Array | BigInt64Array
  /** A second number beside it: the position of an extreme, a mean. */
  readonly other: Float64Array
}

/** Folds element number `position` into slot `at`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- numbers or bigints, as the type is
export type Step = (state: State, at: number, element: any, position: number) => void

/** Elements that are read at once. */
const CHUNK = 2048

/** A dimension counted from the front. A tensor without dimensions may be said to have one. */
export function wrapDim(m: Machine, dim: bigint, rank: number): number {
  const limit = Math.max(rank, 1)
  const index = Number(dim)
  if (index < -limit || index >= limit) {
    throw m.fail(`Dimension out of range (expected to be in range of [${-limit}, ${limit - 1}], but got ${index})`)
  }
  return index < 0 ? index + limit : index
}

/** Which dimensions are reduced: all of them when none are named. */
export function reducedDims(m: Machine, dims: readonly bigint[] | null, rank: number): readonly boolean[] {
  const reduced = Array.from({ length: rank }, () => !dims || dims.length === 0)
  const seen = new Set<number>()
  for (const each of dims ?? []) {
    const dim = wrapDim(m, each, rank)
    if (seen.has(dim)) throw m.fail(`dim ${dim} appears multiple times in the list of dims`)
    seen.add(dim)
    if (dim < rank) reduced[dim] = true
  }
  return reduced
}

/** Sizes of the result. */
export function reducedSizes(sizes: readonly number[], reduced: readonly boolean[], keep: boolean): number[] {
  return keep ? sizes.map((size, dim) => reduced[dim] ? 1 : size) : sizes.filter((_, dim) => !reduced[dim])
}

/** Some dimensions of a tensor. */
export interface Walk {
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

/** The kept and the reduced dimensions of a tensor in its plain layout, joined where they can be. */
export function split({ sizes, strides }: Tensor, reduced: readonly boolean[]): [Walk, Walk] {
  const part = (which: boolean): Walk => {
    const pick = (list: readonly number[]): number[] => list.filter((_, dim) => reduced[dim] === which)
    const joined = collapse(pick(sizes), [pick(strides)])
    return { sizes: joined.sizes, strides: joined.strides[0]! }
  }
  return [part(false), part(true)]
}

/** Folds all elements, read as `dtype`. The slots are the kept dimensions in row-major order. */
export function fold(m: Machine, tensor: Tensor, reduced: readonly boolean[], dtype: Dtype, step: Step): State {
  m.plain(tensor)
  const [kept, gone] = split(tensor, reduced)
  const count = numelOf(kept.sizes)
  const state: State = { value: isFloating(dtype) ? new Float64Array(count) : new BigInt64Array(count), other: new Float64Array(count) }
  if (tensor.numel === 0) return state
  const begin = m.index(tensor)
  const [rows, columns] = [kept.sizes.at(-1) ?? 1, gone.sizes.at(-1) ?? 1]
  const buffer = createElements(dtype, Math.min(Math.max(rows, columns), CHUNK))
  const read = (at: number, stride: number, length: number, each: (element: number | bigint, i: number) => void): void => {
    for (let start = 0; start < length; start += CHUNK) {
      const some = Math.min(CHUNK, length - start)
      gather(m, tensor.dtype, begin + at + start * stride, stride, buffer, some)
      for (let i = 0; i < some; i++) each(buffer[i]!, start + i)
    }
  }
  // Whichever dimension is longer is the inner loop.
  const wide = rows > columns
  const walked = wide ? gone : { sizes: gone.sizes.slice(0, -1), strides: gone.strides }
  let slot = 0
  forEachOffset(wide ? kept.sizes.slice(0, -1) : kept.sizes, [kept.strides], ([base]) => {
    let position = 0
    forEachOffset(walked.sizes, [walked.strides], ([offset]) => {
      if (wide) read(base! + offset!, kept.strides.at(-1)!, rows, (element, i) => step(state, slot + i, element, position))
      else read(base! + offset!, gone.strides.at(-1) ?? 0, columns, (element, i) => step(state, slot, element, position + i))
      position += wide ? 1 : columns
    })
    slot += wide ? rows : 1
  })
  return state
}

/** A contiguous tensor of the values of slots. */
export function toTensor(m: Machine, values: Float64Array | BigInt64Array, sizes: readonly number[], dtype: Dtype, out?: Tensor): Tensor {
  const result = m.empty(sizes, dtype)
  scatter(m, dtype, m.index(result), 1, values as Elements, values.length)
  return out ? write(m, result, out) : result
}

/** Copies a result to the tensor that is to hold it. */
export function write(m: Machine, result: Tensor, out: Tensor): Tensor {
  if (out.dtype !== result.dtype || out.numel !== result.numel) {
    throw m.unsupported(`a result of type ${result.dtype} written to a tensor of another shape or type`)
  }
  m.writing(out)
  m.assign(out, result)
  return out
}

/** Number of elements that are folded into one. */
export function foldedCount(tensor: Tensor, reduced: readonly boolean[]): number {
  return numelOf(tensor.sizes.filter((_, dim) => reduced[dim]))
}
