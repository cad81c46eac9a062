import { moveKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, Implementation, OperatorTable } from '../operator.ts'
import { contiguousStrides, DTYPE_OF_CODE, DTYPES, numelOf, sameSizes, Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { concatenate } from './concatenate.ts'
import { listed } from './dense/listed.ts'
import { isFloating } from './elements.ts'
import pads from './pads.ts'
import { pickRows } from './picking.ts'
import { resultType } from './promotion.ts'
import { cast, filled, fromIntegers, integers, numbers } from './reading.ts'
import {
  backwards, diagonal, expand, flatten, type Int, moveDims, permute, replaced, reshape, slice, transpose, unsqueeze, wrapDim,
  wrapDims,
} from './views.ts'

function stack(m: Machine, tensors: readonly Tensor[], dim: Int): Tensor {
  const [first] = tensors
  if (!first) throw m.fail('stack expects a non-empty TensorList')
  const other = tensors.find(({ sizes }) => !sameSizes(sizes, first.sizes))
  if (other) throw m.fail(`stack expects each tensor to be equal size, but got ${listed(first.sizes)} and ${listed(other.sizes)}`)
  return concatenate(m, tensors.map((tensor) => unsqueeze(m, tensor, dim)), dim)
}

/** At least `rank` dimensions, as `torch.atleast_1d` and its like give them. */
function atLeast(m: Machine, tensor: Tensor, rank: number): Tensor {
  const shapes = [[], [[1]], [[1, 1], [1, -1]], [[1, 1, 1], [1, -1, 1], [...tensor.sizes, 1]]][rank]!
  return tensor.dim < rank ? reshape(m, tensor, shapes[tensor.dim]!) : tensor
}

function repeat(m: Machine, tensor: Tensor, counts: readonly Int[]): Tensor {
  const repeats = counts.map(Number)
  const added = repeats.length - tensor.dim
  if (added < 0) throw m.fail('Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor')
  const sizes = [...Array.from({ length: added }, () => 1), ...tensor.sizes]
  const result = m.empty(sizes.map((size, dim) => size * repeats[dim]!), tensor.dtype)
  // Each dimension as two: which repetition, and where in it.
  const pairs = sizes.flatMap((size, dim) => [repeats[dim]!, size])
  const { strides } = m.plain(tensor)
  const from = tensor.view(pairs, sizes.flatMap((_, dim) => [0, strides[dim - added] ?? 0]))
  m.assign(result.view(pairs, contiguousStrides(pairs)), from)
  return result
}

function tile(m: Machine, tensor: Tensor, counts: readonly Int[]): Tensor {
  return repeat(m, tensor, [...Array.from({ length: Math.max(tensor.dim - counts.length, 0) }, () => 1), ...counts])
}

/** Every element `counts` times; one count is for all. */
function repeatInterleave(m: Machine, tensor: Tensor, counts: Int | Tensor, dim: Int | null): Tensor {
  if (dim !== null && tensor.dim === 0) throw m.fail(`Dimension specified as ${dim} but tensor has no dimensions`)
  const from = dim === null ? flatten(m, tensor) : tensor
  const at = wrapDim(m, dim ?? 0, from.dim)
  if (!(counts instanceof Tensor) || counts.numel === 1) {
    const count = counts instanceof Tensor ? integers(m, counts)[0]! : Number(counts)
    if (count < 0) throw m.fail('repeats can not be negative')
    const spread = expand(m, unsqueeze(m, from, at + 1), [...from.sizes.slice(0, at + 1), count, ...from.sizes.slice(at + 1)])
    const sizes = replaced(from.sizes, at, from.sizes[at]! * count)
    return m.copy(spread).view(sizes, contiguousStrides(sizes))
  }
  if (counts.numel !== from.sizes[at]) throw m.fail('repeats must have the same size as input along dim')
  return pickRows(m, from, at, repeatedIndices(m, counts))
}

function repeatedIndices(m: Machine, counts: Tensor): Int32Array {
  const repeats = integers(m, counts)
  if (repeats.some((count) => count < 0)) throw m.fail('repeats can not be negative')
  const result = new Int32Array(repeats.reduce((sum, count) => sum + count, 0))
  let at = 0
  repeats.forEach((count, i) => {
    result.fill(i, at, at + count)
    at += count
  })
  return result
}

function roll(m: Machine, tensor: Tensor, shifts: readonly Int[], dims: readonly Int[]): Tensor {
  if (dims.length === 0) {
    if (shifts.length !== 1) throw m.fail('shifts and dimensions must align')
    return reshape(m, roll(m, flatten(m, tensor), shifts, [0]), tensor.sizes)
  }
  if (dims.length !== shifts.length) throw m.fail(`shifts and dimensions must align. shifts: ${shifts.length}, dims:${dims.length}`)
  const result = m.empty(tensor.sizes, tensor.dtype)
  if (tensor.numel === 0) return result
  // Each rolled dimension falls apart in two, and so does each of the parts in the next one.
  const copyParts = (to: Tensor, from: Tensor, i: number): void => {
    if (i === dims.length) return m.assign(to, from)
    const at = wrapDim(m, dims[i]!, tensor.dim)
    const size = from.sizes[at]!
    const shift = ((Number(shifts[i]) % size) + size) % size
    copyParts(slice(m, to, at, shift, size - shift), slice(m, from, at, 0, size - shift), i + 1)
    if (shift > 0) copyParts(slice(m, to, at, 0, shift), slice(m, from, at, size - shift, shift), i + 1)
  }
  if (new Set(dims).size === dims.length) copyParts(result, tensor, 0)
  else return dims.reduce<Tensor>((rolled, dim, i) => roll(m, rolled, [shifts[i]!], [dim]), tensor)
  return result
}

function flip(m: Machine, tensor: Tensor, dims: readonly Int[]): Tensor {
  return m.copy(backwards(m, tensor, wrapDims(m, dims, tensor.dim)))
}

function rot90(m: Machine, tensor: Tensor, times: Int, dims: readonly Int[]): Tensor {
  const [a, b] = wrapDims(m, dims, tensor.dim) as [number, number]
  const turned = [
    () => tensor,
    () => transpose(m, backwards(m, tensor, [b]), a, b),
    () => backwards(m, tensor, [a, b]),
    () => transpose(m, backwards(m, tensor, [a]), a, b),
  ][((Number(times) % 4) + 4) % 4]!()
  return m.copy(turned)
}

/** A view of more dimensions, permuted, copied, and seen with other sizes. */
function rearranged(m: Machine, tensor: Tensor, split: readonly Int[], order: readonly Int[], sizes: readonly number[]): Tensor {
  return m.copy(permute(m, reshape(m, tensor, split), order)).view(sizes, contiguousStrides(sizes))
}

function pixelShuffle(m: Machine, tensor: Tensor, factor: Int): Tensor {
  const by = Number(factor)
  const batch = tensor.sizes.slice(0, -3)
  const [channels, height, width] = tensor.sizes.slice(-3) as [number, number, number]
  if (tensor.dim < 3 || channels % (by * by) !== 0) throw m.fail(`the channels of ${listed(tensor.sizes)} are not divisible by ${by * by}`)
  const c = channels / (by * by)
  return rearranged(m, tensor, [numelOf(batch), c, by, by, height, width], [0, 1, 4, 2, 5, 3], [...batch, c, height * by, width * by])
}

function pixelUnshuffle(m: Machine, tensor: Tensor, factor: Int): Tensor {
  const by = Number(factor)
  const batch = tensor.sizes.slice(0, -3)
  const [channels, height, width] = tensor.sizes.slice(-3) as [number, number, number]
  if (tensor.dim < 3 || height % by !== 0 || width % by !== 0) throw m.fail(`${listed(tensor.sizes)} is not divisible by ${by}`)
  const [h, w] = [height / by, width / by]
  return rearranged(m, tensor, [numelOf(batch), channels, h, by, w, by], [0, 1, 3, 5, 2, 4], [...batch, channels * by * by, h, w])
}

function channelShuffle(m: Machine, tensor: Tensor, groups: Int): Tensor {
  const [batch, channels, ...rest] = tensor.sizes
  if (channels! % Number(groups) !== 0) throw m.fail('Number of channels must be divisible by groups.')
  return rearranged(m, tensor, [batch!, groups, channels! / Number(groups), numelOf(rest)], [0, 2, 1, 3], tensor.sizes)
}

/** Zeroes what lies above (or below) a diagonal of contiguous matrices. */
function triangle(m: Machine, tensor: Tensor, shift: Int, upper: boolean): Tensor {
  if (tensor.dim < 2) throw m.fail('tril and triu need tensors with two dimensions at least')
  const result = m.copy(tensor)
  const { bytes } = DTYPES[tensor.dtype]
  const [rows, columns] = result.sizes.slice(-2) as [number, number]
  const { u8 } = m
  const begin = m.address(result)
  for (let line = 0; line < result.numel / Math.max(columns, 1); line++) {
    const edge = Math.min(Math.max(line % rows + Number(shift) + (upper ? 0 : 1), 0), columns)
    const at = begin + line * columns * bytes
    if (upper) u8.fill(0, at, at + edge * bytes)
    else u8.fill(0, at + edge * bytes, at + columns * bytes)
  }
  return result
}

/** Rows and columns of a triangle, as two rows. */
const triangleIndices = (upper: boolean): Implementation => (m, rows: Int, columns: Int, shift: Int, dtype: Int | null) => {
  const places: [number, number][] = []
  for (let row = 0; row < Number(rows); row++) {
    for (let column = 0; column < Number(columns); column++) {
      if (upper ? column >= row + Number(shift) : column <= row + Number(shift)) places.push([row, column])
    }
  }
  const indices = fromIntegers(m, [...places.map(([row]) => row), ...places.map(([, column]) => column)], [2, places.length])
  return cast(m, indices, DTYPE_OF_CODE[Number(dtype ?? 4)] ?? 'int64')
}

function meshgrid(m: Machine, tensors: readonly Tensor[], indexing: string): Tensor[] {
  if (indexing === 'xy' && tensors.length > 1) {
    const [first, second, ...rest] = tensors
    const [b, a, ...others] = meshgrid(m, [second!, first!, ...rest], 'ij')
    return [a!, b!, ...others]
  }
  const sizes = tensors.map(({ numel }) => numel)
  return tensors.map((tensor, dim) => expand(m, reshape(m, tensor, sizes.map((_, i) => i === dim ? -1 : 1)), sizes))
}

function diag(m: Machine, tensor: Tensor, shift: Int): Tensor {
  if (tensor.dim === 1) return diagEmbed(m, tensor, shift, 0, 1)
  const [rows, columns] = tensor.sizes
  if (tensor.dim !== 2 || shift < -rows! || shift > columns!) throw m.fail(`${listed(tensor.sizes)} has no diagonal ${shift}`)
  return m.copy(diagonal(m, tensor, shift, 0, 1))
}

function diagEmbed(m: Machine, tensor: Tensor, shift: Int, first: Int, second: Int): Tensor {
  const by = Number(shift)
  const size = tensor.sizes.at(-1)! + Math.abs(by)
  const rank = tensor.dim + 1
  const result = filled(m, [...tensor.sizes.slice(0, -1), size, size], tensor.dtype, 0)
  m.assign(diagonal(m, result, by, -2, -1), tensor)
  return moveDims(m, result, [-2, -1], [wrapDim(m, first, rank), wrapDim(m, second, rank)])
}

function blockDiagonal(m: Machine, tensors: readonly Tensor[]): Tensor {
  const blocks = tensors.map((tensor) => atLeast(m, tensor, 2))
  const dtype = resultType(tensors)
  const converted = blocks.map((block) => cast(m, block, dtype))
  const [rows, columns] = [0, 1].map((dim) => blocks.reduce((sum, { sizes }) => sum + sizes[dim]!, 0)) as [number, number]
  const result = filled(m, [rows, columns], dtype, 0)
  let [row, column] = [0, 0]
  for (const block of converted) {
    m.assign(slice(m, slice(m, result, 0, row, block.sizes[0]!), 1, column, block.sizes[1]!), block)
    row += block.sizes[0]!
    column += block.sizes[1]!
  }
  return result
}

/** The sum of the main diagonal. */
function trace(m: Machine, tensor: Tensor): Tensor {
  if (tensor.dim !== 2) throw m.fail(`trace: expected a matrix, but got ${listed(tensor.sizes)}`)
  const sum = Array.from(numbers(m, diagonal(m, tensor, 0, 0, 1))).reduce((total, value) => total + value, 0)
  return filled(m, [], isFloating(tensor.dtype) ? tensor.dtype : 'int64', sum)
}

/** Sequences of different lengths as one tensor. */
function padSequence(m: Machine, sequences: readonly Tensor[], batchFirst: boolean, value: Scalar): Tensor {
  const [first] = sequences
  if (!first) throw m.fail('received an empty list of sequences')
  const lengths = sequences.map(({ sizes }) => sizes[0]!)
  const [longest, count] = [Math.max(...lengths), sequences.length]
  const result = filled(m, [...batchFirst ? [count, longest] : [longest, count], ...first.sizes.slice(1)], first.dtype, value)
  const [batch, time] = batchFirst ? [0, 1] : [1, 0]
  sequences.forEach((sequence, i) => {
    m.assign(slice(m, slice(m, result, batch, i, 1), time, 0, lengths[i]!), unsqueeze(m, sequence, batch))
  })
  return result
}

/** A copy of a tensor with one part of it replaced. */
function scattered(m: Machine, tensor: Tensor, source: Tensor, part: (copy: Tensor) => Tensor): Tensor {
  const result = m.copy(tensor)
  m.assign(part(result), cast(m, source, tensor.dtype))
  return result
}

function sliceScatter(m: Machine, tensor: Tensor, source: Tensor, dim: Int, start: Int | null, end: Int | null, step: Int): Tensor {
  const at = wrapDim(m, dim, tensor.dim)
  const size = tensor.sizes[at]!
  const place = (index: Int): number => Math.min(Math.max(Number(index) < 0 ? Number(index) + size : Number(index), 0), size)
  const first = place(start ?? 0)
  const length = Math.ceil(Math.max(place(end ?? size) - first, 0) / Number(step))
  return scattered(m, tensor, source, (copy) => slice(m, copy, at, first, length, Number(step)))
}

function many(schemas: string, run: Implementation): OperatorTable {
  return Object.fromEntries(schemas.split(' ').map((schema) => [`aten::${schema.replaceAll(',', ', ')}`, run]))
}

/** Writes the result over the tensor itself. */
const inPlace = (run: Implementation): Implementation => (m, tensor: Tensor, ...args) => {
  const result = run(m, tensor, ...args) as Tensor
  m.writing(tensor)
  m.assign(tensor, result)
  return tensor
}

const tril: Implementation = (m, tensor: Tensor, shift: Int) => triangle(m, tensor, shift, false)
const triu: Implementation = (m, tensor: Tensor, shift: Int) => triangle(m, tensor, shift, true)

/** Writes a number along the diagonal of all dimensions. */
function fillDiagonal(m: Machine, tensor: Tensor, value: Scalar, wraps: boolean): Tensor {
  const { sizes, strides } = m.plain(tensor)
  const [rows, columns] = sizes as [number, number]
  const least = Math.min(...sizes)
  const step = strides.reduce((sum, stride) => sum + stride, 0)
  const one = filled(m, [1], tensor.dtype, value)
  m.writing(tensor)
  // With `wraps`, a tall matrix has a diagonal in each of its squares, which are a row apart.
  for (let row = 0; row < (wraps && sizes.length === 2 ? rows : 1); row += columns + 1) {
    const length = sizes.length === 2 ? Math.min(columns, rows - row) : least
    m.assign(tensor.view([length], [step], tensor.offset + row * strides[0]!), expand(m, one, [length]))
  }
  return tensor
}

const join: Family = {
  name: 'join',
  kernels: [moveKernels],
  operators: {
    ...pads,
    ...many('cat(tensors,dim=0) concat(tensors,dim=0) concatenate(tensors,dim=0)', concatenate),
    ...many('stack(tensors,dim=0) _stack(tensors,dim=0)', stack),
    'prim::VarConcat(...)': (m, ...args: unknown[]) => concatenate(m, args.slice(0, -1) as Tensor[], args.at(-1) as Int),
    'prim::VarStack(...)': (m, ...args: unknown[]) => stack(m, args.slice(0, -1) as Tensor[], args.at(-1) as Int),
    'aten::hstack(tensors)': (m, tensors: Tensor[]) =>
      concatenate(m, tensors.map((each) => atLeast(m, each, 1)), (tensors[0]?.dim ?? 0) > 1 ? 1 : 0),
    ...many('vstack(tensors) row_stack(tensors)', (m, tensors: Tensor[]) => concatenate(m, tensors.map((each) => atLeast(m, each, 2)), 0)),
    'aten::dstack(tensors)': (m, tensors: Tensor[]) => concatenate(m, tensors.map((each) => atLeast(m, each, 3)), 2),
    'aten::column_stack(tensors)': (m, tensors: Tensor[]) =>
      concatenate(m, tensors.map((each) => each.dim < 2 ? reshape(m, each, [each.numel, 1]) : each), 1),
    'aten::block_diag(tensors)': blockDiagonal,
    'aten::repeat(self, repeats)': repeat,
    'aten::tile(self, dims)': tile,
    'aten::repeat_interleave.Tensor(repeats, output_size=None)': (m, counts: Tensor) => fromIntegers(m, repeatedIndices(m, counts)),
    'aten::repeat_interleave.self_Tensor(self, repeats, dim=None, output_size=None)': repeatInterleave,
    'aten::repeat_interleave.self_int(self, repeats, dim=None, output_size=None)': repeatInterleave,
    'aten::roll(self, shifts, dims=[])': roll,
    'aten::flip(self, dims)': flip,
    'aten::fliplr(self)': (m, tensor: Tensor) => flip(m, tensor, [1]),
    'aten::flipud(self)': (m, tensor: Tensor) => flip(m, tensor, [0]),
    'aten::rot90(self, k=1, dims=[0, 1])': rot90,
    'aten::pixel_shuffle(self, upscale_factor)': pixelShuffle,
    'aten::pixel_unshuffle(self, downscale_factor)': pixelUnshuffle,
    ...many('channel_shuffle(self,groups) native_channel_shuffle(self,groups)', channelShuffle),
    'aten::tril(self, diagonal=0)': tril,
    'aten::triu(self, diagonal=0)': triu,
    'aten::tril_(self, diagonal=0)': inPlace(tril),
    'aten::triu_(self, diagonal=0)': inPlace(triu),
    ...many('tril_indices(row,col,offset=0,dtype=4,layout=None,device=None,pin_memory=None)', triangleIndices(false)),
    ...many('triu_indices(row,col,offset=0,dtype=4,layout=None,device=None,pin_memory=None)', triangleIndices(true)),
    'aten::meshgrid(tensors)': (m, tensors: Tensor[]) => meshgrid(m, tensors, 'ij'),
    'aten::meshgrid.indexing(tensors, indexing)': meshgrid,
    'aten::cartesian_prod(tensors)': (m, tensors: Tensor[]) =>
      tensors.length === 1 ? tensors[0]! : stack(m, meshgrid(m, tensors, 'ij').map((grid) => flatten(m, grid)), 1),
    'aten::trace(self)': trace,
    'aten::pad_sequence(sequences, batch_first=False, padding_value=0.)': padSequence,
    'aten::diag(self, diagonal=0)': diag,
    'aten::diag_embed(self, offset=0, dim1=-2, dim2=-1)': diagEmbed,
    'aten::diagflat(self, offset=0)': (m, tensor: Tensor, shift: Int) => diag(m, reshape(m, tensor, [-1]), shift),
    'aten::select_scatter(self, src, dim, index)': (m, tensor: Tensor, source: Tensor, dim: Int, index: Int) => {
      const at = wrapDim(m, dim, tensor.dim)
      const place = Number(index) < 0 ? Number(index) + tensor.sizes[at]! : Number(index)
      return scattered(m, tensor, unsqueeze(m, source, at), (copy) => slice(m, copy, at, place, 1))
    },
    'aten::slice_scatter(self, src, dim=0, start=None, end=None, step=1)': sliceScatter,
    'aten::diagonal_scatter(self, src, offset=0, dim1=0, dim2=1)': (m, tensor: Tensor, source: Tensor, shift: Int, a: Int, b: Int) =>
      scattered(m, tensor, source, (copy) => diagonal(m, copy, shift, a, b)),
    'aten::fill_diagonal_(self, fill_value, wrap=False)': fillDiagonal,
  },
}

export default join
