import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import { contiguousStrides, type Dtype, Tensor } from '../tensor.ts'
import type { Scalar, Value } from '../values.ts'
import { isFloating, item, toInt64 } from './elements.ts'
import { fillWith, generate } from './fill.ts'
import { copyTo, emptyAs } from './pointwise.ts'
import { dtypeOf, scalarType } from './promotion.ts'

// New tensors: at::native's TensorFactories.cpp and RangeFactories.cpp; torch/csrc/jit/runtime/register_special_ops.cpp. There is one
// device and one layout.

type Code = bigint | null
type Sizes = readonly bigint[]

const FLOAT: Dtype = 'float32'

function full(m: Machine, sizes: Sizes, value: Scalar, dtype: Dtype): Tensor {
  return fillWith(m, m.empty(sizes.map(Number), dtype), value)
}

function arange(m: Machine, start: Scalar, end: Scalar, step: Scalar, code: Code, inclusive: boolean = false): Tensor {
  const whole = [start, end, step].every((each) => typeof each === 'bigint')
  const dtype = dtypeOf(m, code, whole && !inclusive ? 'int64' : FLOAT)
  const truncate = dtype === 'int64' ? Math.trunc : (x: number): number => x
  const [a, b, by] = [truncate(Number(start)), truncate(Number(end)), truncate(Number(step))]
  if (by === 0 || (!isFloating(dtype) && Math.trunc(by) === 0)) throw m.fail('step must be nonzero')
  if ((by > 0) !== (b >= a) && a !== b) throw m.fail('upper bound and larger bound inconsistent with step sign')
  const count = inclusive ? Math.floor((b - a) / by) + 1 : Math.ceil((b - a) / by)
  if (!(count < 2 ** 32)) throw m.fail(`unsupported range: ${start} -> ${end}`)
  if (!isFloating(dtype)) {
    const [first, stride] = [toInt64(start), toInt64(step)]
    return generate(m, count, dtype, (i) => first + stride * BigInt(i))
  }
  return generate(m, count, dtype, (i) => a + by * i)
}

/** Evenly spaced numbers, each reckoned from the nearer end. */
function spaced(m: Machine, start: Scalar, end: Scalar, steps: bigint, code: Code, map: (x: number) => number): Tensor {
  const count = Number(steps)
  if (count < 0) throw m.fail('number of steps must be non-negative')
  const [a, b] = [Number(start), Number(end)]
  const dtype = dtypeOf(m, code, FLOAT)
  const step = count > 1 ? (b - a) / (count - 1) : 0
  // Steps of int tensors are of single precision.
  const by = isFloating(dtype) ? step : Math.fround(step)
  const round = dtype === 'float64' ? (x: number): number => x : Math.fround
  return generate(m, count, dtype, (i) => map(round(i < Math.floor(count / 2) || count === 1 ? a + by * i : b - by * (count - 1 - i))))
}

function eye(m: Machine, rows: bigint, columns: bigint, code: Code): Tensor {
  if (rows < 0n || columns < 0n) throw m.fail(`n must be greater or equal to 0, got ${rows < 0n ? rows : columns}`)
  const result = full(m, [rows, columns], 0n, dtypeOf(m, code, FLOAT))
  const count = Math.min(Number(rows), Number(columns))
  fillWith(m, result.view([count], [Number(columns) + 1]), 1n)
  return result
}

/** A tensor of nested lists of numbers, as `torch.tensor` makes it. */
function fromList(m: Machine, data: Value, code: Code): Tensor {
  const sizes: number[] = []
  for (let level: Value = data; Array.isArray(level); level = level[0] as Value) {
    sizes.push(level.length)
    if (level.length === 0) break
  }
  const leaves: Value[] = []
  const collect = (value: Value, depth: number): void => {
    if (!Array.isArray(value)) {
      if (depth !== sizes.length) throw m.fail('Expected sequence of equal length')
      leaves.push(value instanceof Tensor ? item(m, value) : value)
      return
    }
    if (value.length !== sizes[depth]) throw m.fail(`Expected sequence of length ${sizes[depth]} at dim ${depth} (got ${value.length})`)
    for (const each of value) collect(each as Value, depth + 1)
  }
  collect(data, 0)
  const natural = leaves.length === 0 ? FLOAT : typeof leaves[0] === 'boolean' ? 'bool' : scalarType(leaves[0] as Scalar)
  // Floats are of single precision first, whatever type is asked for.
  const flat = generate(m, leaves.length, dtypeOf(m, code, natural), (i) =>
    natural === FLOAT ? Math.fround(leaves[i] as number) : leaves[i] as Scalar)
  return flat.view(sizes, contiguousStrides(sizes))
}

const like = (m: Machine, self: Tensor, code: Code, value: Scalar): Tensor =>
  fillWith(m, emptyAs(m, self, dtypeOf(m, code, self.dtype)), value)

const OPTIONS = 'dtype=None, layout=None, device=None, pin_memory=None'

