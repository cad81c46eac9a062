import { contiguousStrides, isContiguous, numel, SCALAR_TYPES, unsqueezed, type ScalarType, type Tensor } from '../../archive/tensor.ts'
import { boolValue, doubleValue, intListValue, intValue, tensorValue, type IValue } from '../../ir/ivalue.ts'
import { isIntegral, literalTensor, readElement, type Scalar } from '../../ir/literal.ts'
import { asIndex, floatToInt, type Evaluator, type Evaluators } from './evaluator.ts'

function ofTensor(evaluate: (tensor: Tensor, rest: readonly IValue[]) => IValue | undefined): Evaluator {
  return ([self, ...rest]) => self?.tag === 'Tensor' ? evaluate(self.value, rest) : undefined
}

/** A view: the same storage seen otherwise. Quantized tensors are left alone, as per-channel ones turn with their axis. */
function view(
  compute: (tensor: Tensor, rest: readonly IValue[]) => Partial<Pick<Tensor, 'sizes' | 'strides' | 'storageOffset'>> | undefined,
): Evaluator {
  return ofTensor((tensor, rest) => {
    if (tensor.quantizer || tensor.requiresGrad) return undefined
    const change = compute(tensor, rest)
    return change && tensorValue({ ...tensor, ...change })
  })
}

/** A dimension, counted from the end when negative; `extra` more are allowed than the tensor has. */
function dimension(value: IValue | undefined, tensor: Tensor, extra = 0): number | undefined {
  const dim = asIndex(value)
  const count = tensor.sizes.length + extra
  if (dim === undefined || dim < -count || dim >= count) return undefined
  return dim < 0 ? dim + count : dim
}

function ints(value: IValue | undefined): number[] | undefined {
  if (value?.tag !== 'List') return undefined
  const numbers = value.elements.map(asIndex)
  return numbers.includes(undefined) ? undefined : numbers as number[]
}

function swapped<T>(items: readonly T[], a: number, b: number): T[] {
  const copy = [...items]
  copy[a] = items[b]!
  copy[b] = items[a]!
  return copy
}

/** The sizes a reshape asks for, with -1 worked out. */
function reshaped(tensor: Tensor, wanted: readonly number[]): { sizes: number[]; strides: number[] } | undefined {
  if (!isContiguous(tensor) || wanted.filter((size) => size === -1).length > 1 || wanted.some((size) => size < -1)) return undefined
  const known = wanted.reduce((product, size) => size === -1 ? product : product * size, 1)
  const total = numel(tensor)
  const missing = known === 0 ? NaN : total / known
  const sizes = wanted.map((size) => size === -1 ? missing : size)
  if (sizes.some((size) => !Number.isInteger(size)) || sizes.reduce((product, size) => product * size, 1) !== total) return undefined
  return { sizes, strides: contiguousStrides(sizes) }
}

const reshape = view((tensor, [size]) => {
  const wanted = ints(size)
  return wanted && reshaped(tensor, wanted)
})

const transpose = view((tensor, [a, b]) => {
  const [from, to] = [dimension(a, tensor), dimension(b, tensor)]
  if (from === undefined || to === undefined) return undefined
  return { sizes: swapped(tensor.sizes, from, to), strides: swapped(tensor.strides, from, to) }
})

function clampIndex(value: IValue | undefined, missing: number, size: number): number | undefined {
  if (value === undefined || value.tag === 'None') return missing
  if (value.tag !== 'Int') return undefined
  const at = Number(value.value)
  return Math.min(Math.max(at < 0 ? at + size : at, 0), size)
}

/** The only element of a tensor in memory. */
function item(tensor: Tensor): Scalar | undefined {
  return numel(tensor) === 1 && !tensor.quantizer && !tensor.requiresGrad ? readElement(tensor) : undefined
}

