import type { Engine } from './engine.ts'
import { RuntimeError } from './errors.ts'
import { fromHalf } from './half.ts'
import { Tensor } from './tensor.ts'
import { TensorValue } from './tensor-value.ts'
import { Device, Tuple, typeName, type Value } from './values.ts'

/**
 * What a model gave, as an app gets it. An int is a number where a number can hold it and a bigint where not; a list or tuple is an array; a
 * dict with strings as keys and a tuple with names are objects, other dicts Maps.
 */
export type Output =
  | null | boolean | number | bigint | string | TensorValue | readonly Output[] | { readonly [name: string]: Output } | ReadonlyMap<Output, Output>

/**
 * As {@link Output}, ready to be sent to another thread, where objects lose their class: every object is a tensor; dicts and tuples with
 * names are Maps.
 */
export type SentOutput = null | boolean | number | bigint | string | TensorValue | readonly SentOutput[] | ReadonlyMap<SentOutput, SentOutput>

/** Copies what a model gave out of its memory. */
export function readOutput(engine: Pick<Engine, 'read'>, value: Value): SentOutput {
  if (value instanceof Tensor) return readTensor(engine, value)
  if (value instanceof Tuple) {
    const items = value.items.map((item) => readOutput(engine, item))
    return value.fields ? new Map(value.fields.map((name, i) => [name, items[i]!])) : items
  }
  if (value instanceof Map) return new Map(Array.from(value, ([key, item]) => [readOutput(engine, key), readOutput(engine, item)]))
  if (Array.isArray(value)) return value.map((item) => readOutput(engine, item))
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (value instanceof Device) return value.type
  if (typeof value === 'object' && value !== null) {
    throw new RuntimeError('UNSUPPORTED', `The model gives an object of the class ${typeName(value)}, which has no form in JavaScript. Let the method return its tensors.`)
  }
  return value
}

function readTensor(engine: Pick<Engine, 'read'>, tensor: Tensor): TensorValue {
  const read = engine.read(tensor)
  const data = tensor.dtype === 'float16' ? Float32Array.from(read as Uint16Array, fromHalf) : read
  return new TensorValue(data as TensorValue['data'], tensor.sizes.slice(), tensor.dtype)
}

/** The outputs of a method by name: fields of a named tuple, `output0`, `output1` … of a tuple, else `output` alone. */
export function nameOutputs(value: Value, read: SentOutput): [string, SentOutput][] {
  if (!(value instanceof Tuple)) return [['output', read]]
  if (read instanceof Map) return [...read] as [string, SentOutput][]
  return (read as readonly SentOutput[]).map((item, i) => [outputName(i, value.items.length), item])
}

/** Name of an output that has none in the model. */
export function outputName(index: number, count: number): string {
  return count === 1 ? 'output' : `output${index}`
}

/** What was sent, as the app gets it: objects get their class again, and Maps with strings as keys become objects. */
export function revive(sent: SentOutput): Output {
  if (Array.isArray(sent)) return sent.map(revive)
  if (sent instanceof Map) {
    const entries = Array.from(sent, ([key, item]) => [revive(key), revive(item)] as const)
    return entries.every(([key]) => typeof key === 'string') ? Object.fromEntries(entries as [string, Output][]) : new Map(entries)
  }
  if (typeof sent !== 'object' || sent === null || sent instanceof TensorValue) return sent as Output
  const { data, dims, dtype } = sent as unknown as TensorValue
  return new TensorValue(data, dims, dtype)
}

/** The memory of all tensors in it, to be handed over instead of copied. */
export function buffersOf(sent: SentOutput): ArrayBuffer[] {
  if (Array.isArray(sent)) return sent.flatMap(buffersOf)
  if (sent instanceof Map) return Array.from(sent).flat().flatMap(buffersOf)
  return typeof sent === 'object' && sent !== null ? [(sent as unknown as TensorValue).data.buffer as ArrayBuffer] : []
}
