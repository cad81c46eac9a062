import { dense, depthwiseKernels, winogradKernels } from '../kernels/dense.ts'
import type { Machine } from '../machine.ts'
import type { Family, KernelSource, Prepare } from '../operator.ts'
import { broken } from '../lite/broken.ts'
import { Tensor } from '../tensor.ts'
import { type PackedObject, type Scalar, Tuple, type Value } from '../values.ts'
import { convolve } from './dense/convolution.ts'
import { type Ints, optionsOf } from './dense/options.ts'
import { multiplyPacked, type PackedMatrix, packMatrix } from './dense/packed.ts'
import { type Convolution, kernelFor, packConvolution } from './dense/packing.ts'

export const CONV = '__torch__.torch.classes.xnnpack.Conv2dOpContext'
export const TRANSPOSED = '__torch__.torch.classes.xnnpack.TransposeConv2dOpContext'
export const LINEAR = '__torch__.torch.classes.xnnpack.LinearOpContext'

type Limit = Scalar | null
type LinearState = readonly [Tensor, Tensor | null, Limit, Limit]
type ConvState = readonly [Tensor, Tensor | null, Ints, Ints, Ints, bigint, Limit, Limit]
type TransposedState = readonly [Tensor, Tensor | null, Ints, Ints, Ints, Ints, bigint, Limit, Limit]

/** Limits of a fused clamp: infinite where there are none. */
const limits = (low: Limit, high: Limit): [low: number, high: number] =>
  [low === null ? -Infinity : Number(low), high === null ? Infinity : Number(high)]

type PackArguments = Parameters<typeof packConvolution> extends [unknown, ...infer Rest] ? Rest : never

type Test = (value: Value | undefined) => boolean

const isMatrix: Test = (value) => value instanceof Tensor && value.sizes.length === 2
const isKernel: Test = (value) => value instanceof Tensor && value.sizes.length > 2
const isInts: Test = (value) => Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'bigint')
const isInt: Test = (value) => typeof value === 'bigint'
const isLimit: Test = (value) => value === null || typeof value === 'number' || typeof value === 'bigint'
const isOptionalTensor: Test = (value) => value === null || value instanceof Tensor

/** What the states of packed objects consist of, by class. */
const STATES: Readonly<Record<string, readonly Test[]>> = {
  [LINEAR]: [isMatrix, isOptionalTensor, isLimit, isLimit],
  [CONV]: [isKernel, isOptionalTensor, isInts, isInts, isInts, isInt, isLimit, isLimit],
  [TRANSPOSED]: [isKernel, isOptionalTensor, isInts, isInts, isInts, isInts, isInt, isLimit, isLimit],
}

/** The state of a packed object as a file has it; throws what tells of a broken model when it is none. */
function stateOf(name: string, state: Value): readonly Value[] {
  const tests = STATES[name]!
  const items = state instanceof Tuple ? state.items : []
  if (items.length === tests.length && tests.every((test, i) => test(items[i]))) return items
  throw broken('bytecode.pkl', `the weights of a '${name}' are not packed as they should be`)
}

/** Arguments of {@link packConvolution} from the state of a packed object, by class. */
export const CONVOLUTION_STATES: Readonly<Record<string, (m: Machine, state: readonly Value[]) => PackArguments>> = {
  [CONV]: (m, state) => {
    const [weight, bias, stride, padding, dilation, groups, low, high] = state as unknown as ConvState
    return [weight, bias, optionsOf(m, weight, stride, padding, dilation, groups), ...limits(low, high)]
  },
  [TRANSPOSED]: (m, state) => {
    const [weight, bias, stride, padding, outputPadding, dilation, groups, low, high] = state as unknown as TransposedState
    return [weight, bias, optionsOf(m, weight, stride, padding, dilation, groups, true, outputPadding), ...limits(low, high)]
  },
}

/** A linear layer's weights `[out, in]`, packed. */
export function packLinear(m: Machine, state: readonly Value[]): PackedMatrix {
  const [weight, bias, low, high] = state as unknown as LinearState
  const { sizes: [rows, columns], strides: [row, column] } = weight as { sizes: readonly number[]; strides: readonly number[] }
  return packMatrix(m, weight.view([columns!, rows!], [column!, row!]), bias, ...limits(low, high))
}

/** Models that have no such convolutions do not load them. */
const KERNELS: Readonly<Record<Convolution['kernel'], readonly KernelSource[]>> = {
  product: [], depthwise: [depthwiseKernels], winograd: [winogradKernels],
}

function prepareConvolution(name: string): Prepare {
  const argumentsOf = (m: Machine, state: Value): PackArguments => CONVOLUTION_STATES[name]!(m, stateOf(name, state))
  return Object.assign((m: Machine, state: Value) => packConvolution(m, ...argumentsOf(m, state)), {
    kernels: (m: Machine, state: Value) => {
      const [weight, , options] = argumentsOf(m, state)
      return KERNELS[kernelFor(weight.sizes, options)]
    },
  })
}

const convolvePacked = (m: Machine, x: Tensor, { prepared }: PackedObject): Tensor => convolve(m, prepared as Convolution, x)

/** What compiled models convolve and multiply with: weights that were packed when the model was loaded. */
const prepacked: Family = {
  name: 'prepacked',
  kernels: [dense],
  operators: {
    'prepacked::conv2d_clamp_run(X, W_prepack)': convolvePacked,
    'prepacked::conv2d_transpose_clamp_run(X, W_prepack)': convolvePacked,
    'prepacked::linear_clamp_run(X, W_prepack)': (m, x: Tensor, { prepared }: PackedObject) => multiplyPacked(m, x, prepared as PackedMatrix),
  },
  prepare: {
    [CONV]: prepareConvolution(CONV),
    [TRANSPOSED]: prepareConvolution(TRANSPOSED),
    [LINEAR]: (m, state) => packLinear(m, stateOf(LINEAR, state)),
  },
}

export default prepacked
