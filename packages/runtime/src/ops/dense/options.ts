import type { Machine } from '../../machine.ts'
import type { Tensor } from '../../tensor.ts'
import type { ConvolutionOptions } from './geometry.ts'

/** A list of ints. */
export type Ints = readonly bigint[]

/** One number for each spatial dimension; a list of one stands for all. */
function spread(m: Machine, list: Ints, dims: number, what: string): number[] {
  if (list.length !== 1 && list.length !== dims) throw m.fail(`${what} [${list.join(', ')}] does not have ${dims} numbers`)
  return Array.from({ length: dims }, (_, dim) => Number(list[list.length === 1 ? 0 : dim]))
}

/** What a convolution is told, as numbers for each spatial dimension. */
export function optionsOf(
  m: Machine, weight: Tensor, stride: Ints, padding: Ints, dilation: Ints, groups: bigint, transposed = false, outputPadding: Ints = [0n],
): ConvolutionOptions {
  const each = (list: Ints, what: string): number[] => spread(m, list, weight.dim - 2, what)
  return {
    stride: each(stride, 'stride'), padding: each(padding, 'padding'), dilation: each(dilation, 'dilation'),
    groups: Number(groups), transposed, outputPadding: each(outputPadding, 'output_padding'),
  }
}
