import type { Machine } from '../machine.ts'
import type { Family, Implementation, OperatorTable } from '../operator.ts'
import { DTYPE_OF_CODE, DTYPES, isContiguous, numelOf, sameSizes, type Tensor } from '../tensor.ts'
import type { Value } from '../values.ts'
import { listed } from './dense/listed.ts'
import { integers } from './reading.ts'
import {
  broadcastSizes, diagonal, expand, flatten, inferSizes, type Int, moveDims, permute, replaced, reshape, select, slice, splitSizes,
  squeeze, transpose, unfold, unsqueeze, view, viewDtype, wrapDim,
} from './views.ts'

const bigints = (numbers: readonly number[]): bigint[] => numbers.map(BigInt)

/** Gives a tensor the shape of a view of it, for operators like `squeeze_`. */
function become(tensor: Tensor, { sizes, strides, offset, numel }: Tensor): Tensor {
  return Object.assign(tensor, { sizes, strides, offset, numel })
}

const inPlace = (run: Implementation): Implementation => (m, tensor: Tensor, ...args) => become(tensor, run(m, tensor, ...args) as Tensor)

/** Python's slice of a dimension. */
function sliced(m: Machine, tensor: Tensor, dim: Int, start: Int | null, end: Int | null, step: Int): Tensor {
  if (tensor.dim === 0) throw m.fail('slice() cannot be applied to a 0-dim tensor.')
  const at = wrapDim(m, dim, tensor.dim)
  const size = tensor.sizes[at]!
  if (step <= 0) throw m.fail('slice step must be positive')
  const place = (index: Int): number => Math.min(Math.max(Number(index) < 0 ? Number(index) + size : Number(index), 0), size)
  const first = place(start ?? 0)
  const last = Math.max(place(end ?? size), first)
  return slice(m, tensor, at, first, Math.ceil((last - first) / Number(step)), Number(step))
}

function narrow(m: Machine, tensor: Tensor, dim: Int, start: Int, length: Int): Tensor {
  const at = wrapDim(m, dim, tensor.dim)
  const size = tensor.sizes[at]
  if (size === undefined) throw m.fail('narrow() cannot be applied to a 0-dim tensor.')
  if (length < 0) throw m.fail('narrow(): length must be non-negative.')
  const first = Number(start) < 0 ? Number(start) + size : Number(start)
  if (first < 0 || first + Number(length) > size) throw m.fail(`start (${start}) + length (${length}) exceeds dimension size (${size}).`)
  return slice(m, tensor, at, first, Number(length))
}

function sizeAt(m: Machine, tensor: Tensor, dim: Int): number {
  if (tensor.dim === 0) throw m.fail('dimension specified as 0 but tensor has no dimensions')
  return tensor.sizes[wrapDim(m, dim, tensor.dim)]!
}

/** Parts of `size`, of which the last one may be smaller. */
function split(m: Machine, tensor: Tensor, size: Int, dim: Int): Tensor[] {
  const whole = sizeAt(m, tensor, dim)
  const part = Number(size)
  if (part < 0 || (part === 0 && whole !== 0)) throw m.fail(`split expects split_size be non-negative, but got split_size=${part}`)
  const count = part === 0 ? 1 : Math.max(Math.ceil(whole / part), 1)
  return splitSizes(m, tensor, Array.from({ length: count }, (_, i) => Math.min(part, whole - i * part)), wrapDim(m, dim, tensor.dim))
}

function splitWithSizes(m: Machine, tensor: Tensor, lengths: readonly Int[], dim: Int): Tensor[] {
  const whole = sizeAt(m, tensor, dim)
  if (lengths.reduce<number>((sum, length) => sum + Number(length), 0) !== whole || lengths.some((length) => length < 0)) {
    throw m.fail(`split_with_sizes expects split_sizes to sum exactly to ${whole}, but got split_sizes=${listed(lengths)}`)
  }
  return splitSizes(m, tensor, lengths.map(Number), wrapDim(m, dim, tensor.dim))
}

function chunk(m: Machine, tensor: Tensor, chunks: Int, dim: Int): Tensor[] {
  if (chunks <= 0) throw m.fail(`chunk expects \`chunks\` to be greater than 0, got: ${chunks}`)
  const whole = sizeAt(m, tensor, dim)
  if (whole === 0) return splitWithSizes(m, tensor, Array.from({ length: Number(chunks) }, () => 0), dim)
  return split(m, tensor, Math.ceil(whole / Number(chunks)), dim)
}

function splitAt(m: Machine, tensor: Tensor, indices: readonly Int[], dim: Int): Tensor[] {
  const whole = sizeAt(m, tensor, dim)
  const ends = [...indices, whole]
  return ends.map((end, i) => sliced(m, tensor, dim, i === 0 ? 0 : ends[i - 1]!, end, 1))
}

