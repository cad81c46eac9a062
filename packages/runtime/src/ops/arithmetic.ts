import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { isFloating } from './elements.ts'
import { divide } from './quotients.ts'
import { forms, type Operand, type Operation, pointwise } from './pointwise.ts'
import { resultType } from './promotion.ts'

// at::native's BinaryOps.cpp

const MULTIPLY: Operation = { each: (a, b) => a * b, kernel: 'multiply' }

/** `max(a + alpha * b, low)` */
function addition(m: Machine, alpha: Scalar, type: string, low: number): Operation {
  if (type !== 'float' && typeof alpha === 'number') {
    throw m.fail('For integral input tensors, argument alpha must not be a floating point number.')
  }
  const factor = Number(alpha)
  const whole = typeof alpha === 'number' ? 0n : BigInt(alpha)
  return {
    each: (a: number, b: number) => larger(a + factor * b, low),
    ints: (a: bigint, b: bigint) => larger(a + whole * b, low),
    kernel: 'add',
    parameters: [factor, low],
  }
}

/** NaN stays. */
function larger<T extends number | bigint>(value: T, low: number): number | T {
  return value < low ? typeof value === 'bigint' ? 0n as T : low : value
}

function add(m: Machine, out: Tensor | undefined, a: Operand, b: Operand, alpha: Scalar, low: number = -Infinity): Tensor {
  const dtype = resultType([a, b])
  return pointwise(m, addition(m, alpha, isFloating(dtype) ? 'float' : dtype, low), [a, b], out, dtype)
}

function subtract(m: Machine, out: Tensor | undefined, a: Operand, b: Operand, alpha: Scalar): Tensor {
  if ([a, b].some((each) => typeof each === 'object' && each.dtype === 'bool')) {
    throw m.fail('Subtraction, the `-` operator, with a bool tensor is not supported. Use `^` or `logical_xor()`, or `~`, instead.')
  }
  return add(m, out, a, b, typeof alpha === 'number' ? -alpha : -BigInt(alpha))
}

const reverse = (m: Machine, out: Tensor | undefined, self: Tensor, other: Operand, alpha: Scalar): Tensor =>
  subtract(m, out, other, self, alpha)

const addRelu = (m: Machine, out: Tensor | undefined, a: Operand, b: Operand, alpha: Scalar): Tensor => add(m, out, a, b, alpha, 0)

const multiply = (m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor => pointwise(m, MULTIPLY, [a, b], out)

const family: Family = {
  name: 'arithmetic',
  operators: {
    ...forms('add.Tensor(self, other, alpha=1)', add),
    ...forms('add.Scalar(self, other, alpha=1)', add, 'Scalar_out'),
    ...forms('sub.Tensor(self, other, alpha=1)', subtract),
    ...forms('sub.Scalar(self, other, alpha=1)', subtract, 'Scalar_out'),
    ...forms('subtract.Tensor(self, other, alpha=1)', subtract),
    ...forms('subtract.Scalar(self, other, alpha=1)', subtract, ''),
    ...forms('rsub.Tensor(self, other, alpha=1)', reverse, 'Tensor_out'),
    ...forms('rsub.Scalar(self, other, alpha=1)', reverse, 'Scalar_out'),
    ...forms('_add_relu.Tensor(self, other, alpha=1)', addRelu),
    ...forms('_add_relu.Scalar(self, other, alpha=1)', addRelu, 'Scalar_out'),
    ...forms('mul.Tensor(self, other)', multiply),
    ...forms('mul.Scalar(self, other)', multiply, 'Scalar_out'),
    ...forms('multiply.Tensor(self, other)', multiply),
    ...forms('multiply.Scalar(self, other)', multiply, ''),
    ...forms('div.Tensor(self, other)', divide),
    ...forms('div.Scalar(self, other)', divide, 'Scalar_out'),
    ...forms('div.Tensor_mode(self, other, rounding_mode)', divide, 'out_mode'),
    ...forms('div.Scalar_mode(self, other, rounding_mode)', divide, 'Scalar_mode_out'),
    ...forms('divide.Tensor(self, other)', divide),
    ...forms('divide.Scalar(self, other)', divide, ''),
    ...forms('divide.Tensor_mode(self, other, rounding_mode)', divide, 'out_mode'),
    ...forms('divide.Scalar_mode(self, other, rounding_mode)', divide, ''),
    ...forms('true_divide.Tensor(self, other)', divide),
    ...forms('true_divide.Scalar(self, other)', divide, ''),
  },
}

export default family
