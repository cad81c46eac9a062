import type { Machine } from '../../machine.ts'
import type { Tensor } from '../../tensor.ts'
import { results, type Results, type Scalar } from '../../values.ts'
import { filled, fromIntegers, integers } from '../reading.ts'

/** Elements `[from, from + count)` of the first dimension. */
function rows(tensor: Tensor, from: number, count: number): Tensor {
  return tensor.view([count, ...tensor.sizes.slice(1)], tensor.strides, tensor.offset + from * tensor.strides[0]!)
}

/** Steps of time first: `[time, sequence, …]`. */
function timeFirst(m: Machine, tensor: Tensor, batchFirst: boolean): Tensor {
  const { sizes: [a, b, ...sizes], strides: [c, d, ...strides] } = m.plain(tensor) as { sizes: readonly number[]; strides: readonly number[] }
  return batchFirst ? tensor.view([b!, a!, ...sizes], [d!, c!, ...strides]) : tensor
}

/** All first elements of sequences, the longest one first, then all second ones …; and how many there are of each. `torch.nn.utils.rnn.pack_padded_sequence` */
export function packPadded(m: Machine, input: Tensor, lengths: Tensor, batchFirst: boolean): Results {
  const ordered = timeFirst(m, input, batchFirst)
  const each = [...integers(m, lengths)]
  if (each.length !== ordered.sizes[1] || each.some((length, i) => length <= 0 || length > (each[i - 1] ?? ordered.sizes[0]!))) {
    throw m.fail(`lengths [${each.join(', ')}] are not those of ${ordered.sizes[1]} sequences, the longest one first`)
  }
  const counts = Array.from({ length: each[0]! }, (_, time) => each.filter((length) => length > time).length)
  const data = m.empty([each.reduce((sum, length) => sum + length, 0), ...ordered.sizes.slice(2)], input.dtype)
  let row = 0
  for (const [time, count] of counts.entries()) {
    const step = ordered.view(ordered.sizes.slice(1), ordered.strides.slice(1), ordered.offset + time * ordered.strides[0]!)
    m.assign(rows(data, row, count), rows(step, 0, count))
    row += count
  }
  return results(data, fromIntegers(m, counts))
}

/** The reverse, with `padding` behind the end of sequences. `torch.nn.utils.rnn.pad_packed_sequence` */
export function padPacked(m: Machine, data: Tensor, batchSizes: Tensor, batchFirst: boolean, padding: Scalar, totalLength: bigint): Results {
  const counts = [...integers(m, batchSizes)]
  const [batch, length] = [counts[0]!, Math.max(Number(totalLength), counts.length)]
  if (totalLength > 0n && length !== Number(totalLength)) throw m.fail(`total_length ${totalLength} is less than the longest sequence, ${counts.length}`)
  const output = filled(m, [length, batch, ...data.sizes.slice(1)], data.dtype, padding)
  m.plain(data)
  let row = 0
  for (const [time, count] of counts.entries()) {
    const step = output.view(output.sizes.slice(1), output.strides.slice(1), time * output.strides[0]!)
    m.assign(rows(step, 0, count), rows(data, row, count))
    row += count
  }
  const lengths = Array.from({ length: batch }, (_, n) => counts.filter((count) => count > n).length)
  return results(timeFirst(m, output, batchFirst), fromIntegers(m, lengths))
}
