import type { Machine } from '../machine.ts'
import type { OperatorTable } from '../operator.ts'
import { contiguousStrides, Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { concatenate } from './concatenate.ts'
import { listed } from './dense/listed.ts'
import { filled } from './reading.ts'
import { backwards, expand, type Int, replaced, slice } from './views.ts'

/** Pads: of a list that begins with the last dimension, by dimension. */
function byDimension(m: Machine, pads: readonly Int[], rank: number): [before: number, after: number][] {
  if (pads.length % 2 !== 0 || pads.length > 2 * rank) throw m.fail(`${pads.length} pads do not fit ${rank} dimensions`)
  return Array.from({ length: rank }, (_, dim) => {
    const at = 2 * (rank - 1 - dim)
    return [Number(pads[at] ?? 0), Number(pads[at + 1] ?? 0)]
  })
}

/** A channels-last tensor as what lies there: `[N, ...spatial, C]`. For the running operator alone. */
function asItLies({ storage, dtype, sizes: [batch, channels, ...spatial] }: Tensor): Tensor {
  const sizes = [batch!, ...spatial, channels!]
  return new Tensor({ ...storage, channelsLast: undefined }, dtype, sizes, contiguousStrides(sizes), 0)
}

function constant(m: Machine, tensor: Tensor, list: readonly Int[], value: Scalar): Tensor {
  const pads = byDimension(m, list, tensor.dim)
  const sizes = tensor.sizes.map((size, dim) => size + pads[dim]![0] + pads[dim]![1])
  if (sizes.some((size) => size < 0)) throw m.fail(`pads ${listed(list)} take more away than ${listed(tensor.sizes)} has`)
  const last = m.isChannelsLast(tensor)
  if (last && pads[1]!.some((pad) => pad !== 0)) return constant(m, m.plain(tensor), list, value)
  const result = last ? m.emptyChannelsLast(sizes) : m.empty(sizes, tensor.dtype)
  const [number] = m.elements(filled(m, [1], tensor.dtype, value))
  m.elements(result).fill(number as never)
  let [to, from] = last ? [asItLies(result), asItLies(tensor)] : [result, tensor]
  const order = last ? [pads[0]!, ...pads.slice(2), pads[1]!] : pads
  order.forEach(([before, after], dim) => {
    // A negative pad takes away.
    const length = from.sizes[dim]! + Math.min(before, 0) + Math.min(after, 0)
    from = slice(m, from, dim, Math.max(-before, 0), length)
    to = slice(m, to, dim, Math.max(before, 0), length)
  })
  m.assign(to, from)
  return result
}

/** What is put before and behind the elements of a dimension. */
type Edges = (m: Machine, tensor: Tensor, dim: number, before: number, after: number) => readonly [Tensor, Tensor]

const EDGES: Readonly<Record<string, Edges>> = {
  reflect: (m, tensor, dim, before, after) => {
    const size = tensor.sizes[dim]!
    if (before >= size || after >= size) throw m.fail(`pads ${before} and ${after} must be less than the size ${size}`)
    return [backwards(m, slice(m, tensor, dim, 1, before), [dim]), backwards(m, slice(m, tensor, dim, size - 1 - after, after), [dim])]
  },
  replicate: (m, tensor, dim, before, after) => {
    const edge = (at: number, count: number): Tensor => expand(m, slice(m, tensor, dim, at, 1), replaced(tensor.sizes, dim, count))
    return [edge(0, before), edge(tensor.sizes[dim]! - 1, after)]
  },
  circular: (m, tensor, dim, before, after) => {
    const size = tensor.sizes[dim]!
    if (before > size || after > size) throw m.fail('Padding value causes wrapping around more than once.')
    return [slice(m, tensor, dim, size - before, before), slice(m, tensor, dim, 0, after)]
  },
}

function edged(m: Machine, tensor: Tensor, list: readonly Int[], mode: string): Tensor {
  const edges = EDGES[mode]
  if (!edges) throw m.fail(`Unrecognised padding mode ${mode}`)
  let result = tensor
  byDimension(m, list, tensor.dim).forEach(([before, after], dim) => {
    if (before === 0 && after === 0) return
    const [first, last] = edges(m, result, dim, Math.max(before, 0), Math.max(after, 0))
    const kept = slice(m, result, dim, Math.max(-before, 0), result.sizes[dim]! + Math.min(before, 0) + Math.min(after, 0))
    result = concatenate(m, [first, kept, last], dim)
  })
  return result === tensor ? m.copy(tensor) : result
}

function pad(m: Machine, tensor: Tensor, list: readonly Int[], mode: string, value: Scalar | null): Tensor {
  return mode === 'constant' ? constant(m, tensor, list, value ?? 0) : edged(m, tensor, list, mode)
}

/** In the order of at::padding_mode. */
const MODES = ['reflect', 'replicate', 'circular', 'constant']

const pads: OperatorTable = {
  'aten::pad(self, pad, mode="constant", value=None)': pad,
  'aten::_pad_enum(self, pad, mode, value=None)': (m, tensor: Tensor, list: Int[], mode: Int, value: Scalar | null) =>
    pad(m, tensor, list, MODES[Number(mode)] ?? '', value),
  'aten::_pad_circular(self, pad)': (m, tensor: Tensor, list: Int[]) => edged(m, tensor, list, 'circular'),
  'aten::constant_pad_nd(self, pad, value=0)': constant,
  ...Object.fromEntries([1, 2, 3].flatMap((rank) => [['reflection', 'reflect'], ['replication', 'replicate']].map(([name, mode]) =>
    [`aten::${name}_pad${rank}d(self, padding)`, (m: Machine, tensor: Tensor, list: Int[]) => edged(m, tensor, list, mode!)] as const))),
}

export default pads
