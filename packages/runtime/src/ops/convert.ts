import type { Machine } from '../machine.ts'
import type { Family, Implementation } from '../operator.ts'
import { contiguousStrides, type Dtype, DTYPES, isContiguous, sameSizes, Tensor } from '../tensor.ts'
import type { Device, Scalar, Value } from '../values.ts'
import { isFloating, item, toInt64 } from './elements.ts'
import { fillWith } from './fill.ts'
import { broadcastSizes, copyTo, emptyAs } from './pointwise.ts'
import { dtypeOf } from './promotion.ts'

// Copies, element types and Python numbers of tensors: at::native's TensorConversions.cpp, Copy.cpp, Fill.cpp; register_prim_ops.cpp.

/** c10::MemoryFormat; 1 keeps the strides. */
const CONTIGUOUS = 0n
const PRESERVE = 1n

/** A tensor whose strides, not its storage alone, are channels-last. */
function restrided(m: Machine, self: Tensor, dtype: Dtype): Tensor {
  if (self.dim !== 4 && self.dim !== 5) throw m.fail(`required rank 4 or 5 tensor to use channels_last format`)
  return m.empty(self.sizes, dtype).view(self.sizes, channelsLastStrides(self.sizes))
}

/** A copy in another type and, when it is named, memory format. */
function converted(m: Machine, self: Tensor, dtype: Dtype, format: bigint | null): Tensor {
  if ((format ?? PRESERVE) === PRESERVE) return copyTo(m, self, emptyAs(m, self, dtype))
  return copyTo(m, self, format === CONTIGUOUS ? m.empty(self.sizes, dtype) : restrided(m, self, dtype))
}

/** The tensor itself where it has the type and the format already. */
function to(m: Machine, self: Tensor, dtype: Dtype, copy: boolean, format: bigint | null = null): Tensor {
  if (self.dtype === dtype && !copy && (format ?? PRESERVE) === PRESERVE) return self
  if (self.dtype === dtype && !copy) return contiguous(m, self, format!)
  return converted(m, self, dtype, format)
}

function contiguous(m: Machine, self: Tensor, format: bigint): Tensor {
  if (format === PRESERVE) throw m.fail('preserve memory format is unsupported by the contiguous operator')
  // How the storage lies does not matter.
  if (format === CONTIGUOUS) return isContiguous(self) ? self : m.contiguous(self)
  const wanted = self.dim === 4 || self.dim === 5 ? channelsLastStrides(self.sizes) : undefined
  const fits = wanted?.every((stride, dim) => self.sizes[dim] === 1 || stride === self.strides[dim])
  return fits ? self : converted(m, self, self.dtype, format)
}

function channelsLastStrides([batch, channels, ...spatial]: readonly number[]): number[] {
  const strides = contiguousStrides([batch!, ...spatial, channels!])
  return [strides[0]!, strides.at(-1)!, ...strides.slice(1, -1)]
}

function copyInto(m: Machine, self: Tensor, source: Tensor): Tensor {
  const sizes = broadcastSizes(m, [self, source])
  if (!sameSizes(sizes, self.sizes)) {
    throw m.fail(`output with shape [${self.sizes.join(', ')}] doesn't match the broadcast shape [${sizes.join(', ')}]`)
  }
  m.writing(self)
  return copyTo(m, source, self)
}

function fill(m: Machine, self: Tensor, value: Scalar | Tensor): Tensor {
  if (value instanceof Tensor && value.dim > 0) {
    throw m.fail(`fill_ only supports 0-dimension value tensor but got tensor with ${value.dim} dimensions.`)
  }
  m.writing(self)
  return fillWith(m, self, value instanceof Tensor ? item(m, value) : value)
}

const filled: Implementation = (m, self: Tensor, value: Scalar | Tensor) => fill(m, emptyAs(m, self), value)

function toInt(m: Machine, self: Tensor): bigint {
  return toInt64(item(m, self))
}

function isNonzero(m: Machine, self: Tensor): boolean {
  if (self.numel !== 1) throw m.fail(`Boolean value of Tensor with ${self.numel === 0 ? 'no values' : 'more than one value'} is ambiguous`)
  return Boolean(item(m, self)) || Number.isNaN(item(m, self))
}