function scalar(value: Scalar | undefined): IValue | undefined {
  switch (typeof value) {
    case 'bigint': return intValue(value)
    case 'number': return doubleValue(value)
    case 'boolean': return boolValue(value)
    default: return undefined
  }
}

const toScalar = ofTensor((tensor) => scalar(item(tensor)))

/** Element type by its number in C++. */
function scalarTypeOf(code: number): ScalarType | undefined {
  return (Object.keys(SCALAR_TYPES) as ScalarType[]).find((type) => SCALAR_TYPES[type].code === code)
}

/** `torch.tensor(number)` on the CPU; without dtype a float becomes the default dtype, float32. */
const makeTensor: Evaluator = ([data, dtype, device, requiresGrad], node) => {
  if (node.inputs.length !== 4 || requiresGrad?.tag !== 'Bool' || requiresGrad.value) return undefined
  if (device?.tag !== 'None' && !(device?.tag === 'Device' && device.value === 'cpu')) return undefined
  const natural = data?.tag === 'Int' ? 'Long' : data?.tag === 'Double' ? 'Float' : data?.tag === 'Bool' ? 'Bool' : undefined
  const type = dtype?.tag === 'None' ? natural : dtype?.tag === 'Int' ? scalarTypeOf(Number(dtype.value)) : undefined
  if (natural === undefined || type === undefined || data === undefined) return undefined
  // Conversions between kinds are left alone, but for those that keep every value.
  if (type !== natural && !(natural === 'Float' && type === 'Double')) return undefined
  return tensorValue(literalTensor(type, [], [(data as { value: Scalar }).value]))
}

const dtype = ofTensor((tensor) => intValue(SCALAR_TYPES[tensor.scalarType].code))
const FLOATING: ReadonlySet<ScalarType> = new Set(['Half', 'Float', 'Double', 'BFloat16'])

/**
 * What can be told of constant tensors: their shape and type, views of them (the bytes stay where they are), and the numbers of
 * small ones that are in memory. Constants are on the CPU.
 */
