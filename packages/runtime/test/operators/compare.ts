import type { Machine } from '../../src/machine.ts'
import { type Dtype, type Storage, Tensor } from '../../src/tensor.ts'
import { Tuple, typeName, type Value } from '../../src/values.ts'
import { type Case, elementsOf, float, isTensor, numbers, type Recorded, type RecordedTensor } from './values.ts'

/** Allowed distance of two elements, relative to the largest element of the tensor. float16 has eleven bits. */
const TOLERANCE: Readonly<Partial<Record<Dtype, number>>> = { float32: 1e-5, float64: 1e-9, float16: 2e-3 }

/** Distances below are as good as none. */
const FLOOR: Readonly<Partial<Record<Dtype, number>>> = { float32: 1e-37, float64: 1e-15, float16: 1e-7 }

/** What a comparison needs to know of the case. */
export interface Context {
  readonly machine: Machine
  readonly storages: readonly Storage[]
  readonly blob: (range: readonly [number, number]) => Uint8Array
  readonly case: Case
}

/** Says how a value differs from the recorded one, or nothing. */
export function difference(expected: Recorded, actual: Value | undefined, context: Context): string | undefined {
  if (isTensor(expected)) return actual instanceof Tensor ? tensorDifference(expected, actual, context) : `${typeName(actual)} instead of a tensor`
  if (Array.isArray(expected)) return Array.isArray(actual) ? listDifference(expected, actual, context) : `${typeName(actual)} instead of a list`
  const is = (same: boolean): string | undefined => same ? undefined : `${shown(actual)} instead of ${JSON.stringify(expected)}`
  if (expected === null || typeof expected !== 'object') return is(actual === expected)
  if ('i' in expected) return is(actual === BigInt(expected.i))
  if ('f' in expected) return is(typeof actual === 'number' && near(actual, float(expected.f), Math.abs(float(expected.f)) * 1e-12))
  if ('tuple' in expected) return actual instanceof Tuple ? listDifference(expected.tuple, actual.items, context) : `${typeName(actual)} instead of a tuple`
  if ('dict' in expected) {
    if (!(actual instanceof Map)) return `${typeName(actual)} instead of a dict`
    return listDifference(expected.dict.map(([key]) => key), [...actual.keys()], context) ?? listDifference(expected.dict.map(([, item]) => item), [...actual.values()], context)
  }
  if ('device' in expected) return is(typeName(actual) === 'Device')
  return `nothing is known of ${JSON.stringify(expected)}`
}

function shown(value: Value | undefined): string {
  return typeof value === 'bigint' || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? `${typeName(value)} ${String(value)}` : typeName(value)
}

function near(a: number, b: number, distance: number): boolean {
  return Object.is(a, b) || a === b || Number.isNaN(a) && Number.isNaN(b) || Math.abs(a - b) <= distance
}

function listDifference(expected: readonly Recorded[], actual: readonly Value[], context: Context): string | undefined {
  if (expected.length !== actual.length) return `${actual.length} items instead of ${expected.length}`
  for (const [i, item] of expected.entries()) {
    const found = difference(item, actual[i], context)
    if (found !== undefined) return `item ${i}: ${found}`
  }
  return undefined
}

function tensorDifference(expected: RecordedTensor, actual: Tensor, context: Context): string | undefined {
  const { s: sizes, d: dtype } = expected
  if (actual.dtype !== dtype) return `dtype ${actual.dtype} instead of ${dtype}`
  if (actual.sizes.join() !== sizes.join()) return `sizes [${actual.sizes.join(', ')}] instead of [${sizes.join(', ')}]`
  if (actual.numel === 0) return undefined
  const isView = expected.t !== undefined
  const source = context.storages.indexOf(actual.storage)
  if (isView && source !== expected.t) return 'a copy where PyTorch gives a view of an argument'
  if (!isView && source >= 0) return 'a view of an argument where PyTorch gives a tensor of its own'
  if (isView) {
    if (actual.offset !== expected.o) return `offset ${actual.offset} instead of ${expected.o}`
    const wrong = sizes.findIndex((size, dim) => size !== 1 && actual.strides[dim] !== expected.st[dim])
    // What lies in the storage is compared as a whole.
    return wrong < 0 ? undefined : `strides [${actual.strides.join(', ')}] instead of [${expected.st.join(', ')}]`
  }
  const found = elementsDifference(context.blob(expected.x!), elementsOf(actual, context.machine), dtype, context.case)
  return found && `${found.text}, at [${indexOf(found.at, sizes).join(', ')}]`
}

function indexOf(at: number, sizes: readonly number[]): number[] {
  const index: number[] = []
  for (const size of sizes.toReversed()) {
    index.unshift(at % size)
    at = Math.floor(at / size)
  }
  return index
}

/** Says where elements differ by more than is allowed: floats relative to the largest one, or by as much as PyTorch's own rounding; others at all. */
export function elementsDifference(
  expectedBytes: Uint8Array, actualBytes: Uint8Array, dtype: Dtype, { noise = 0, tolerance = 0 }: Case,
): { readonly at: number; readonly text: string } | undefined {
  const expected = numbers(expectedBytes, dtype)
  const actual = numbers(actualBytes, dtype)
  let largest = 0
  for (const one of expected) if (Number.isFinite(one)) largest = Math.max(largest, Math.abs(Number(one)))
  const relative = TOLERANCE[dtype] === undefined ? 0 : Math.max(TOLERANCE[dtype], tolerance)
  const allowed = relative === 0 ? 0 : Math.max(relative * largest + (dtype === 'float32' ? 2 * noise : 0), FLOOR[dtype] ?? 0)
  let worst = -1
  let at = -1
  let count = 0
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i]!, expected[i]!]
    if (a === b || typeof a === 'number' && near(a, b as number, allowed)) continue
    count++
    const distance = Math.abs(Number(a) - Number(b))
    const weight = Number.isNaN(distance) ? Infinity : distance
    if (weight > worst) [worst, at] = [weight, i]
  }
  if (at < 0) return undefined
  const share = Number.isFinite(worst) && largest > 0 && relative > 0 ? `, ${(worst / largest).toExponential(1)} of the largest` : ''
  return { at, text: `${count} of ${expected.length} elements differ, worst ${String(actual[at])} instead of ${String(expected[at])}${share}` }
}