type Code = bigint | null
type Copy = boolean
const withCode = (m: Machine, self: Tensor, code: Code, copy: Copy, format: Code = null): Value =>
  to(m, self, dtypeOf(m, code, self.dtype), copy, format)

const family: Family = {
  name: 'convert',
  operators: {
    'aten::to.dtype(self, dtype, non_blocking=False, copy=False, memory_format=None)': (m, self, code: Code, _, copy: Copy, format: Code) =>
      withCode(m, self, code, copy, format),
    'aten::to.device(self, device, dtype, non_blocking=False, copy=False, memory_format=None)':
      (m, self, _: Device, code: Code, __, copy: Copy, format: Code) => withCode(m, self, code, copy, format),
    'aten::to.other(self, other, non_blocking=False, copy=False, memory_format=None)':
      (m, self, other: Tensor, _, copy: Copy, format: Code) => to(m, self, other.dtype, copy, format),
    'aten::to.dtype_layout(self, dtype=None, layout=None, device=None, pin_memory=None, non_blocking=False, copy=False, memory_format=None)':
      (m, self, code: Code, _, __, ___, ____, copy: Copy, format: Code) => withCode(m, self, code, copy, format),
    'aten::to.prim_dtype(self, dtype=None, non_blocking=False, copy=False)': (m, self, code: Code, _, copy: Copy) =>
      withCode(m, self, code, copy),
    'aten::to.prim_Device(self, device, dtype=None, non_blocking=False, copy=False)': (m, self, _: Device, code: Code, __, copy: Copy) =>
      withCode(m, self, code, copy),
    'aten::to.prim_other(self, non_blocking=False, copy=False)': (m, self: Tensor, _, copy: Copy) => to(m, self, self.dtype, copy),
    'aten::_to_copy(self, dtype=None, layout=None, device=None, pin_memory=None, non_blocking=False, memory_format=None)':
      (m, self: Tensor, code: Code, _, __, ___, ____, format: Code) => converted(m, self, dtypeOf(m, code, self.dtype), format),
    'aten::type_as(self, other)': (m, self, other: Tensor) => to(m, self, other.dtype, false),
    'aten::_cast_Float(self, non_blocking=False)': (m, self) => to(m, self, 'float32', false),
    'aten::_cast_Long(self, non_blocking=False)': (m, self) => to(m, self, 'int64', false),
    'aten::clone(self, memory_format=None)': (m, self: Tensor, format: Code) => converted(m, self, self.dtype, format),
    'aten::lift_fresh_copy(self)': (m, self: Tensor) => converted(m, self, self.dtype, null),
    'aten::detach_copy(self)': (m, self: Tensor) => converted(m, self, self.dtype, null),
    'aten::contiguous(self, memory_format=0)': contiguous,
    'aten::copy_(self, src, non_blocking=False)': copyInto,
    'aten::copy_.Tensor(self, other)': copyInto,
    'aten::copy_.int(self, other)': fill,
    'aten::copy_.float(self, other)': fill,
    'aten::copy(self, src, non_blocking=False)': (m, self: Tensor, source: Tensor) => copyInto(m, emptyAs(m, self), source),
    'aten::fill_.Scalar(self, value)': fill,
    'aten::fill_.Tensor(self, value)': fill,
    'aten::fill.Scalar(self, value)': filled,
    'aten::fill.Tensor(self, value)': filled,
    'aten::zero_(self)': (m, self) => fill(m, self, 0n),
    'aten::zero(self)': (m, self) => fill(m, emptyAs(m, self), 0n),
    'aten::item(self)': item,
    'aten::_local_scalar_dense(self)': item,
    'aten::ScalarImplicit(a)': item,
    'aten::Int.Tensor(a)': toInt,
    'aten::IntImplicit(a)': toInt,
    'aten::Float.Tensor(a)': (m, self) => Number(item(m, self)),
    'aten::FloatImplicit(a)': (m, self) => Number(item(m, self)),
    'aten::Bool.Tensor(a)': isNonzero,
    'aten::is_nonzero(self)': isNonzero,
    'aten::is_floating_point(self)': (_, self: Tensor) => isFloating(self.dtype),
    'aten::is_complex(self)': () => false,
    'aten::is_signed(self)': (_, self: Tensor) => self.dtype !== 'uint8' && DTYPES[self.dtype].kind > 0,
    'aten::conj_physical(self)': (_, self: Tensor) => self,
  },
}

export default family
