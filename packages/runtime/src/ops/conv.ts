import { dense, depthwiseKernels, winogradKernels } from '../kernels/dense.ts'
import type { Machine } from '../machine.ts'
import type { Family } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { PackedObject, Tuple, type Value } from '../values.ts'
import { convolve } from './dense/convolution.ts'
import type { ConvolutionOptions } from './dense/geometry.ts'
import { type Ints, optionsOf } from './dense/options.ts'
import { identity } from './dense/packed.ts'
import { type Convolution, packConvolution } from './dense/packing.ts'
import { slowConvolution } from './dense/slow-convolution.ts'
import { CONV, CONVOLUTION_STATES, TRANSPOSED } from './prepacked.ts'

/** `padding='same'` puts the odd zero at the end, as torch.nn.functional.conv2d does; `'valid'` pads nothing. */
function modeOptions(m: Machine, weight: Tensor, stride: Ints, mode: string, dilation: Ints, groups: bigint): ConvolutionOptions {
  const options = optionsOf(m, weight, stride, [0n], dilation, groups)
  if (mode === 'valid') return options
  if (mode !== 'same') throw m.fail(`padding is 'valid' or 'same', not '${mode}'`)
  if (options.stride.some((each) => each !== 1)) throw m.fail("padding='same' needs a stride of 1")
  const totals = options.dilation.map((each, dim) => each * (weight.sizes[dim + 2]! - 1))
  return { ...options, padding: totals.map((total) => total >> 1), paddingAfter: totals.map((total) => total - (total >> 1)) }
}

/** Packs weights, at the first call with them. */
function packOnce(...args: Parameters<typeof packConvolution>): Convolution {
  const [m, weight, bias, options, low, high] = args
  const make = (): Convolution => packConvolution(...args)
  // Only of biases that stay is the address a name.
  if (bias && bias.storage.born >= 0) return make()
  const { offset, sizes, strides } = weight
  return m.cached(weight, JSON.stringify([options, low, high, offset, sizes, strides, bias && identity(bias)]), make)
}

function run(m: Machine, input: Tensor, weight: Tensor, bias: Tensor | null, options: ConvolutionOptions): Tensor {
  if (input.dtype !== 'float32') return slowConvolution(m, input, weight, bias, options)
  return convolve(m, packOnce(m, weight, bias, options), input)
}

/** Weights that the model itself packs while it runs. */
function packedNow(m: Machine, name: string, state: readonly Value[]): PackedObject {
  const object = new PackedObject(name, new Tuple(state))
  object.prepared = packOnce(m, ...CONVOLUTION_STATES[name]!(m, state))
  return object
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

const GENERAL = 'input, weight, bias, stride, padding, dilation, transposed, output_padding, groups'
const PACKED = 'dilation, groups, output_min=None, output_max=None'

/** Convolutions. */
const conv: Family = {
  name: 'conv',
  kernels: [dense, depthwiseKernels, winogradKernels],
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
    [`prepacked::conv2d_clamp_prepack(W, B, stride, padding, ${PACKED})`]: (m, ...state: Value[]) => packedNow(m, CONV, state),
    [`prepacked::conv2d_transpose_clamp_prepack(W, B, stride, padding, output_padding, ${PACKED})`]: (m, ...state: Value[]) =>
      packedNow(m, TRANSPOSED, state),
  },
}

export default conv