function sections(m: Machine, tensor: Tensor, count: Int, dim: Int): Tensor[] {
  const parts = Number(count)
  if (parts <= 0) throw m.fail(`number of sections must be larger than 0, got ${parts}`)
  const whole = sizeAt(m, tensor, dim)
  const least = Math.floor(whole / parts)
  return splitSizes(m, tensor, Array.from({ length: parts }, (_, i) => least + (i < whole % parts ? 1 : 0)), wrapDim(m, dim, tensor.dim))
}

/** `hsplit` and its like: the dimension is fixed, sections must be equal. */
function equalSections(m: Machine, tensor: Tensor, count: Int, dim: number): Tensor[] {
  if (sizeAt(m, tensor, dim) % Number(count) !== 0) throw m.fail(`the size of the tensor in dimension ${dim} is not divisible by ${count}`)
  return sections(m, tensor, count, dim)
}

function unbind(m: Machine, tensor: Tensor, dim: Int): Tensor[] {
  const at = wrapDim(m, dim, tensor.dim)
  return Array.from({ length: sizeAt(m, tensor, at) }, (_, i) => select(m, tensor, at, i))
}

function unflatten(m: Machine, tensor: Tensor, dim: Int, sizes: readonly Int[]): Tensor {
  const at = wrapDim(m, dim, tensor.dim)
  return view(m, tensor, replaced(tensor.sizes, at, ...inferSizes(m, sizes, sizeAt(m, tensor, at))))
}

function strided(m: Machine, tensor: Tensor, sizes: readonly Int[], strides: readonly Int[], offset: Int | null): Tensor {
  const result = m.plain(tensor).view(sizes.map(Number), strides.map(Number), offset === null ? tensor.offset : Number(offset))
  const last = result.sizes.reduce((sum, size, dim) => sum + (size - 1) * result.strides[dim]!, result.offset)
  const inside = result.strides.every((stride) => stride >= 0) && result.offset >= 0
    && (last + 1) * DTYPES[result.dtype].bytes <= tensor.storage.byteLength
  if (result.numel > 0 && !inside) throw m.fail(`sizes ${listed(sizes)} and strides ${listed(strides)} are out of bounds of the storage`)
  return result
}

/** For tensors of two dimensions at most. */
function t(m: Machine, tensor: Tensor): Tensor {
  if (tensor.dim > 2) throw m.fail(`t() expects a tensor with <= 2 dimensions, but self is ${tensor.dim}D`)
  return tensor.dim < 2 ? tensor : transpose(m, tensor, 0, 1)
}

function matrixTranspose(m: Machine, tensor: Tensor): Tensor {
  if (tensor.dim === 1) throw m.fail('tensor.mT is only supported on matrices or batches of matrices. Got 1-D tensor.')
  return tensor.dim === 0 ? tensor : transpose(m, tensor, -2, -1)
}

function atLeast(rank: number): Implementation {
  return (m, tensor: Tensor) => {
    let answer = tensor
    if (rank === 1 && tensor.dim === 0) answer = reshape(m, tensor, [1])
    if (rank > 1 && tensor.dim === 0) answer = reshape(m, tensor, Array.from({ length: rank }, () => 1))
    if (rank > 1 && tensor.dim === 1) answer = unsqueeze(m, tensor, 0)
    return rank === 3 && answer.dim === 2 ? unsqueeze(m, answer, -1) : answer
  }
}

/** Of torch.memory_format: contiguous is 0, channels_last 2, channels_last_3d 3. */
function isContiguousIn(tensor: Tensor, format: Int): boolean {
  if (Number(format) < 2) return isContiguous(tensor)
  if (tensor.dim !== Number(format) + 2) return false
  const order = [0, ...tensor.sizes.map((_, dim) => dim).slice(2), 1]
  const inOrder = (list: readonly number[]): number[] => order.map((dim) => list[dim]!)
  return isContiguous({ sizes: inOrder(tensor.sizes), strides: inOrder(tensor.strides), numel: 1 })
}

const same: Implementation = (_m, tensor: Value) => tensor
/** Operators that do the same, their schemas apart by blanks and therefore without blanks of their own. */
function many(schemas: string, run: Implementation): OperatorTable {
  return Object.fromEntries(schemas.split(' ').map((schema) => [`aten::${schema.replaceAll(',', ', ')}`, run]))
}

