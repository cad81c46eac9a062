import type { NestedArray, TensorValue } from './tensor-value.ts'

/** One of the largest elements. */
export interface TopEntry {
  readonly index: number
  readonly value: number
  /** Its name, where names were given. */
  readonly label?: string
}

type Elements = Pick<TensorValue, 'data' | 'dims'>

/** The `k` largest elements of one row, largest first, equal ones in their order; NaN counts as the largest, as in PyTorch. */
export function topk({ data, dims }: Elements, k: number, labels?: readonly string[]): TopEntry[] {
  const row = dims.at(-1) ?? 1
  if (data.length !== row) {
    throw new TypeError(`topk() works on one row, this tensor has the dims [${dims.join(', ')}]: take a row with at(index) first.`)
  }
  if (labels && labels.length !== row) throw new TypeError(`There are ${labels.length} labels for ${row} elements.`)
  const order = Array.from({ length: row }, (_, index) => index).toSorted((a, b) => compare(data[b]!, data[a]!) || a - b)
  return order.slice(0, k).map((index) => {
    const value = Number(data[index]!)
    return labels ? { index, value, label: labels[index]! } : { index, value }
  })
}

function compare(a: number | bigint, b: number | bigint): number {
  if (a === b) return 0
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1
  return Number.isNaN(b) || a < b ? -1 : 1
}

/** Along the last dimension, shifted by its largest element so that nothing overflows. */
export function softmax({ data, dims }: Elements): Float32Array<ArrayBuffer> {
  const row = dims.at(-1) ?? 1
  const result = new Float32Array(data.length)
  for (let begin = 0; begin < data.length; begin += row) {
    let max = -Infinity
    for (let i = begin; i < begin + row; i++) max = Math.max(max, Number(data[i]))
    let sum = 0
    const values = Float64Array.from({ length: row }, (_, i) => {
      const value = Math.exp(Number(data[begin + i]) - max)
      sum += value
      return value
    })
    for (let i = 0; i < row; i++) result[begin + i] = values[i]! / sum
  }
  return result
}

/** Index of the largest element, the first of several; NaN counts as the largest. -1 where there is none. */
export function argmax(data: ArrayLike<number | bigint>): number {
  let best = data.length > 0 ? 0 : -1
  for (let i = 1; i < data.length; i++) if (compare(data[i]!, data[best]!) > 0) best = i
  return best
}

/** Nested arrays, row-major. */
export function nested({ data, dims, dtype }: Pick<TensorValue, 'data' | 'dims' | 'dtype'>): NestedArray {
  let index = 0
  const level = (depth: number): NestedArray => {
    if (depth < dims.length) return Array.from({ length: dims[depth]! }, () => level(depth + 1))
    const value = data[index++]!
    return dtype === 'bool' ? value !== 0 : value
  }
  return level(0)
}
