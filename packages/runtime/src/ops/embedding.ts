import type { Machine } from '../machine.ts'
import type { OperatorTable } from '../operator.ts'
import { results, type Results } from '../values.ts'
import { pickRows } from './picking.ts'
import { cast, filled, fromIntegers, integers, numbers } from './reading.ts'
import type { Tensor } from '../tensor.ts'
import type { Int } from './views.ts'

function embedding(m: Machine, weight: Tensor, indices: Tensor): Tensor {
  const list = integers(m, indices)
  const wrong = list.find((index) => index < 0)
  if (wrong !== undefined) throw m.fail(`index ${wrong} is out of range in self`)
  return pickRows(m, weight, 0, list, indices.sizes)
}

/** Of torch.nn.EmbeddingBag. */
const [MEAN, MAX] = [1, 2]

/** Sums, means or maxima of bags of rows. What else PyTorch gives is for gradients: bags of indices, sizes of bags, rows of maxima. */
function embeddingBag(
  m: Machine, weight: Tensor, indices: Tensor, offsets: Tensor, _scale: boolean, mode: Int, _sparse: boolean,
  weights: Tensor | null, lastOffset: boolean, padding: Int | null = null,
): Results {
  const list = integers(m, indices)
  const rows = weight.sizes[0]!
  const wrong = list.find((index) => index < 0 || index >= rows)
  if (wrong !== undefined) throw m.fail(`Expected index >= 0 and < ${rows} but found ${wrong}`)
  const starts = [...integers(m, offsets)]
  if (!lastOffset) starts.push(list.length)
  const bags = starts.length - 1
  const columns = weight.sizes[1]!
  const scales = weights && numbers(m, weights).slice()
  // The last thing that may allocate: it may be the memory itself.
  const table = numbers(m, weight)
  const skipped = padding === null || Number(padding) === -1 ? -1 : (Number(padding) + rows) % rows
  const sums = new Float32Array(bags * columns)
  const sizes = new Int32Array(bags)
  const bagOf = new Int32Array(list.length)
  const maxima = new Int32Array(Number(mode) === MAX ? bags * columns : 0)
  for (let bag = 0; bag < bags; bag++) {
    for (let i = starts[bag]!; i < starts[bag + 1]!; i++) {
      const row = list[i]!
      bagOf[i] = bag
      if (row === skipped) continue
      const first = sizes[bag]!++ === 0
      for (let column = 0; column < columns; column++) {
        const at = bag * columns + column
        const value = table[row * columns + column]! * (scales ? scales[i]! : 1)
        if (Number(mode) !== MAX) {
          sums[at]! += value
        } else if (first || value > sums[at]!) {
          sums[at] = value
          maxima[at] = row
        }
      }
    }
    if (Number(mode) === MEAN) for (let at = bag * columns; at < (bag + 1) * columns; at++) sums[at]! /= Math.max(sizes[bag]!, 1)
  }
  const answer = cast(m, m.tensor('float32', [bags, columns], sums), weight.dtype)
  // Of sums PyTorch only computes what it needs: no bags of indices, and no sizes.
  const dense = weight.strides[1] === 1 && (weights?.strides[0] ?? 1) === 1
  const fast = Number(mode) === 0 && skipped < 0 && weight.dtype !== 'float64' && dense
  const bagSizes = Number(mode) === 0 ? filled(m, offsets.sizes, 'int64', 0) : fromIntegers(m, sizes, [bags])
  const rowsOfMaxima = Number(mode) === MAX ? fromIntegers(m, maxima, [bags, columns]) : bagSizes
  return results(answer, fromIntegers(m, fast ? [] : bagOf), bagSizes, rowsOfMaxima)
}

function oneHot(m: Machine, tensor: Tensor, classes: Int): Tensor {
  const list = integers(m, tensor)
  if (list.some((value) => value < 0)) throw m.fail('Class values must be non-negative.')
  const most = list.reduce((a, b) => Math.max(a, b), -1)
  const count = Number(classes) === -1 ? most + 1 : Number(classes)
  if (tensor.numel === 0 && count <= 0) throw m.fail('Can not infer total number of classes from empty tensor.')
  if (most >= count) throw m.fail('Class values must be smaller than num_classes.')
  const result = filled(m, [...tensor.sizes, count], 'int64', 0)
  const words = m.i32.subarray(m.address(result) / 4)
  list.forEach((value, i) => { words[2 * (i * count + value)] = 1 })
  return result
}

const BAG = 'weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, per_sample_weights=None, include_last_offset=False'

const table: OperatorTable = {
  'aten::embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False)': embedding,
  [`aten::embedding_bag(${BAG})`]: embeddingBag,
  [`aten::embedding_bag.padding_idx(${BAG.replaceAll(/=\w+/g, '')}, padding_idx)`]: embeddingBag,
  [`aten::_embedding_bag(${BAG}, padding_idx=-1)`]: embeddingBag,
  [`aten::_embedding_bag_forward_only(${BAG}, padding_idx=-1)`]: embeddingBag,
  'aten::one_hot(self, num_classes=-1)': oneHot,
}

export default table
