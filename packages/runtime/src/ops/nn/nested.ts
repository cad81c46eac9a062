import { contiguousStrides, Tensor } from '../../tensor.ts'

/**
 * A nested tensor of sequences of different lengths: kept padded as `[sequences, longest, values]`, contiguous. What lies after a
 * sequence's end is not defined.
 */
export class NestedTensor extends Tensor {
  readonly lengths: readonly number[]

  constructor({ storage, dtype, sizes, offset }: Tensor, lengths: readonly number[]) {
    super(storage, dtype, sizes, contiguousStrides(sizes), offset)
    this.lengths = lengths
  }
}
