import { resizeKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, Implementation, OperatorTable } from '../operator.ts'
import type { Tensor } from '../tensor.ts'
import { requireFit } from './nn/arguments.ts'
import { cubic, cubicAntialiased, linear, linearAntialiased, type Mode, nearest, nearestExact, resize } from './nn/resizing.ts'

type Sizes = readonly bigint[] | null

type Factors = readonly (number | null)[]

function run(m: Machine, mode: Mode, input: Tensor, dims: number, outputs: readonly number[], aligned: boolean, factors: Factors): Tensor {
  requireFit(m, input.dim === dims + 2 && !input.sizes.slice(1).includes(0) && outputs.every((size) => size > 0), input, outputs)
  const inputs = input.sizes.slice(2)
  const round = input.dtype === 'float64' ? (x: number): number => x : Math.fround
  const mixes = outputs.map((size, dim) => mode({ inputs: inputs[dim]!, outputs: size, aligned, factor: factors[dim] ?? null, round }))
  return resize(m, input, mixes)
}

/** `.vec`: either sizes or factors. */
function bySizesOrFactors(mode: Mode, dims: number) {
  return (m: Machine, input: Tensor, sizes: Sizes, aligned: boolean, factors: readonly number[] | null): Tensor => {
    if ((sizes === null) === (factors === null)) throw m.fail('expected exactly one of output_size and scale_factors')
    requireFit(m, (sizes ?? factors!).length === dims, input, sizes ?? factors!)
    const outputs = sizes ? sizes.map(Number) : factors!.map((factor, dim) => Math.trunc((input.sizes[dim + 2] ?? 0) * factor))
    return run(m, mode, input, dims, outputs, aligned, factors ?? [])
  }
}

/** The other overloads: sizes, and the factors that they came from or None. */
function bySizes(mode: Mode, dims: number) {
  return (m: Machine, input: Tensor, sizes: readonly bigint[], aligned: boolean, ...factors: Factors): Tensor => {
    const outputs = Array.from({ length: dims }, (_, dim) => Number(sizes[sizes.length === 1 ? 0 : dim]))
    return run(m, mode, input, dims, outputs, aligned, factors)
  }
}

/** Factors in the schemas, by the number of dimensions. */
const FACTORS = ['scales=None', 'scales_h=None, scales_w=None', 'scales_d=None, scales_h=None, scales_w=None']

/** Both overloads of an operator; only modes that mix know corners. */
function both(name: string, mode: Mode, dims: number, corners: boolean): [string, Implementation][] {
  const [vec, plain] = [bySizesOrFactors(mode, dims), bySizes(mode, dims)]
  const factors = FACTORS[dims - 1]!
  if (corners) {
    return [
      [`aten::${name}.vec(input, output_size, align_corners, scale_factors)`, vec],
      [`aten::${name}(self, output_size, align_corners, ${factors})`, plain],
    ]
  }
  const withoutCorners: Implementation = (m, input: Tensor, sizes: Sizes, scales: readonly number[] | null) =>
    vec(m, input, sizes, false, scales)
  const scaled: Implementation = (m, input: Tensor, sizes: readonly bigint[], ...scales: Factors) =>
    plain(m, input, sizes, false, ...scales)
  return [
    [`aten::${name}.vec(input, output_size, scale_factors)`, withoutCorners],
    [`aten::${name}(self, output_size, ${factors})`, scaled],
  ]
}

const operators: OperatorTable = Object.fromEntries([
  ...[1, 2, 3].flatMap((dims) => both(`upsample_nearest${dims}d`, nearest, dims, false)),
  ...[1, 2, 3].flatMap((dims) => both(`_upsample_nearest_exact${dims}d`, nearestExact, dims, false)),
  ...both('upsample_linear1d', linear, 1, true),
  ...both('upsample_bilinear2d', linear, 2, true),
  ...both('upsample_trilinear3d', linear, 3, true),
  ...both('upsample_bicubic2d', cubic, 2, true),
  ...both('_upsample_bilinear2d_aa', linearAntialiased, 2, true),
  ...both('_upsample_bicubic2d_aa', cubicAntialiased, 2, true),
])

const family: Family = { name: 'resize', kernels: [resizeKernels], operators }

export default family
