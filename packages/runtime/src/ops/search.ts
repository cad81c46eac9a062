import type { Machine } from '../machine.ts'
import type { OperatorTable } from '../operator.ts'
import { sameSizes, Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { listed } from './dense/listed.ts'
import { cast, fromIntegers, integers, numbers } from './reading.ts'

/** Where values belong in ascending sequences: before equal elements, or behind them. */
function search(m: Machine, values: Tensor | Scalar, sequence: Tensor, small: boolean, right: boolean, sorter: Tensor | null): Tensor {
  const length = sequence.sizes.at(-1) ?? 0
  const wanted = values instanceof Tensor ? Float64Array.from(numbers(m, values)) : [Number(values)]
  const sizes = values instanceof Tensor ? values.sizes : []
  if (sequence.dim > 1 && !sameSizes(sequence.sizes.slice(0, -1), sizes.slice(0, -1))) {
    throw m.fail(`the first dimensions of boundaries ${listed(sequence.sizes)} and values ${listed(sizes)} must match`)
  }
  const all = Float64Array.from(numbers(m, sequence))
  const order = sorter && integers(m, sorter)
  const perRow = sequence.dim > 1 ? sizes.at(-1)! : wanted.length
  const found = Int32Array.from(wanted, (value, i) => {
    const begin = sequence.dim > 1 ? Math.floor(i / perRow) * length : 0
    let [low, high] = [0, length]
    while (low < high) {
      const middle = (low + high) >> 1
      const element = all[begin + (order ? order[begin + middle]! : middle)]!
      if (right ? element > value : element >= value) high = middle
      else low = middle + 1
    }
    return low
  })
  const result = fromIntegers(m, found, sizes)
  return small ? cast(m, result, 'int32') : result
}

function searchSorted(
  m: Machine, sequence: Tensor, values: Tensor | Scalar, small: boolean, right: boolean, side: string | null, sorter: Tensor | null,
): Tensor {
  if (side !== null && side !== 'left' && side !== 'right') throw m.fail(`side can only be 'left' or 'right' but got ${side}`)
  return search(m, values, sequence, small, side === null ? right : side === 'right', sorter)
}

function bucketize(m: Machine, values: Tensor | Scalar, boundaries: Tensor, small: boolean, right: boolean): Tensor {
  if (boundaries.dim !== 1) throw m.fail(`boundaries tensor must be 1 dimension, but got dim(${boundaries.dim})`)
  return search(m, values, boundaries, small, right, null)
}

const table: OperatorTable = {
  'aten::searchsorted.Tensor(sorted_sequence, self, out_int32=False, right=False, side=None, sorter=None)': searchSorted,
  'aten::searchsorted.Scalar(sorted_sequence, self, out_int32=False, right=False, side=None, sorter=None)': searchSorted,
  'aten::bucketize.Tensor(self, boundaries, out_int32=False, right=False)': bucketize,
  'aten::bucketize.Scalar(self, boundaries, out_int32=False, right=False)': bucketize,
}

export default table
