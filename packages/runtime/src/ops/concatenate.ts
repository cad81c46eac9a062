import type { Machine } from '../machine.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { listed } from './dense/listed.ts'
import { resultType } from './promotion.ts'
import { cast } from './reading.ts'
import { type Int, replaced, slice, wrapDim } from './views.ts'

/** Bytes of float32, the one type that lies channels-last. */
const FLOAT_BYTES = 4

/** Tensors one after the other in a dimension. */
export function concatenate(m: Machine, tensors: readonly Tensor[], dim: Int): Tensor {
  if (tensors.length === 0) throw m.fail('torch.cat(): expected a non-empty list of Tensors')
  // Since long ago, empty tensors of one dimension go with any others.
  const parts = tensors.filter(({ sizes }) => !(sizes.length === 1 && sizes[0] === 0))
  const dtype = resultType(tensors)
  const [first] = parts
  if (!first) return m.empty([0], dtype)
  const at = wrapDim(m, dim, first.dim)
  for (const { sizes } of parts) {
    if (sizes.length !== first.dim) throw m.fail(`Tensors must have same number of dimensions: got ${first.dim} and ${sizes.length}`)
    const wrong = sizes.findIndex((size, i) => i !== at && size !== first.sizes[i])
    if (wrong >= 0) throw m.fail(`Sizes of tensors must match except in dimension ${at}: got ${listed(first.sizes)} and ${listed(sizes)}`)
  }
  const sizes = replaced(first.sizes, at, parts.reduce((sum, part) => sum + part.sizes[at]!, 0))
  const floats = parts.every((part) => part.dtype === 'float32')
  if (at === 1 && floats && mostlyChannelsLast(m, parts)) return concatenateChannels(m, parts, sizes)
  const converted = parts.map((part) => cast(m, part, dtype))
  const result = m.empty(sizes, dtype)
  let begin = 0
  for (const part of converted) {
    const length = part.sizes[at]!
    m.assign(slice(m, result, at, begin, length), part)
    begin += length
  }
  return result
}

const weigh = (tensors: readonly Tensor[]): number => tensors.reduce((sum, { numel }) => sum + numel, 0)

function mostlyChannelsLast(m: Machine, parts: readonly Tensor[]): boolean {
  const there = parts.filter((part) => m.isChannelsLast(part))
  return there.length > 0 && 2 * weigh(there) >= weigh(parts)
}

/** Channels-last, so that each place's channels follow one another. */
function concatenateChannels(m: Machine, tensors: readonly Tensor[], sizes: readonly number[]): Tensor {
  const parts = tensors.map((tensor) => m.toChannelsLast(tensor))
  const result = m.emptyChannelsLast(sizes)
  const places = sizes[0]! * numelOf(sizes.slice(2))
  let to = m.address(result)
  for (const part of parts) {
    const channels = part.sizes[1]!
    const bytes = channels * FLOAT_BYTES
    m.kernels['vector']!['copy4']!(to, m.address(part), places, channels, sizes[1]! * FLOAT_BYTES, FLOAT_BYTES, bytes, FLOAT_BYTES)
    to += bytes
  }
  return result
}
