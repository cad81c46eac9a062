import type { Dtype } from '@petaljs/runtime/build'
import type { InputSpec } from '../conversion-request.ts'

/** The arguments of one call, as they are described, and the number that their random values come from. */
export interface Example {
  readonly specs: readonly InputSpec[]
  readonly seed: number
}

/** A tensor outside of any engine; row-major, half floats as their values. */
export interface PlainTensor {
  readonly dtype: PlainDtype
  readonly sizes: readonly number[]
  readonly elements: PlainElements
}

/** Elements by number; of bool 0 and 1. */
export type PlainElements = Float32Array | Float64Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array

/** Element types that examples can have here: those of the runtime. */
export type PlainDtype = Dtype

const ARRAYS: Readonly<Record<PlainDtype, new (length: number) => PlainElements>> = {
  float32: Float32Array, float64: Float64Array, float16: Float32Array, int64: BigInt64Array, int32: Int32Array, int16: Int16Array,
  int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
}

/** A value of a call that no engine holds. Ints are bigints, as in the runtime. */
export type Plain =
  | null | boolean | bigint | number | string
  | { readonly tensor: PlainTensor }
  | { readonly tuple: readonly Plain[] }
  | { readonly list: readonly Plain[] }
  | { readonly dict: readonly (readonly [Plain, Plain])[] }
  | { readonly other: string }

/** The first element type in `specs` that examples cannot have here; undefined when all is well. */
export function untriedDtype(specs: readonly InputSpec[]): string | undefined {
  return tensorsOf(specs).map(({ dtype }) => dtype).find((dtype) => !Object.hasOwn(ARRAYS, dtype))
}

type TensorSpec = Extract<InputSpec, { kind: 'tensor' }>

/** All tensors in `specs`, those within tuples and lists, too. */
export function tensorsOf(specs: readonly InputSpec[]): TensorSpec[] {
  return specs.flatMap((spec) => {
    if (spec.kind === 'tensor') return [spec]
    return spec.kind === 'tuple' || spec.kind === 'list' ? tensorsOf(spec.items) : []
  })
}

/** The same with one more in the first dimension of every tensor; undefined where they do not agree on how many there are. */
export function largerBatch(specs: readonly InputSpec[]): InputSpec[] | undefined {
  const batches = new Set(tensorsOf(specs).map(({ shape }) => shape[0]))
  const [batch] = batches
  return batches.size === 1 && batch !== undefined ? specs.map((spec) => withBatch(spec, batch + 1)) : undefined
}

function withBatch(spec: InputSpec, batch: number): InputSpec {
  if (spec.kind === 'tensor') return { ...spec, shape: [batch, ...spec.shape.slice(1)] }
  return spec.kind === 'tuple' || spec.kind === 'list' ? { ...spec, items: spec.items.map((item) => withBatch(item, batch)) } : spec
}

/**
 * The values of an example, the same on every machine. As in Python: floats from 0 to 1 (of odd seeds from -2 to 2) or to `below`; whole numbers
 * below `below`, else 0 and 1, or all of a uint8.
 */
export function valuesOf({ specs, seed }: Example): Plain[] {
  const random = randomNumbers(seed)
  return specs.map((spec) => valueOf(spec, random, seed % 2 === 1))
}

function valueOf(spec: InputSpec, random: () => number, isWide: boolean): Plain {
  switch (spec.kind) {
    case 'tensor': return { tensor: tensorOf(spec, random, isWide) }
    case 'tuple': return { tuple: spec.items.map((item) => valueOf(item, random, isWide)) }
    case 'list': return { list: spec.items.map((item) => valueOf(item, random, isWide)) }
    case 'int': return BigInt(spec.value)
    default: return spec.value
  }
}

function tensorOf({ dtype, shape, below }: TensorSpec, random: () => number, isWide: boolean): PlainTensor {
  const elements = new ARRAYS[dtype as PlainDtype](shape.reduce((product, size) => product * size, 1))
  const isFloat = dtype.startsWith('float')
  const limit = below ?? (isFloat ? 1 : dtype === 'uint8' ? 256 : 2)
  for (let i = 0; i < elements.length; i++) {
    const number = isFloat ? (isWide && below === undefined ? random() * 4 - 2 : random() * limit) : Math.floor(random() * limit)
    elements[i] = elements instanceof BigInt64Array ? BigInt(number) : number
  }
  return { dtype: dtype as PlainDtype, sizes: shape, elements }
}

/** Numbers from 0 to 1, evenly spread: a Weyl sequence through an integer hash (splitmix32). */
export function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b9)
  return () => {
    state = (state + 0x9e3779b9) | 0
    let bits = state
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad)
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32
  }
}
