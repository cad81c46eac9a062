import { type ScalarType, SCALAR_TYPES, type Tensor } from '../archive/tensor.ts'
import type { Dtype, InputSpec } from '../example-input.ts'
import { literalTensor, memoryStorage, type Scalar } from '../ir/literal.ts'

/** Tensors up to here are stored number by number: `MAX_RAW_TENSOR_SIZE` of torch/utils/bundled_inputs.py. Larger ones are computed. */
const MAX_STORED_ELEMENTS = 16

const SCALAR_TYPE_OF: Readonly<Record<Dtype, ScalarType>> = {
  float32: 'Float', float64: 'Double', float16: 'Half', bfloat16: 'BFloat16', int64: 'Long', int32: 'Int', int16: 'Short', int8: 'Char',
  uint8: 'Byte', bool: 'Bool', complex64: 'ComplexFloat',
}

export type TensorSpec = Extract<InputSpec, { kind: 'tensor' }>

/** An example tensor: what a model stores for it, and how that becomes the tensor. */
export interface Recipe {
  readonly stored: Tensor
  /** TorchScript for the tensor where `stored` is a stand-in of its type and sizes; absent where it is the tensor itself. */
  readonly expression?: string
}

/**
 * Numbers that look random and are the same on every runtime: the squares of i modulo a prime below 2^24, all in whole numbers, which
 * floats hold exactly. `first` is the i of the first element.
 */
const PRIME = 16_777_213
const SQUARES = 7_368_787
const STEPS = 10_368_889
const UNIT = 2 ** -24

/** The recipe for the `index`-th tensor of all example inputs. Equal arguments give equal numbers. */
export function recipeOf({ dtype, shape, below }: TensorSpec, index: number): Recipe {
  const count = shape.reduce((product, size) => product * size, 1)
  const scalarType = SCALAR_TYPE_OF[dtype]
  const first = 1 + index * STEPS % PRIME
  const bound = boundOf(dtype, below)
  if (count <= MAX_STORED_ELEMENTS && !/^(?:float16|bfloat16|complex64)$/.test(dtype)) {
    return { stored: literalTensor(scalarType, shape, Array.from({ length: count }, (_, i) => elementOf(dtype, bound, first + i))) }
  }
  return { stored: standIn(scalarType, shape), expression: expressionOf(dtype, shape, bound, first, first + count) }
}

/** As the `input` grammar has it: floats below 1, whole numbers 0 and 1, of bytes all. Of floats what a float32 can hold. */
function boundOf(dtype: Dtype, below: number | undefined): number {
  if (isWhole(dtype)) return below ?? (dtype === 'uint8' ? 256 : 2)
  return Math.fround(below ?? 1)
}

const isWhole = (dtype: Dtype): boolean => /int|bool/.test(dtype)

function elementOf(dtype: Dtype, bound: number, i: number): Scalar {
  const [square, step] = [BigInt(i) * BigInt(i) % BigInt(PRIME) * BigInt(SQUARES), BigInt(i) * BigInt(STEPS)]
  const number = Number((square + step) % BigInt(PRIME))
  if (dtype === 'bool') return number % bound === 1
  return isWhole(dtype) ? BigInt(number % bound) : Math.fround(number * UNIT * bound)
}

function expressionOf(dtype: Dtype, shape: readonly number[], bound: number, first: number, end: number): string {
  const i = `torch.arange(${first}, ${end})`
  const numbers = `torch.remainder(torch.add(torch.mul(torch.remainder(torch.mul(${i}, ${i}), ${PRIME}), ${SQUARES}), torch.mul(${i}, ${STEPS})), ${PRIME})`
  const inRange = isWhole(dtype)
    ? `torch.remainder(${numbers}, ${bound})`
    : `torch.mul(torch.mul(torch.to(${numbers}, ${code('float32')}), ${floatLiteral(UNIT)}), ${floatLiteral(bound)})`
  return `torch.reshape(torch.to(${inRange}, ${code(dtype)}), [${shape.join(', ')}])`
}

/** How code names an element type. */
const code = (dtype: Dtype): number => SCALAR_TYPES[SCALAR_TYPE_OF[dtype]].code

function floatLiteral(value: number): string {
  const text = String(value)
  return /[.e]/.test(text) ? text : `${text}.`
}

/** A zero that is seen as a tensor of these sizes: it takes the room of one element. */
function standIn(scalarType: ScalarType, sizes: readonly number[]): Tensor {
  const bytes = new Uint8Array(SCALAR_TYPES[scalarType].bytes)
  return {
    scalarType, sizes, strides: sizes.map(() => 0), storageOffset: 0, requiresGrad: false,
    storage: memoryStorage(`zero:${scalarType}`, scalarType, bytes),
  }
}
