import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { type Results, results } from '../values.ts'
import { type Ints, spread } from './nn/arguments.ts'
import { poolSlowly, unpool } from './nn/pooling.ts'
import { adaptiveAxes, slidingAxes } from './pool.ts'

function withIndices(dims: number) {
  return (m: Machine, input: Tensor, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil: boolean): Results => {
    const { values, indices } = poolSlowly(m, input, slidingAxes(m, input, dims, kernel, stride, padding, dilation, ceil), true)
    return results(values, indices)
  }
}

function adaptive(dims: number) {
  return (m: Machine, input: Tensor, outputs: Ints): Results => {
    const { values, indices } = poolSlowly(m, input, adaptiveAxes(m, input, dims, outputs), true)
    return results(values, indices)
  }
}

function unpooled(dims: number) {
  return (m: Machine, input: Tensor, indices: Tensor, outputs: Ints): Tensor =>
    unpool(m, input, indices, spread(m, outputs, dims, 'output_size'))
}

const operators: OperatorTable = {
  'aten::max_pool1d_with_indices(self, kernel_size, stride=[], padding=[0], dilation=[1], ceil_mode=False)': withIndices(1),
  'aten::max_pool2d_with_indices(self, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False)': withIndices(2),
  'aten::max_pool3d_with_indices(self, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False)': withIndices(3),
  'aten::adaptive_max_pool1d(self, output_size)': adaptive(1),
  'aten::adaptive_max_pool2d(self, output_size)': adaptive(2),
  'aten::adaptive_max_pool3d(self, output_size)': adaptive(3),
  'aten::max_unpool2d(self, indices, output_size)': unpooled(2),
  'aten::max_unpool3d(self, indices, output_size, stride, padding)': unpooled(3),
}

const family: Family = { name: 'unpool', operators }

export default family
