import { dense } from '../kernels/dense.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { PackedObject, Tuple, type Value } from '../values.ts'
import { convolve } from './dense/convolution.ts'
import type { ConvolutionOptions } from './dense/geometry.ts'
import { identity } from './dense/packed.ts'
import { type Convolution, packConvolution } from './dense/packing.ts'
import { slowConvolution } from './dense/slow-convolution.ts'

type Ints = readonly bigint[]
type Limit = bigint | number | null

const CONV = '__torch__.torch.classes.xnnpack.Conv2dOpContext'
const TRANSPOSED = '__torch__.torch.classes.xnnpack.TransposeConv2dOpContext'

/** One number for each spatial dimension; a list of one stands for all. */
function spread(m: Machine, list: Ints, dims: number, what: string): number[] {
  if (list.length !== 1 && list.length !== dims) throw m.fail(`${what} [${list.join(', ')}] does not have ${dims} numbers`)
  return Array.from({ length: dims }, (_, dim) => Number(list[list.length === 1 ? 0 : dim]))
}

function optionsOf(
  m: Machine, weight: Tensor, stride: Ints, padding: Ints, dilation: Ints, groups: bigint, transposed = false, outputPadding: Ints = [0n],
): ConvolutionOptions {
  const each = (list: Ints, what: string): number[] => spread(m, list, weight.dim - 2, what)
  return {
    stride: each(stride, 'stride'), padding: each(padding, 'padding'), dilation: each(dilation, 'dilation'),
    groups: Number(groups), transposed, outputPadding: each(outputPadding, 'output_padding'),
  }
}

/** `padding='same'` puts the odd zero at the end, as torch.nn.functional.conv2d does; `'valid'` pads nothing. */
function modeOptions(m: Machine, weight: Tensor, stride: Ints, mode: string, dilation: Ints, groups: bigint): ConvolutionOptions {
  const options = optionsOf(m, weight, stride, [0n], dilation, groups)
  if (mode === 'valid') return options
  if (mode !== 'same') throw m.fail(`padding is 'valid' or 'same', not '${mode}'`)
  if (options.stride.some((each) => each !== 1)) throw m.fail("padding='same' needs a stride of 1")
  const totals = options.dilation.map((each, dim) => each * (weight.sizes[dim + 2]! - 1))
  return { ...options, padding: totals.map((total) => total >> 1), paddingAfter: totals.map((total) => total - (total >> 1)) }
}

/** Convolves with weights that are packed at the first call. */
function run(
  m: Machine, input: Tensor, weight: Tensor, bias: Tensor | null, options: ConvolutionOptions, low?: number, high?: number,
): Tensor {
  if (input.dtype !== 'float32') return slowConvolution(m, input, weight, bias, options)
  const make = (): Convolution => packConvolution(m, weight, bias, options, low, high)
  // Only of biases that stay is the address a name.
  if (bias && bias.storage.born >= 0) return convolve(m, make(), input)
  const { offset, sizes, strides } = weight
  const key = JSON.stringify([options, low, high, offset, sizes, strides, bias && identity(bias)])
  return convolve(m, m.cached(weight, key, make), input)
}

const plain = (m: Machine, x: Tensor, w: Tensor, b: Tensor | null, stride: Ints, padding: Ints, dilation: Ints, groups: bigint): Tensor =>
  run(m, x, w, b, optionsOf(m, w, stride, padding, dilation, groups))

const mode = (m: Machine, x: Tensor, w: Tensor, b: Tensor | null, stride: Ints, padding: string, dilation: Ints, groups: bigint): Tensor =>
  run(m, x, w, b, modeOptions(m, w, stride, padding, dilation, groups))

/** PyTorch asks here alone for a batch. */
const batchedMode: typeof mode = (m, x, w, ...rest) => {
  if (x.dim !== w.dim) throw m.fail(`expected an input of ${w.dim} dimensions, got ${x.dim}`)
  return mode(m, x, w, ...rest)
}

const transposed = (
  m: Machine, x: Tensor, w: Tensor, b: Tensor | null, stride: Ints, padding: Ints, outputPadding: Ints, groups: bigint, dilation: Ints,
): Tensor => run(m, x, w, b, optionsOf(m, w, stride, padding, dilation, groups, true, outputPadding))

const general = (
  m: Machine, x: Tensor, w: Tensor, b: Tensor | null, stride: Ints, padding: Ints, dilation: Ints,
  isTransposed: boolean, outputPadding: Ints, groups: bigint,
): Tensor => run(m, x, w, b, optionsOf(m, w, stride, padding, dilation, groups, isTransposed, outputPadding))

