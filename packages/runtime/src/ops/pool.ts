import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { type Ints, requireFit, spread } from './nn/arguments.ts'
import { pool, spatialSizes } from './nn/pooling.ts'
import { adaptiveAxis, type PoolAxis, slidingAxis } from './nn/windows.ts'

/** Axes of a pooling with windows of one size. An empty stride is the kernel's size. */
export function slidingAxes(
  m: Machine, input: Tensor, dims: number, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil: boolean, countPadding = true,
): PoolAxis[] {
  const options = {
    kernel: spread(m, kernel, dims, 'kernel_size'),
    padding: spread(m, padding, dims, 'padding'),
    dilation: spread(m, dilation, dims, 'dilation'),
    stride: spread(m, typeof stride !== 'bigint' && stride.length === 0 ? kernel : stride, dims, 'stride'), ceil, countPadding,
  }
  return spatialSizes(m, input, dims).map((size, dim) => slidingAxis(m, size, dim, options))
}

/** Axes of a pooling to a given size. */
export function adaptiveAxes(m: Machine, input: Tensor, dims: number, outputs: Ints): PoolAxis[] {
  const sizes = spread(m, outputs, dims, 'output_size')
  return spatialSizes(m, input, dims).map((size, dim) => adaptiveAxis(m, size, sizes[dim]!))
}

function greatest(dims: number) {
  return (m: Machine, input: Tensor, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil: boolean): Tensor =>
    pool(m, input, slidingAxes(m, input, dims, kernel, stride, padding, dilation, ceil), true)
}

function average(dims: number) {
  return (
    m: Machine, input: Tensor, kernel: Ints, stride: Ints, padding: Ints, ceil: boolean, countPadding: boolean,
    divisor: bigint | null = null,
  ): Tensor => {
    if (divisor === 0n) throw m.fail('divisor must be not zero')
    const axes = slidingAxes(m, input, dims, kernel, stride, padding, 1n, ceil, countPadding)
    const sizes = spread(m, kernel, dims, 'kernel_size')
    requireFit(m, dims < 3 || axes.every(({ size }, dim) => size >= sizes[dim]!), input, sizes)
    return pool(m, input, axes, false, divisor === null ? undefined : Number(divisor))
  }
}

function adaptive(dims: number) {
  return (m: Machine, input: Tensor, outputs: Ints): Tensor => pool(m, input, adaptiveAxes(m, input, dims, outputs), false)
}

const operators: OperatorTable = {
  'aten::max_pool1d(self, kernel_size, stride=[], padding=[0], dilation=[1], ceil_mode=False)': greatest(1),
  'aten::max_pool2d(self, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False)': greatest(2),
  'aten::max_pool3d(self, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False)': greatest(3),
  'aten::avg_pool1d(self, kernel_size, stride=[], padding=[0], ceil_mode=False, count_include_pad=True)': average(1),
  'aten::avg_pool2d(self, kernel_size, stride=[], padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)': average(2),
  'aten::avg_pool3d(self, kernel_size, stride=[], padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)': average(3),
  'aten::adaptive_avg_pool1d(self, output_size)': adaptive(1),
  'aten::adaptive_avg_pool2d(self, output_size)': adaptive(2),
  'aten::_adaptive_avg_pool2d(self, output_size)': adaptive(2),
  'aten::adaptive_avg_pool3d(self, output_size)': adaptive(3),
  'aten::_adaptive_avg_pool3d(self, output_size)': adaptive(3),
}

const family: Family = { name: 'pool', operators }

export default family
