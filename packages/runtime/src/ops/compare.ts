import { mathKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { sameSizes, Tensor } from '../tensor.ts'
import type { Value } from '../values.ts'
import { isFloating } from './elements.ts'
import { forms, type Operand, type Operation, pointwise, unaries } from './pointwise.ts'
import { resultType } from './promotion.ts'

// Comparisons, logic and choices: at::native's BinaryOps.cpp, TensorCompare.cpp and UnaryOps.cpp.

const COMPARISONS: Readonly<Record<string, Operation['each']>> = {
  eq: (a, b) => a === b,
  'ne not_equal': (a, b) => a !== b,
  'lt less': (a, b) => a < b,
  'le less_equal': (a, b) => a <= b,
  'gt greater': (a, b) => a > b,
  'ge greater_equal': (a, b) => a >= b,
}

/** `eq.Tensor`, `eq.Scalar` and their other forms. */
function comparisons(): OperatorTable {
  return Object.assign({}, ...Object.entries(COMPARISONS).flatMap(([names, each]) => names.split(' ').flatMap((name) => [
    forms(`${name}.Tensor(self, other)`, compare(each), 'Tensor_out'), forms(`${name}.Scalar(self, other)`, compare(each), 'Scalar_out'),
  ]))) as OperatorTable
}

const compare = (each: Operation['each']) => (m: Machine, out: Tensor | undefined, a: Tensor, b: Operand): Tensor =>
  pointwise(m, { each, result: 'bool' }, [a, b], out)

/** Logic of any type: what is not 0 is true. */
function logic(name: string, each: Operation['each']): OperatorTable {
  return forms(`${name}(self, other)`, (m, out, a: Tensor, b: Tensor) =>
    pointwise(m, { each: (x, y) => each(isTrue(x), isTrue(y), false), result: 'bool' }, [a, b], out))
}

// eslint-disable-next-line unicorn/prefer-number-properties -- NaN is true
const isTrue = (value: number | bigint): boolean => Boolean(value) || value !== value

const WHERE: Operation = { each: (condition, a, b) => condition ? a : b, kernel: 'where' }

/** `condition ? a : b`; the result has the common type of the last two. */
function where(m: Machine, out: Tensor | undefined, condition: Tensor, a: Operand, b: Operand): Tensor {
  if (condition.dtype !== 'bool' && condition.dtype !== 'uint8') {
    throw m.fail(`where expected condition to be a boolean tensor, but got a tensor with dtype ${condition.dtype}`)
  }
  return pointwise(m, WHERE, [condition, a, b], out, resultType([a, b]))
}

/** Elements where a mask is set become `value`. */
function maskedFill(m: Machine, out: Tensor | undefined, self: Tensor, mask: Tensor, value: Operand): Tensor {
  if (mask.dtype !== 'bool' && mask.dtype !== 'uint8') {
    throw m.fail(`masked_fill only supports boolean masks, but got mask with dtype ${mask.dtype}`)
  }
  if (value instanceof Tensor && value.dim > 0) {
    throw m.fail(`masked_fill only supports a 0-dimensional value tensor, but got tensor with ${value.dim} dimension(s).`)
  }
  return pointwise(m, WHERE, [mask, value, self], out, self.dtype)
}

/** Equal, or as near as the tolerances say. */
function isClose(m: Machine, a: Tensor, b: Tensor, relative: number, absolute: number, equalNan: boolean): Tensor {
  if (a.dtype !== b.dtype) throw m.fail(`${a.dtype} did not match ${b.dtype}`)
  const each = (x: number, y: number): boolean => x === y || (equalNan && x !== x && y !== y)
    || (Number.isFinite(y) && Math.abs(x - y) <= absolute + Math.abs(relative * y))
  return pointwise(m, { each: (x, y) => each(Number(x), Number(y)), result: 'bool' }, [a, b])
}

function all(m: Machine, tensor: Tensor): boolean {
  return m.elements(m.contiguous(tensor)).every(Boolean as never)
}

function equal(m: Machine, a: Tensor, b: Tensor): boolean {
  if (a.dtype !== b.dtype) throw m.fail(`Expected object of data type ${a.dtype} but got data type ${b.dtype} for argument 'other'`)
  return sameSizes(a.sizes, b.sizes) && all(m, pointwise(m, { each: (x, y) => x === y, result: 'bool' }, [a, b]))
}

/** Greater and smaller of two; NaN where one is NaN. */
const extreme = (kernel: string, each: Operation['each']) => (m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor =>
  pointwise(m, { each: (x, y) => x !== x ? x : y !== y ? y : each(x, y, 0), kernel }, [a, b], out)
const maximum = extreme('maximum', (a, b) => a > b ? a : b)
const minimum = extreme('minimum', (a, b) => a < b ? a : b)

/** Ignores NaN. */
const ignoring = (each: Operation['each']) => (m: Machine, out: Tensor | undefined, a: Tensor, b: Tensor): Tensor =>
  pointwise(m, { each: (x, y) => x !== x ? y : y !== y ? x : each(x, y, 0) }, [a, b], out)

/** Limits by tensors. */
function clampTensors(m: Machine, out: Tensor | undefined, self: Tensor, min: Tensor | null, max: Tensor | null): Tensor {
  if (!min && !max) throw m.fail('torch.clamp: At least one of \'min\' or \'max\' must not be None')
  const dtype = resultType([self, ...[min, max].filter((limit) => limit !== null)])
  if (!min) return pointwise(m, { each: nanMinimum, kernel: 'minimum' }, [self, max!], out, dtype)
  if (!max) return pointwise(m, { each: nanMaximum, kernel: 'maximum' }, [self, min], out, dtype)
  return pointwise(m, { each: (x, low, high) => nanMinimum(nanMaximum(x, low), high) }, [self, min, max], out, dtype)
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- numbers or bigints
const nanMaximum = (a: any, b: any): any => a !== a ? a : b !== b ? b : a > b ? a : b
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- numbers or bigints
const nanMinimum = (a: any, b: any): any => a !== a ? a : b !== b ? b : a < b ? a : b

/** Replaces NaN and infinities; without a replacement, infinities become the largest number of the type. */
function nanToNum(
  m: Machine, out: Tensor | undefined, self: Tensor, nan: number | null, positive: number | null, negative: number | null,
): Tensor {
  const largest = { float16: 65504, float32: 3.402_823_466_385_288_6e38, float64: Number.MAX_VALUE }[self.dtype as 'float32'] ?? 0
  const [high, low] = [positive ?? largest, negative ?? -largest]
  const each = (x: number): number => x !== x ? nan ?? 0 : x === Infinity ? high : x === -Infinity ? low : x
  return pointwise(m, isFloating(self.dtype) ? { each } : { each: (x: bigint) => x }, [self], out)
}

function predicate(each: (x: number) => boolean): Operation {
  return { each: (x: number | bigint) => each(Number(x)), result: 'bool' }
}

function isIn(m: Machine, elements: Operand, tests: Operand, _: boolean, invert: boolean): Value {
  const list = tests instanceof Tensor ? Array.from(m.elements(m.contiguous(tests)) as Float32Array, Number) : [Number(tests)]
  const known = new Set(list)
  return pointwise(m, predicate((x) => known.has(x) !== invert), [elements])
}

const family: Family = {
  name: 'compare',
  kernels: [mathKernels],
  operators: {
    ...comparisons(),
    ...logic('logical_and', (a, b) => a && b),
    ...logic('logical_or', (a, b) => a || b),
    ...logic('logical_xor', (a, b) => a !== b),
    ...unaries({
      logical_not: { each: (x) => !isTrue(x), result: 'bool' },
      isnan: predicate((x) => x !== x),
      isinf: predicate((x) => Math.abs(x) === Infinity),
      isfinite: predicate(Number.isFinite),
      isposinf: predicate((x) => x === Infinity),
      isneginf: predicate((x) => x === -Infinity),
      signbit: predicate((x) => x < 0 || Object.is(x, -0)),
    }),
    'aten::where.self(condition, self, other)': (m, condition, a, b) => where(m, undefined, condition, a, b),
    'aten::where.self_out(condition, self, other, out!)': (m, condition, a, b, out) => where(m, out, condition, a, b),
    'aten::where.ScalarSelf(condition, self, other)': (m, condition, a, b) => where(m, undefined, condition, a, b),
    'aten::where.ScalarOther(condition, self, other)': (m, condition, a, b) => where(m, undefined, condition, a, b),
    'aten::where.Scalar(condition, self, other)': (m, condition, a, b) => where(m, undefined, condition, a, b),
    ...forms('masked_fill.Scalar(self, mask, value)', maskedFill, 'Scalar_out'),
    ...forms('masked_fill.Tensor(self, mask, value)', maskedFill, 'Tensor_out'),
    ...forms('maximum(self, other)', maximum),
    ...forms('minimum(self, other)', minimum),
    ...forms('max.other(self, other)', maximum),
    ...forms('min.other(self, other)', minimum),
    ...forms('fmax(self, other)', ignoring((a, b) => a > b ? a : b)),
    ...forms('fmin(self, other)', ignoring((a, b) => a < b ? a : b)),
    ...forms('clamp.Tensor(self, min=None, max=None)', clampTensors, 'Tensor_out'),
    ...forms('clip.Tensor(self, min=None, max=None)', clampTensors, 'Tensor_out'),
    ...forms('clamp_min.Tensor(self, min)', (m, out, self, min) => clampTensors(m, out, self, min, null), 'Tensor_out'),
    ...forms('clamp_max.Tensor(self, max)', (m, out, self, max) => clampTensors(m, out, self, null, max), 'Tensor_out'),
    ...forms('nan_to_num(self, nan=None, posinf=None, neginf=None)', nanToNum),
    'aten::isclose(self, other, rtol=1e-05, atol=1e-08, equal_nan=False)': isClose,
    'aten::allclose(self, other, rtol=1e-05, atol=1e-08, equal_nan=False)': (m, ...args: [Tensor, Tensor, number, number, boolean]) =>
      all(m, isClose(m, ...args)),
    'aten::equal(self, other)': equal,
    'aten::isin.Tensor_Tensor(elements, test_elements, assume_unique=False, invert=False)': isIn,
    'aten::isin.Tensor_Scalar(elements, test_element, assume_unique=False, invert=False)': isIn,
    'aten::isin.Scalar_Tensor(element, test_elements, assume_unique=False, invert=False)': isIn,
  },
}

export default family
