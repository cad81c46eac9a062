import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import type { Scalar } from '../values.ts'
import { isFloating } from './elements.ts'
import { generate } from './fill.ts'
import { wrapDim } from './fold.ts'
import { pointwise } from './pointwise.ts'
import { norm } from './reduce.ts'
import { dtypeOf } from './promotion.ts'

// What few models have: windows of signals (at::native's TensorFactories.cpp), differences and distances.

/** By the position in a period of 2 pi, of 0 to 1. */
const WINDOWS: Readonly<Record<string, (x: number) => number>> = {
  bartlett: (x) => 1 - Math.abs(2 * x - 1),
  blackman: (x) => 0.42 - 0.5 * Math.cos(2 * Math.PI * x) + 0.08 * Math.cos(4 * Math.PI * x),
  hann: (x) => 0.5 - 0.5 * Math.cos(2 * Math.PI * x),
  hamming: (x) => 0.54 - 0.46 * Math.cos(2 * Math.PI * x),
}

const OPTIONS = 'dtype=None, layout=None, device=None, pin_memory=None'

function windows(): OperatorTable {
  return Object.assign({}, ...Object.entries(WINDOWS).map(([name, at]): OperatorTable => {
    const make = (m: Machine, length: bigint, periodic: boolean, code: bigint | null): Tensor => {
      const dtype = dtypeOf(m, code, 'float32')
      if (!isFloating(dtype)) throw m.fail(`${name}_window expects floating point dtypes, got: ${dtype}`)
      const period = Math.max(Number(length) - Number(!periodic), 1)
      return generate(m, Number(length), dtype, (i) => length === 1n ? 1 : at(i / period))
    }
    return {
      [`aten::${name}_window(window_length, ${OPTIONS})`]: (m, length: bigint, code: bigint | null) => make(m, length, true, code),
      [`aten::${name}_window.periodic(window_length, periodic, ${OPTIONS})`]: make,
    }
  })) as OperatorTable
}

/** Neighbours along a dimension, subtracted n times. */
function difference(m: Machine, self: Tensor, times: bigint, dim: bigint, before: Tensor | null, after: Tensor | null): Tensor {
  if (before || after) throw m.unsupported('diff with prepend or append')
  const at = wrapDim(m, dim, self.dim)
  if (self.dim === 0) throw m.fail('diff expects input to be at least one-dimensional')
  let result = self
  for (let n = 0; n < Number(times); n++) {
    const { sizes, strides, offset } = m.plain(result)
    const fewer = sizes.with(at, Math.max(sizes[at]! - 1, 0))
    const [left, right] = [result.view(fewer, strides), result.view(fewer, strides, offset + strides[at]!)]
    result = pointwise(m, self.dtype === 'bool' ? { each: (a, b) => a !== b } : { each: (a, b) => b - a }, [left, right])
  }
  return result
}

const family: Family = {
  name: 'rare',
  operators: {
    ...windows(),
    'aten::diff(self, n=1, dim=-1, prepend=None, append=None)': difference,
    'aten::dist(self, other, p=2)': (m, self: Tensor, other: Tensor, p: Scalar) =>
      norm(m, pointwise(m, { each: (a, b) => a - b }, [self, other]), p, null, false),
  },
}

export default family
