import type { Machine } from '../machine.ts'
import { DTYPE_OF_CODE, DTYPES, type Dtype, Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { isFloating } from './elements.ts'

/** PyTorch's default type of floats, and of Python's. */
const FLOAT: Dtype = 'float32'

/** The type that holds the values of two types: c10::promoteTypes. */
export function promoteTypes(a: Dtype, b: Dtype): Dtype {
  if (a === b) return a
  const [{ kind, bytes }, other] = [DTYPES[a], DTYPES[b]]
  const high = kind < other.kind || (kind === other.kind && bytes < other.bytes) ? b : a
  // No type of one byte holds uint8 and int8.
  return kind === 1 && other.kind === 1 && bytes === other.bytes ? 'int16' : high
}

/** The type that a Python number counts for in an operation. A bool is an int there, as in every argument of type Scalar. */
export function scalarType(value: Scalar): Dtype {
  return typeof value === 'number' ? FLOAT : 'int64'
}

/**
 * The common type of an operation's operands: at::native::result_type. Tensors with dimensions decide, then tensors without, then Python
 * numbers; those lower down only count when they are of a higher kind (bool < int < float).
 */
export function resultType(operands: readonly (Tensor | Scalar)[]): Dtype {
  const found: (Dtype | undefined)[] = [undefined, undefined, undefined]
  for (const operand of operands) {
    const isTensor = operand instanceof Tensor
    const rank = isTensor ? Number(operand.dim === 0) : 2
    const type = isTensor ? operand.dtype : scalarType(operand)
    found[rank] = found[rank] ? promoteTypes(found[rank], type) : type
  }
  const [dimensioned, zero, wrapped] = found
  return combine(dimensioned, combine(zero, wrapped))!
}

function combine(higher: Dtype | undefined, lower: Dtype | undefined): Dtype | undefined {
  if (!higher || !lower) return higher ?? lower
  if (isFloating(higher)) return higher
  return higher === 'bool' || isFloating(lower) ? promoteTypes(higher, lower) : higher
}

/** The type that functions of real numbers give: floats stay, everything else becomes the default type of floats. */
export function floatType(dtype: Dtype): Dtype {
  return isFloating(dtype) ? dtype : FLOAT
}

/** True when results of one type may be written to another one: c10::canCast. */
export function canCast(from: Dtype, to: Dtype): boolean {
  return !(isFloating(from) && !isFloating(to)) && !(from !== 'bool' && to === 'bool')
}

/** The type by its number, or another one where that is None. */
export function dtypeOf(m: Machine, code: bigint | null, otherwise: Dtype): Dtype {
  const dtype = code === null ? otherwise : DTYPE_OF_CODE[Number(code)]
  if (!dtype) throw m.unsupported(`tensors of type number ${code}`)
  return dtype
}