/** Limits of a fused clamp: infinite where there are none. */
export function limits(low: Limit, high: Limit): [low: number, high: number] {
  return [low === null ? -Infinity : Number(low), high === null ? Infinity : Number(high)]
}

type ConvState = readonly [Tensor, Tensor | null, Ints, Ints, Ints, bigint, Limit, Limit]
type TransposedState = readonly [Tensor, Tensor | null, Ints, Ints, Ints, Ints, bigint, Limit, Limit]

type PackArguments = readonly [Tensor, Tensor | null, ConvolutionOptions, low: number, high: number]

/** Arguments of {@link packConvolution} from the state of a packed object, by class. */
const STATES: Readonly<Record<string, (m: Machine, state: readonly Value[]) => PackArguments>> = {
  [CONV]: (m, state) => {
    const [weight, bias, stride, padding, dilation, groups, low, high] = state as unknown as ConvState
    return [weight, bias, optionsOf(m, weight, stride, padding, dilation, groups), ...limits(low, high)]
  },
  [TRANSPOSED]: (m, state) => {
    const [weight, bias, stride, padding, outputPadding, dilation, groups, low, high] = state as unknown as TransposedState
    return [weight, bias, optionsOf(m, weight, stride, padding, dilation, groups, true, outputPadding), ...limits(low, high)]
  },
}

function argumentsOf(m: Machine, name: string, state: Value): PackArguments {
  return STATES[name]!(m, (state as Tuple).items)
}

/** What loading made of a packed object; of one that the model itself has packed, it is made when it runs. */
function runPacked(m: Machine, input: Tensor, packed: PackedObject, name: string): Tensor {
  return packed.prepared ? convolve(m, packed.prepared as Convolution, input) : run(m, input, ...argumentsOf(m, name, packed.state))
}

const prepare = (name: string) => (m: Machine, state: Value): Convolution => packConvolution(m, ...argumentsOf(m, name, state))

const GENERAL = 'input, weight, bias, stride, padding, dilation, transposed, output_padding, groups'
const PACKED = 'dilation, groups, output_min=None, output_max=None'

/** Convolutions. */
const conv: Family = {
  name: 'conv',
  kernels: [dense],
  operators: {
    // A list of one number stands for all dimensions.
    'aten::conv1d(input, weight, bias=None, stride=[1], padding=[0], dilation=[1], groups=1)': plain,
    'aten::conv2d(input, weight, bias=None, stride=[1], padding=[0], dilation=[1], groups=1)': plain,
    'aten::conv3d(input, weight, bias=None, stride=[1], padding=[0], dilation=[1], groups=1)': plain,
    'aten::conv1d.padding(input, weight, bias=None, stride=[1], padding="valid", dilation=[1], groups=1)': mode,
    'aten::conv2d.padding(input, weight, bias=None, stride=[1], padding="valid", dilation=[1], groups=1)': mode,
    'aten::conv3d.padding(input, weight, bias=None, stride=[1], padding="valid", dilation=[1], groups=1)': mode,
    'aten::_convolution_mode(input, weight, bias, stride, padding, dilation, groups)': batchedMode,
    'aten::conv_transpose1d(input, weight, bias=None, stride=[1], padding=[0], output_padding=[0], groups=1, dilation=[1])': transposed,
    'aten::conv_transpose2d.input(input, weight, bias=None, stride=[1], padding=[0], output_padding=[0], groups=1, dilation=[1])': transposed,
    'aten::conv_transpose3d.input(input, weight, bias=None, stride=[1], padding=[0], output_padding=[0], groups=1, dilation=[1])': transposed,
    [`aten::convolution(${GENERAL})`]: general,
    [`aten::_convolution(${GENERAL}, benchmark, deterministic, cudnn_enabled, allow_tf32)`]: general,
    [`aten::_convolution.deprecated(${GENERAL}, benchmark, deterministic, cudnn_enabled)`]: general,
    [`prepacked::conv2d_clamp_prepack(W, B, stride, padding, ${PACKED})`]: (_, ...state: Value[]) =>
      new PackedObject(CONV, new Tuple(state)),
    'prepacked::conv2d_clamp_run(X, W_prepack)': (m, x: Tensor, packed: PackedObject) => runPacked(m, x, packed, CONV),
    [`prepacked::conv2d_transpose_clamp_prepack(W, B, stride, padding, output_padding, ${PACKED})`]: (_, ...state: Value[]) =>
      new PackedObject(TRANSPOSED, new Tuple(state)),
    'prepacked::conv2d_transpose_clamp_run(X, W_prepack)': (m, x: Tensor, packed: PackedObject) => runPacked(m, x, packed, TRANSPOSED),
  },
  prepare: { [CONV]: prepare(CONV), [TRANSPOSED]: prepare(TRANSPOSED) },
}

export default conv