export const TENSOR_EVALUATORS: Evaluators = {
  'aten::dim': ofTensor((tensor) => intValue(tensor.sizes.length)),
  'aten::numel': ofTensor((tensor) => intValue(numel(tensor))),
  'aten::size': ofTensor((tensor, [dim]) => {
    if (dim === undefined) return intListValue(tensor.sizes)
    const at = dimension(dim, tensor)
    return at === undefined ? undefined : intValue(tensor.sizes[at]!)
  }),
  'aten::is_floating_point': ofTensor((tensor) => boolValue(FLOATING.has(tensor.scalarType))),
  'aten::is_complex': ofTensor((tensor) => boolValue(tensor.scalarType.startsWith('Complex'))),
  'prim::dtype': dtype,
  'prim::device': ofTensor(() => ({ tag: 'Device', value: 'cpu' })),
  'prim::is_cuda': ofTensor(() => boolValue(false)),
  'prim::layout': ofTensor(() => intValue(0)),
  'prim::requires_grad': ofTensor((tensor) => boolValue(tensor.requiresGrad)),
  'aten::detach': view(() => ({})),
  'aten::alias': view(() => ({})),
  'aten::t': view(({ sizes, strides }) => sizes.length <= 2 ? { sizes: sizes.toReversed(), strides: strides.toReversed() } : undefined),
  'aten::transpose': transpose,
  'aten::permute': view((tensor, [dims]) => {
    const order = ints(dims)?.map((dim) => dim < 0 ? dim + tensor.sizes.length : dim)
    if (order?.length !== tensor.sizes.length || new Set(order).size !== order.length) return undefined
    if (order.some((dim) => dim < 0 || dim >= tensor.sizes.length)) return undefined
    return { sizes: order.map((dim) => tensor.sizes[dim]!), strides: order.map((dim) => tensor.strides[dim]!) }
  }),
  'aten::unsqueeze': view((tensor, [dim]) => {
    const at = dimension(dim, tensor, 1)
    return at === undefined ? undefined : unsqueezed(tensor, at)
  }),
  'aten::squeeze': view((tensor, [dim]) => {
    const at = dimension(dim, tensor)
    if (at === undefined) return undefined
    if (tensor.sizes[at] !== 1) return {}
    return { sizes: tensor.sizes.toSpliced(at, 1), strides: tensor.strides.toSpliced(at, 1) }
  }),
  'aten::view': reshape,
  'aten::reshape': reshape,
  'aten::select': view((tensor, [dim, index]) => {
    const at = dimension(dim, tensor)
    const place = asIndex(index)
    if (at === undefined || place === undefined) return undefined
    const size = tensor.sizes[at]!
    if (place < -size || place >= size) return undefined
    return {
      sizes: tensor.sizes.toSpliced(at, 1), strides: tensor.strides.toSpliced(at, 1),
      storageOffset: tensor.storageOffset + (place < 0 ? place + size : place) * tensor.strides[at]!,
    }
  }),
  'aten::slice': view((tensor, [dim, start, end, step]) => {
    const at = dimension(dim, tensor)
    const by = step === undefined ? 1 : asIndex(step)
    if (at === undefined || by === undefined || by <= 0) return undefined
    const size = tensor.sizes[at]!
    const [from, to] = [clampIndex(start, 0, size), clampIndex(end, size, size)]
    if (from === undefined || to === undefined) return undefined
    return {
      sizes: tensor.sizes.with(at, Math.max(Math.ceil((to - from) / by), 0)), strides: tensor.strides.with(at, tensor.strides[at]! * by),
      storageOffset: tensor.storageOffset + from * tensor.strides[at]!,
    }
  }),
  'aten::expand': view((tensor, [size]) => {
    const wanted = ints(size)
    const added = (wanted?.length ?? -1) - tensor.sizes.length
    if (wanted === undefined || added < 0) return undefined
    const sizes = wanted.map((each, i) => each === -1 && i >= added ? tensor.sizes[i - added]! : each)
    const fits = sizes.every((each, i) => each >= 0 && (i < added || tensor.sizes[i - added] === 1 || tensor.sizes[i - added] === each))
    if (!fits) return undefined
    const strides = sizes.map((each, i) => i < added || (tensor.sizes[i - added] === 1 && each !== 1) ? 0 : tensor.strides[i - added]!)
    return { sizes, strides }
  }),
  'aten::item': toScalar,
  'aten::ScalarImplicit': ofTensor((tensor) => tensor.sizes.length === 0 ? scalar(item(tensor)) : undefined),
  'aten::IntImplicit': ofTensor((tensor) => tensor.sizes.length === 0 && isIntegral(tensor.scalarType) ? scalar(item(tensor)) : undefined),
  'aten::FloatImplicit': ofTensor((tensor) => tensor.sizes.length === 0 && FLOATING.has(tensor.scalarType) ? scalar(item(tensor)) : undefined),
  'aten::Int': ofTensor((tensor) => {
    const value = item(tensor)
    return typeof value === 'number' ? floatToInt(value) : value === undefined ? undefined : intValue(BigInt(value))
  }),
  'aten::Float': ofTensor((tensor) => {
    const value = item(tensor)
    return value === undefined ? undefined : doubleValue(Number(value))
  }),
  'aten::Bool': ofTensor((tensor) => {
    const value = item(tensor)
    return value === undefined ? undefined : boolValue(Boolean(value))
  }),
  'prim::NumToTensor': ([value]) => {
    if (value?.tag === 'Int') return tensorValue(literalTensor('Long', [], [value.value]))
    if (value?.tag === 'Double') return tensorValue(literalTensor('Double', [], [value.value]))
    return value?.tag === 'Bool' ? tensorValue(literalTensor('Bool', [], [value.value])) : undefined
  },
  'aten::tensor': makeTensor,
}
