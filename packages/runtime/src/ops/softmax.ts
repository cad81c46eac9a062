import { softmaxKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { DTYPE_OF_CODE, type Dtype, numelOf, type Tensor } from '../tensor.ts'
import { wrapDim } from './nn/arguments.ts'
import { fromNumbers, requireFloats, toNumbers } from './nn/numbers.ts'

/** Softmax along a dimension, or its logarithm, in float32. Channels-last storage is kept where the dimension is that of the channels. */
function softmax32(m: Machine, input: Tensor, dim: number, logarithm: boolean): Tensor {
  const alongChannels = dim === 1 && m.isChannelsLast(input)
  const from = alongChannels ? input : m.contiguous(input)
  const result = m.emptyLike(from)
  if (input.numel === 0) return result
  const size = input.sizes[dim] ?? 1
  const inner = alongChannels ? 1 : numelOf(input.sizes.slice(dim + 1))
  const outer = input.numel / (size * inner)
  const { softmaxRows, softmaxColumns } = m.kernels['vector']!
  if (inner === 1) softmaxRows!(m.address(result), m.address(from), outer, size, +logarithm, 1, 0, 0)
  else softmaxColumns!(m.address(result), m.address(from), outer, size, inner, +logarithm)
  return result
}

/** Likewise of any type that floats can be made of; the result has the type `to`. */
function softmaxSlowly(m: Machine, input: Tensor, dim: number, logarithm: boolean, to: Dtype): Tensor {
  const values = toNumbers(m, input)
  const size = input.sizes[dim] ?? 1
  const inner = numelOf(input.sizes.slice(dim + 1))
  const columns = size === 0 ? 0 : values.length / size
  for (let column = 0; column < columns; column++) {
    const first = Math.floor(column / inner) * size * inner + column % inner
    const last = first + size * inner
    let greatest = -Infinity
    for (let i = first; i < last; i += inner) greatest = Math.max(greatest, values[i]!)
    let sum = 0
    for (let i = first; i < last; i += inner) sum += Math.exp(values[i]! - greatest)
    for (let i = first; i < last; i += inner) {
      const shifted = values[i]! - greatest
      values[i] = logarithm ? shifted - Math.log(sum) : Math.exp(shifted) / sum
    }
  }
  return fromNumbers(m, to, input.sizes, values)
}

/** Softmax along a dimension, or its logarithm. `dtype` is what the input is converted to before, None for its own. */
export function softmax(m: Machine, input: Tensor, dim: bigint | number, logarithm: boolean, dtype: bigint | null = null): Tensor {
  const along = wrapDim(m, dim, input.dim)
  const to = dtype === null ? input.dtype : DTYPE_OF_CODE[Number(dtype)]
  if (to === undefined) throw m.unsupported(`dtype ${dtype}`)
  if (input.dtype === 'float32' && to === 'float32') return softmax32(m, input, along, logarithm)
  if (dtype === null) requireFloats(m, input)
  return softmaxSlowly(m, input, along, logarithm, to)
}

function along(logarithm: boolean) {
  return (m: Machine, input: Tensor, dim: bigint, dtype: bigint | null): Tensor => softmax(m, input, dim, logarithm, dtype)
}

function inOwnType(logarithm: boolean) {
  return (m: Machine, input: Tensor, dim: bigint, halfToFloat: boolean): Tensor =>
    softmax(m, input, dim, logarithm, halfToFloat ? 6n : null)
}

const operators: OperatorTable = {
  'aten::softmax.int(self, dim, dtype=None)': along(false),
  'aten::log_softmax.int(self, dim, dtype=None)': along(true),
  'aten::special_softmax(self, dim, dtype=None)': along(false),
  'aten::special_log_softmax(self, dim, dtype=None)': along(true),
  'aten::_softmax(self, dim, half_to_float)': inOwnType(false),
  'aten::_log_softmax(self, dim, half_to_float)': inOwnType(true),
}

const family: Family = { name: 'softmax', kernels: [softmaxKernels], operators }

export default family
