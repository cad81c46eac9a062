import { unsqueezed, type ScalarType, type Tensor } from '../archive/tensor.ts'
import type { ClassType } from '../ir/class-type.ts'
import { intListValue, intValue, tensorValue, type CustomObjectValue, type IValue, type ListValue } from '../ir/ivalue.ts'
import { literalTensor } from '../ir/literal.ts'
import { FloatType, IntType, listOf, optionalOf, StringType, TensorType, type Type } from '../ir/types.ts'
import { PACKED, packedProblem } from './check-packed.ts'

/**
 * What quantized weights look like in files: the plain weight beside the settings; each runtime packs it for itself when it loads it
 * (aten/src/ATen/native/quantized/cpu/conv_serialization.h and fbgemm_utils.cpp, version "2" of the convolutions).
 */
export type Prepack = (args: readonly IValue[], classes: (name: string) => ClassType) => CustomObjectValue

/** Operators that make packed weights. */
export const PREPACKS: ReadonlyMap<string, Prepack> = new Map<string, Prepack>([
  ['quantized::linear_prepack', linear],
  ['quantized::linear_prepack_fp16', halfLinear],
  ['quantized::embedding_bag_prepack', embedding],
  ['quantized::conv_prepack', convolution(2)],
  ['quantized::conv1d_prepack', convolution(1)],
  ['quantized::conv2d_prepack', convolution(2)],
  ['quantized::conv3d_prepack', convolution(3)],
  ['quantized::conv_transpose1d_prepack', convolution(1, true)],
  ['quantized::conv_transpose2d_prepack', convolution(2, true)],
  ['quantized::conv_transpose3d_prepack', convolution(3, true)],
])

function linear([weight, bias]: readonly IValue[], classes: (name: string) => ClassType): CustomObjectValue {
  return custom(classes(PACKED.linear), tuple([weight!, bias!], [TensorType, optionalOf(TensorType)]))
}

/** Weights of 16 bits are saved as float32, by which the runtime tells them (`register_linear_params` in fbgemm_utils.cpp). */
function halfLinear(args: readonly IValue[], classes: (name: string) => ClassType): CustomObjectValue {
  if (args[0]?.tag !== 'Tensor' || args[0].value.scalarType !== 'Float') throw new Error('a weight to be rounded to float16 is not float32')
  return linear(args, classes)
}

/** Bits of a row's element. */
const BIT_RATES: Partial<Record<ScalarType, number>> = { QUInt8: 8, QUInt4x2: 4, QUInt2x4: 2 }

/** Version, weight, no doubles, bits (`register_embedding_params` in fbgemm_utils.cpp). */
function embedding([weight]: readonly IValue[], classes: (name: string) => ClassType): CustomObjectValue {
  const bits = weight?.tag === 'Tensor' ? BIT_RATES[weight.value.scalarType] : undefined
  if (weight === undefined || bits === undefined) throw new Error('the weight of an embedding has no known number of bits')
  const lists: readonly ListValue[] = [
    { tag: 'List', elementType: TensorType, elements: [weight] }, { tag: 'List', elementType: FloatType, elements: [] }, intListValue([bits]),
  ]
  return custom(classes(PACKED.embedding), tuple([intValue(1), ...lists], [IntType, ...lists.map(({ elementType }) => listOf(elementType))]))
}

function convolution(dimensions: 1 | 2 | 3, transposed = false): Prepack {
  // One dimension is two, the first of which does nothing.
  const spatial = dimensions === 1 ? 2 : dimensions
  return (args, classes) => {
    const [weight, bias, stride, padding] = args
    const [outputPadding, dilation, groups] = transposed ? [args[4]!, args[5]!, args[6]!] : [undefined, args[4]!, args[5]!]
    const pair = (value: IValue, base: number): number[] => {
      const values = ints(value)
      // Up to PyTorch 1.9, settings of one dimension were saved as they are kept: with the other before them (MakeArgForConv1d in QuantUtils.h).
      const full = dimensions === 1 && values.length <= 2 ? [base, ...values.slice(-1)] : values
      if (full.length !== spatial) throw new Error(`a convolution of ${dimensions} dimensions has ${values.length} settings`)
      return full
    }
    const settings = [
      spatial, ...pair(stride!, 1), ...pair(padding!, 0), ...pair(dilation, 1),
      ...(outputPadding ? pair(outputPadding, 0) : Array.from({ length: spatial }, () => 0)), int(groups), transposed ? 1 : 0,
    ]
    if (weight?.tag !== 'Tensor') throw new Error('the weight of a convolution is no tensor')
    const plain = dimensions === 1 ? imageWeight(weight.value) : weight.value
    const tensors: ListValue = { tag: 'List', elementType: TensorType, elements: [tensorValue(shorts(settings)), tensorValue(plain)] }
    const optional: ListValue = { tag: 'List', elementType: optionalOf(TensorType), elements: [bias!] }
    const state = tuple([{ tag: 'String', value: '2' }, tensors, optional], [StringType, listOf(TensorType), listOf(optionalOf(TensorType))])
    return custom(classes(spatial === 2 ? PACKED.conv2d : PACKED.conv3d), state)
  }
}

function custom(type: ClassType, state: IValue): CustomObjectValue {
  const problem = packedProblem(type.name, state)
  if (problem !== undefined) throw new Error(`weights cannot be packed: ${problem}`)
  return { tag: 'CustomObject', type, state }
}

function tuple(elements: readonly IValue[], types: readonly Type[]): IValue {
  return { tag: 'Tuple', type: { kind: 'TupleType', elements: types }, elements }
}

function int(value: IValue): number {
  if (value.tag !== 'Int') throw new Error(`a setting of packed weights is a ${value.tag}`)
  return Number(value.value)
}

function ints(value: IValue): number[] {
  if (value.tag !== 'List') throw new Error(`a setting of packed weights is a ${value.tag}`)
  return value.elements.map(int)
}

/** `[out, in, k]` as `[out, in, 1, k]`, which it may be already. */
function imageWeight(weight: Tensor): Tensor {
  if (weight.sizes.length === 4 && weight.sizes[2] === 1) return weight
  if (weight.sizes.length !== 3) throw new Error(`a weight for one dimension has ${weight.sizes.length}`)
  return unsqueezed(weight, 2)
}

/** A tensor of 16-bit integers. */
function shorts(values: readonly number[]): Tensor {
  const large = values.find((value) => value < -0x8000 || value > 0x7fff)
  if (large !== undefined) throw new Error(`a setting of packed weights is ${large}`)
  return literalTensor('Short', [values.length], values.map(BigInt))
}
