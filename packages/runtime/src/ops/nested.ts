import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { numelOf, sameSizes, type Tensor } from '../tensor.ts'
import { requireFit, requireType } from './nn/arguments.ts'
import { NestedTensor } from './nn/nested.ts'
import { fromNumbers, toNumbers } from './nn/numbers.ts'

// Nested tensors as far as encoders of transformers use them between `_nested_tensor_from_mask` and `to_padded_tensor`.

/** Lengths of the sequences, by a mask of True where there is an element, and whether all of these come first. */
function lengthsOf(m: Machine, tensor: Tensor, mask: Tensor): { lengths: number[]; aligned: boolean } {
  requireType(m, 'bool', mask)
  requireFit(m, tensor.dim === 3 && sameSizes(mask.sizes, tensor.sizes.slice(0, 2)), tensor, mask)
  const [batch, steps] = mask.sizes as [number, number]
  const values = toNumbers(m, mask)
  const rows = Array.from({ length: batch }, (_, n) => [...values.subarray(n * steps, (n + 1) * steps)])
  const lengths = rows.map((row) => row.reduce((sum, value) => sum + value, 0))
  return { lengths, aligned: rows.every((row, n) => row.lastIndexOf(1) < lengths[n]!) }
}

function nest(m: Machine, tensor: Tensor, mask: Tensor, check: boolean): Tensor {
  const { lengths, aligned } = lengthsOf(m, tensor, mask)
  if (check && !aligned) throw m.fail('Mask must be left-aligned without gaps')
  const [batch, , width] = tensor.sizes as [number, number, number]
  return new NestedTensor(m.copy(m.plain(tensor).view([batch, Math.max(...lengths, 0), width], tensor.strides)), lengths)
}

function toPadded(m: Machine, nested: Tensor, padding: number, size: readonly bigint[] | null): Tensor {
  if (!(nested instanceof NestedTensor)) throw m.fail('the tensor is not nested')
  const [batch, steps, width] = nested.sizes as [number, number, number]
  const sizes = size === null ? nested.sizes : size.map(Number)
  requireFit(m, sizes.length === 3 && sizes[0] === batch && sizes[1]! >= steps && sizes[2]! >= width, nested, sizes)
  const from = toNumbers(m, nested)
  const values = new Float64Array(numelOf(sizes)).fill(padding)
  for (const [n, length] of nested.lengths.entries()) {
    for (let step = 0; step < length; step++) {
      const row = from.subarray((n * steps + step) * width, (n * steps + step + 1) * width)
      values.set(row, (n * sizes[1]! + step) * sizes[2]!)
    }
  }
  return fromNumbers(m, nested.dtype, sizes, values)
}

const operators: OperatorTable = {
  'prim::is_nested(a)': (_, tensor: Tensor) => tensor instanceof NestedTensor,
  'aten::_nested_tensor_from_mask(t, mask, mask_check=True)': nest,
  'aten::_nested_tensor_from_mask_left_aligned(t, mask)': (m, tensor: Tensor, mask: Tensor) => lengthsOf(m, tensor, mask).aligned,
  'aten::to_padded_tensor(self, padding, output_size=None)': toPadded,
  'aten::nested_to_padded_tensor(self, padding, output_size=None)': toPadded,
}

const family: Family = { name: 'nested', operators }

export default family
