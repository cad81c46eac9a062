import type { Engine } from './engine.ts'
import type { ModelPort } from './facts.ts'
import type { Port } from './lite/program.ts'
import { type Dtype, numelOf, type Tensor } from './tensor.ts'
import type { TensorLike } from './tensor-value.ts'

/** What an input should be, and what the build knows of it. */
export interface InputPort extends Port {
  readonly known?: ModelPort | undefined
}

/** By the name of the array's class. Uint16 are the bits of half floats, and only where the type says so. */
export const DTYPE_OF_ARRAY: Readonly<Record<string, Dtype>> = {
  Float32Array: 'float32', Float64Array: 'float64', Float16Array: 'float16', Int32Array: 'int32', Int16Array: 'int16', Int8Array: 'int8',
  Uint8Array: 'uint8', Uint8ClampedArray: 'uint8', BigInt64Array: 'int64',
}

/** The dims of elements without dims: those that the build knows, where they fit, else one dimension. */
export function shapeOf(length: number, known: ModelPort | undefined): readonly number[] {
  const shape = known?.shape ?? []
  const free = shape.filter((size) => size === null).length
  const fixed = numelOf(shape.map((size) => size ?? 1))
  if (shape.length > 0 && free <= 1 && (free === 1 ? fixed > 0 && length % fixed === 0 : fixed === length)) return shape.map((size) => size ?? length / fixed)
  return [length]
}

/**
 * Tensors for the inputs of a method, where an app passed nothing but arrays of elements for them, with dims or without, of the types that
 * they have. Undefined for all else, right or wrong: inputs.ts knows what to make of it.
 */
export function tensorsOf(engine: Pick<Engine, 'tensor'>, ports: readonly InputPort[] | undefined, given: readonly unknown[]): Tensor[] | undefined {
  if (ports?.length !== given.length) return undefined
  const all = ports.map(({ type, known }, i) => {
    const { data = given[i], dims, dtype } = (given[i] ?? {}) as Partial<TensorLike>
    const own = ArrayBuffer.isView(data) ? DTYPE_OF_ARRAY[data.constructor.name] : undefined
    if (type !== 'Tensor' || own === undefined || own === 'float16' || (dtype ?? own) !== own) return undefined
    const { length } = data as Float32Array
    const sizes = dims ?? (data === given[i] ? shapeOf(length, known) : undefined)
    const fits = Array.isArray(sizes) && sizes.every((size) => Number.isInteger(size) && size >= 0) && numelOf(sizes) === length
    return fits ? { own, sizes, data: data as Float32Array } : undefined
  })
  return all.every((each) => each !== undefined) ? all.map(({ own, sizes, data }) => engine.tensor(own, sizes, data)) : undefined
}