const shape: Family = {
  name: 'shape',
  operators: {
    ...many('detach(self) detach_(self) alias(self) lift(self) lift_fresh(self) data(self) conj(self) resolve_conj(self) resolve_neg(self)'
      + ' _conj(self) positive(self) real(self) cpu(self) requires_grad_(self,requires_grad=True) pin_memory(self,device=None)'
      + ' Size(sizes)', same),
    'aten::size(self)': (_m, tensor: Tensor) => bigints(tensor.sizes),
    'aten::size.int(self, dim)': (m, tensor: Tensor, dim: Int) => BigInt(sizeAt(m, tensor, dim)),
    'aten::stride(self)': (_m, tensor: Tensor) => bigints(tensor.strides),
    'aten::stride.int(self, dim)': (m, tensor: Tensor, dim: Int) => BigInt(tensor.strides[wrapDim(m, dim, tensor.dim)]!),
    'aten::storage_offset(self)': (_m, tensor: Tensor) => BigInt(tensor.offset),
    'aten::dim(self)': (_m, tensor: Tensor) => BigInt(tensor.dim),
    'aten::numel(self)': (_m, tensor: Tensor) => BigInt(tensor.numel),
    'aten::element_size(self)': (_m, tensor: Tensor) => BigInt(DTYPES[tensor.dtype].bytes),
    'aten::get_device(self)': () => -1n,
    'aten::is_same_size(self, other)': (_m, tensor: Tensor, other: Tensor) => sameSizes(tensor.sizes, other.sizes),
    'aten::is_contiguous(self)': (_m, tensor: Tensor) => isContiguous(tensor),
    'aten::is_contiguous.memory_format(self, memory_format)': (_m, tensor: Tensor, format: Int) => isContiguousIn(tensor, format),
    'aten::len.Tensor(t)': (m, tensor: Tensor) => {
      if (tensor.dim === 0) throw m.fail('len() of a 0-d tensor')
      return BigInt(tensor.sizes[0]!)
    },
    'aten::_shape_as_tensor(self)': (m, tensor: Tensor) => m.tensor('int64', [tensor.dim], bigints(tensor.sizes)),
    'aten::_infer_size(a, b)': (m, a: bigint[], b: bigint[]) => bigints(broadcastSizes(m, [a.map(Number), b.map(Number)])),
    'aten::view(self, size)': view,
    'aten::_unsafe_view(self, size)': view,
    'aten::view_as(self, other)': (m, tensor: Tensor, { sizes }: Tensor) => view(m, tensor, sizes),
    'aten::view.dtype(self, dtype)': (m, tensor: Tensor, dtype: Int) => {
      const name = DTYPE_OF_CODE[Number(dtype)]
      if (!name) throw m.unsupported(`dtype ${dtype}`)
      return viewDtype(m, tensor, name)
    },
    'aten::view_as_real(self)': (m) => { throw m.unsupported('complex numbers') },
    'aten::view_as_complex(self)': (m) => { throw m.unsupported('complex numbers') },
    'aten::reshape(self, shape)': reshape,
    'aten::reshape_as(self, other)': (m, tensor: Tensor, { sizes }: Tensor) => reshape(m, tensor, sizes),
    'aten::_reshape_from_tensor(self, shape)': (m, tensor: Tensor, sizes: Tensor) => reshape(m, tensor, [...integers(m, sizes)]),
    'aten::_reshape_alias(self, size, stride)': (m, tensor: Tensor, sizes: Int[], strides: Int[]) =>
      strided(m, tensor, sizes, strides, null),
    'aten::ravel(self)': (m, tensor: Tensor) => reshape(m, m.contiguous(tensor), [-1]),
    'aten::flatten.using_ints(self, start_dim=0, end_dim=-1)': flatten,
    'aten::unflatten.int(self, dim, sizes)': unflatten,
    'aten::permute(self, dims)': permute,
    ...many('transpose.int(self,dim0,dim1) swapaxes(self,axis0,axis1) swapdims(self,dim0,dim1)', transpose),
    ...many('transpose_(self,dim0,dim1) swapaxes_(self,axis0,axis1) swapdims_(self,dim0,dim1)', inPlace(transpose)),
    'aten::t(self)': t,
    'aten::t_(self)': inPlace(t),
    ...many('numpy_T(self) numpy_T.a(self)', (m, tensor: Tensor) => permute(m, tensor, tensor.sizes.map((_, dim) => tensor.dim - 1 - dim))),
    ...many('mT(self) mT.a(self) mH(self) mH.a(self) matrix_H(self) matrix_H.a(self) adjoint(self)', matrixTranspose),
    ...many('movedim.int(self,source,destination) moveaxis.int(self,source,destination)',
      (m, tensor: Tensor, from: Int, to: Int) => moveDims(m, tensor, [from], [to])),
    ...many('movedim.intlist(self,source,destination) moveaxis.intlist(self,source,destination)', moveDims),
    'aten::squeeze(self)': (m, tensor: Tensor) => squeeze(m, tensor),
    'aten::squeeze.dim(self, dim)': (m, tensor: Tensor, dim: Int) => squeeze(m, tensor, [dim]),
    'aten::squeeze.dims(self, dim)': squeeze,
    'aten::squeeze_(self)': inPlace((m, tensor: Tensor) => squeeze(m, tensor)),
    'aten::squeeze_.dim(self, dim)': inPlace((m, tensor: Tensor, dim: Int) => squeeze(m, tensor, [dim])),
    'aten::squeeze_.dims(self, dim)': inPlace(squeeze),
    'aten::unsqueeze(self, dim)': unsqueeze,
    'aten::unsqueeze_(self, dim)': inPlace(unsqueeze),
    'aten::expand(self, size, implicit=False)': expand,
    'aten::expand_as(self, other)': (m, tensor: Tensor, { sizes }: Tensor) => expand(m, tensor, sizes),
    'aten::broadcast_to(self, size)': expand,
    'aten::broadcast_tensors(tensors)': (m, tensors: Tensor[]) => {
      const sizes = broadcastSizes(m, tensors.map((tensor) => tensor.sizes))
      return tensors.map((tensor) => expand(m, tensor, sizes))
    },
    'aten::select.int(self, dim, index)': select,
    'aten::slice.Tensor(self, dim=0, start=None, end=None, step=1)': sliced,
    'aten::narrow(self, dim, start, length)': narrow,
    'aten::narrow.Tensor(self, dim, start, length)': (m, tensor: Tensor, dim: Int, start: Tensor, length: Int) =>
      narrow(m, tensor, dim, integers(m, start)[0]!, length),
    'aten::narrow_copy(self, dim, start, length)': (m, tensor: Tensor, dim: Int, start: Int, length: Int) =>
      m.copy(narrow(m, tensor, dim, start, length)),
    ...many('split.Tensor(self,split_size,dim=0) unsafe_split.Tensor(self,split_size,dim=0)', split),
    ...many('split(self,split_sizes,dim=0) split.sizes(self,split_size,dim=0) split_with_sizes(self,split_sizes,dim=0)'
      + ' unsafe_split_with_sizes(self,split_sizes,dim=0)', splitWithSizes),
    ...many('chunk(self,chunks,dim=0) unsafe_chunk(self,chunks,dim=0)', chunk),
    'aten::tensor_split.sections(self, sections, dim=0)': sections,
    'aten::tensor_split.indices(self, indices, dim=0)': splitAt,
    'aten::tensor_split.tensor_indices_or_sections(self, where, dim=0)': (m, tensor: Tensor, where: Tensor, dim: Int) => where.dim === 0
      ? sections(m, tensor, integers(m, where)[0]!, dim)
      : splitAt(m, tensor, [...integers(m, where)], dim),
    'aten::hsplit.int(self, sections)': (m, tensor: Tensor, count: Int) => equalSections(m, tensor, count, Math.min(tensor.dim - 1, 1)),
    'aten::vsplit.int(self, sections)': (m, tensor: Tensor, count: Int) => equalSections(m, tensor, count, 0),
    'aten::dsplit.int(self, sections)': (m, tensor: Tensor, count: Int) => equalSections(m, tensor, count, 2),
    'aten::hsplit.array(self, indices)': (m, tensor: Tensor, indices: Int[]) => splitAt(m, tensor, indices, Math.min(tensor.dim - 1, 1)),
    'aten::vsplit.array(self, indices)': (m, tensor: Tensor, indices: Int[]) => splitAt(m, tensor, indices, 0),
    'aten::dsplit.array(self, indices)': (m, tensor: Tensor, indices: Int[]) => splitAt(m, tensor, indices, 2),
    'aten::unbind.int(self, dim=0)': unbind,
    'aten::as_strided(self, size, stride, storage_offset=None)': strided,
    'aten::as_strided_(self, size, stride, storage_offset=None)': inPlace(strided),
    'aten::diagonal(self, offset=0, dim1=0, dim2=1)': diagonal,
    'aten::unfold(self, dimension, size, step)': unfold,
    ...Object.fromEntries([1, 2, 3].flatMap((rank): [string, Implementation][] => [
      [`aten::atleast_${rank}d(self)`, atLeast(rank)],
      [`aten::atleast_${rank}d.Sequence(tensors)`, (m, tensors: Tensor[]) => tensors.map((tensor) => atLeast(rank)(m, tensor) as Tensor)],
    ])),
    'aten::resize_(self, size, memory_format=None)': (m, tensor: Tensor, size: Int[]) => {
      const sizes = size.map(Number)
      if (numelOf(sizes) > tensor.numel) throw m.unsupported('a resize to more elements')
      return become(tensor, m.plain(tensor).view(sizes, contiguous(sizes)))
    },
  },
}

const contiguous = (sizes: readonly number[]): number[] => sizes.map((_, dim) => numelOf(sizes.slice(dim + 1)))

export default shape
