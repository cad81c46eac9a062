import { argmax, nested, softmax, topk, type TopEntry } from './results.ts'
import type { Dtype } from './tensor.ts'

/** Elements of tensors, as an app sees them. */
export type TensorData =
  | Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint8Array | Uint8ClampedArray | Uint16Array | BigInt64Array

/** A tensor as an app may pass it: elements in row-major order. `dtype` is that of `data` where it is left out. */
export interface TensorLike {
  readonly data: TensorData | readonly number[] | readonly bigint[] | readonly boolean[]
  readonly dims: readonly number[]
  readonly dtype?: Dtype
}

/**
 * A tensor that a model gave: a copy, so nothing has to be freed and the next run changes nothing in it. It can be passed to a model as it is.
 *
 * `data` by `dtype`: int64 is a BigInt64Array, bool a Uint8Array of 0 and 1, float16 a Float32Array of its values, the others the array of
 * their name.
 */
export class TensorValue {
  readonly data: Exclude<TensorData, Uint8ClampedArray | Uint16Array>
  readonly dims: readonly number[]
  readonly dtype: Dtype

  constructor(data: TensorValue['data'], dims: readonly number[], dtype: Dtype) {
    this.data = data
    this.dims = dims
    this.dtype = dtype
  }

  /** The one element of a tensor that has no more. */
  item(): number | bigint | boolean {
    if (this.data.length !== 1) throw new TypeError(`item() needs a tensor of one element, this one has the dims [${this.dims.join(', ')}].`)
    const value = this.data[0]!
    return this.dtype === 'bool' ? value !== 0 : value
  }

  /** Nested arrays, as deep as `dims` is long; a plain number for a tensor without dims. */
  toArray(): NestedArray {
    return nested(this)
  }

  /** The part at an index of the first dimension, negative from the end: a row of a batch. Shares the elements. */
  at(index: number): TensorValue {
    const [count = 0, ...dims] = this.dims
    const size = count === 0 ? 0 : this.data.length / count
    const position = index < 0 ? count + index : index
    if (!Number.isInteger(position) || position < 0 || position >= count) throw new RangeError(`There is no index ${index} in the dims [${this.dims.join(', ')}].`)
    return new TensorValue(this.data.subarray(position * size, (position + 1) * size), dims, this.dtype)
  }

  /** The `k` largest elements, largest first, of a tensor with one row; of a batch, take `at(i)` first. `labels` are names by index. */
  topk(k?: number): TopEntry[]
  topk(k: number, labels: readonly string[]): (TopEntry & { readonly label: string })[]
  topk(k: number = 5, labels?: readonly string[]): TopEntry[] {
    return topk(this, k, labels)
  }

  /** e^x / sum of e^x along the last dimension: scores become probabilities. The result is float32. */
  softmax(): TensorValue {
    return new TensorValue(softmax(this), this.dims, 'float32')
  }

  /** Index of the largest element among all of them, as PyTorch's `argmax()`; of the first one where there are several. */
  argmax(): number {
    return argmax(this.data)
  }
}

/** Nested arrays of numbers; int64 elements are bigints, bool elements booleans. */
export type NestedArray = number | bigint | boolean | NestedArray[]
