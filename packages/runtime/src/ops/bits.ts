import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { DTYPES, type Tensor } from '../tensor.ts'
import { isFloating } from './elements.ts'
import { forms, type Operand, type Operation, pointwise } from './pointwise.ts'
import { resultType } from './promotion.ts'

// Bits of ints and bools: at::native's BinaryOps.cpp.

function bitwise(m: Machine, each: Operation['each'], a: Operand, b: Operand, out: Tensor | undefined): Tensor {
  const dtype = resultType([a, b])
  if (isFloating(dtype)) throw m.fail(`not implemented for '${dtype}'`)
  return pointwise(m, { each }, [a, b], out, dtype)
}

/** `bitwise_and` in all its forms, and the operator `&`. */
function logic(name: string, each: Operation['each']): OperatorTable {
  const run = (m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor => bitwise(m, each, a, b, out)
  return {
    ...forms(`bitwise_${name}.Tensor(self, other)`, run, 'Tensor_out'),
    ...forms(`bitwise_${name}.Scalar(self, other)`, run, 'Scalar_out'),
    [`aten::bitwise_${name}.Scalar_Tensor(self, other)`]: (m, a, b) => run(m, undefined, a, b),
    ...symbols(name, run),
  }
}

/** Python's operators: `__and__` and, in place, `__iand__`. */
function symbols(name: string, run: (m: Machine, out: Tensor | undefined, a: Tensor, b: Operand) => Tensor): OperatorTable {
  return Object.fromEntries(['Tensor', 'Scalar'].flatMap((overload) => [
    [`aten::__${name}__.${overload}(self, other)`, (m: Machine, a: Tensor, b: Operand) => run(m, undefined, a, b)],
    [`aten::__i${name}__.${overload}(self, other)`, (m: Machine, a: Tensor, b: Operand) => run(m, a, a, b)],
  ]))
}

/** Shifts; by as many bits as there are, or more, nothing is left but the sign. */
function shifts(name: string, each: (a: bigint, by: bigint) => bigint): OperatorTable {
  const run = (m: Machine, out: Tensor | undefined, a: Operand, b: Operand): Tensor => {
    const bits = BigInt(8 * DTYPES[resultType([a, b])].bytes)
    return bitwise(m, (x: bigint, by: bigint) => each(x, by < 0n || by > bits ? bits : by), a, b, out)
  }
  return {
    ...forms(`bitwise_${name}_shift.Tensor(self, other)`, run, 'Tensor_out'),
    ...forms(`bitwise_${name}_shift.Tensor_Scalar(self, other)`, run, 'Tensor_Scalar_out'),
    [`aten::bitwise_${name}_shift.Scalar_Tensor(self, other)`]: (m, a, b) => run(m, undefined, a, b),
    ...symbols(`${name[0]}shift`, run),
  }
}

const family: Family = {
  name: 'bits',
  operators: {
    ...logic('and', (a, b) => a & b),
    ...logic('or', (a, b) => a | b),
    ...logic('xor', (a, b) => a ^ b),
    ...shifts('left', (a, by) => a << by),
    ...shifts('right', (a, by) => a >> by),
    ...forms('bitwise_not(self)', (m, out, self: Tensor) => {
      if (isFloating(self.dtype)) throw m.fail(`not implemented for '${self.dtype}'`)
      return pointwise(m, { each: self.dtype === 'bool' ? (x) => !x : (x) => ~x }, [self], out)
    }),
  },
}

export default family