const family: Family = {
  name: 'factories',
  operators: {
    [`aten::zeros(size, ${OPTIONS})`]: (m, sizes: Sizes, code: Code) => full(m, sizes, 0n, dtypeOf(m, code, FLOAT)),
    [`aten::ones(size, ${OPTIONS})`]: (m, sizes: Sizes, code: Code) => full(m, sizes, 1n, dtypeOf(m, code, FLOAT)),
    [`aten::full(size, fill_value, ${OPTIONS})`]: (m, sizes: Sizes, value: Scalar, code: Code) =>
      full(m, sizes, value, dtypeOf(m, code, scalarType(value))),
    // Memory of other tensors is not shown.
    [`aten::empty.memory_format(size, ${OPTIONS}, memory_format=None)`]: (m, sizes: Sizes, code: Code) =>
      full(m, sizes, 0n, dtypeOf(m, code, FLOAT)),
    [`aten::empty_strided(size, stride, ${OPTIONS})`]: (m, sizes: Sizes, strides: Sizes, code: Code) => {
      const last = sizes.reduce((sum, size, dim) => sum + (Number(size) - 1) * Number(strides[dim]), 0)
      return full(m, [sizes.includes(0n) ? 0n : BigInt(last + 1)], 0n, dtypeOf(m, code, FLOAT)).view(sizes.map(Number), strides.map(Number))
    },
    [`aten::zeros_like(self, ${OPTIONS}, memory_format=None)`]: (m, self, code: Code) => like(m, self, code, 0n),
    [`aten::ones_like(self, ${OPTIONS}, memory_format=None)`]: (m, self, code: Code) => like(m, self, code, 1n),
    [`aten::empty_like(self, ${OPTIONS}, memory_format=None)`]: (m, self, code: Code) => like(m, self, code, 0n),
    [`aten::full_like(self, fill_value, ${OPTIONS}, memory_format=None)`]: (m, self, value: Scalar, code: Code) =>
      like(m, self, code, value),
    [`aten::new_zeros(self, size, ${OPTIONS})`]: (m, self: Tensor, sizes: Sizes, code: Code) =>
      full(m, sizes, 0n, dtypeOf(m, code, self.dtype)),
    [`aten::new_ones(self, size, ${OPTIONS})`]: (m, self: Tensor, sizes: Sizes, code: Code) =>
      full(m, sizes, 1n, dtypeOf(m, code, self.dtype)),
    [`aten::new_empty(self, size, ${OPTIONS})`]: (m, self: Tensor, sizes: Sizes, code: Code) =>
      full(m, sizes, 0n, dtypeOf(m, code, self.dtype)),
    [`aten::new_full(self, size, fill_value, ${OPTIONS})`]: (m, self: Tensor, sizes: Sizes, value: Scalar, code: Code) =>
      full(m, sizes, value, dtypeOf(m, code, self.dtype)),
    [`aten::scalar_tensor(s, ${OPTIONS})`]: (m, value: Scalar, code: Code) => full(m, [], value, dtypeOf(m, code, FLOAT)),
    [`aten::arange(end, ${OPTIONS})`]: (m, end: Scalar, code: Code) => arange(m, 0n, end, 1n, code),
    [`aten::arange.start(start, end, ${OPTIONS})`]: (m, start: Scalar, end: Scalar, code: Code) => arange(m, start, end, 1n, code),
    [`aten::arange.start_step(start, end, step=1, ${OPTIONS})`]: (m, start: Scalar, end: Scalar, step: Scalar, code: Code) =>
      arange(m, start, end, step, code),
    [`aten::range(start, end, ${OPTIONS})`]: (m, start: Scalar, end: Scalar, code: Code) => arange(m, start, end, 1n, code, true),
    [`aten::range.step(start, end, step=1, ${OPTIONS})`]: (m, start: Scalar, end: Scalar, step: Scalar, code: Code) =>
      arange(m, start, end, step, code, true),
    [`aten::linspace(start, end, steps, ${OPTIONS})`]: (m, start: Scalar, end: Scalar, steps: bigint, code: Code) =>
      spaced(m, start, end, steps, code, (x) => x),
    [`aten::logspace(start, end, steps, base=10., ${OPTIONS})`]: (m, start: Scalar, end: Scalar, steps: bigint, base: number, code: Code) =>
      spaced(m, start, end, steps, code, (x) => base ** x),
    [`aten::eye(n, ${OPTIONS})`]: (m, n: bigint, code: Code) => eye(m, n, n, code),
    [`aten::eye.m(n, m, ${OPTIONS})`]: (m, rows: bigint, columns: bigint, code: Code) => eye(m, rows, columns, code),
    'aten::tensor(data, dtype=None, device=None, requires_grad=False)': fromList,
    'aten::tensor.int(t, dtype=None, device=None, requires_grad=False)': fromList,
    'aten::tensor.float(t, dtype=None, device=None, requires_grad=False)': fromList,
    'aten::tensor.bool(t, dtype=None, device=None, requires_grad=False)': fromList,
    'aten::as_tensor(data, dtype=None, device=None)': (m, data: Tensor, code: Code) => {
      const dtype = dtypeOf(m, code, data.dtype)
      return dtype === data.dtype ? data : copyTo(m, data, emptyAs(m, data, dtype))
    },
    'aten::as_tensor.list(data, dtype=None, device=None)': fromList,
    'aten::as_tensor.int(t, dtype=None, device=None)': fromList,
    'aten::as_tensor.float(t, dtype=None, device=None)': fromList,
    'aten::as_tensor.bool(t, dtype=None, device=None)': fromList,
  },
}

export default family
