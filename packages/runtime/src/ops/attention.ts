import { dense } from '../kernels/dense.ts'
import { mathKernels, normKernels, softmaxKernels } from '../kernels/vector.ts'
import type { Machine } from '../machine.ts'
import type { Family, OperatorTable } from '../operator.ts'
import { contiguousStrides, numelOf, sameSizes, type Tensor } from '../tensor.ts'
import { type Results, results } from '../values.ts'
import { linear } from './matmul.ts'
import { requireFit } from './nn/arguments.ts'
import { additive, attend, causalMask, repeatHeads } from './nn/attending.ts'
import { NestedTensor } from './nn/nested.ts'
import { normalizeRows } from './nn/normalization.ts'
import { fromNumbers, toNumbers } from './nn/numbers.ts'
import { type Operation, pointwise } from './pointwise.ts'
import { erf } from './special.ts'

type Optional = Tensor | null

const ADD: Operation = { each: (a: number, b: number) => a + b, kernel: 'add', parameters: [1, -Infinity] }
const RELU: Operation = { each: (x: number) => x < 0 ? 0 : x, kernel: 'clamp', parameters: [0, Infinity] }
const GELU: Operation = { each: (x: number) => x * 0.5 * (1 + erf(x * Math.SQRT1_2)), kernel: 'gelu' }

/** Scaled dot products; as in PyTorch, dropout does not know of training. */
function dotProduct(
  m: Machine, query: Tensor, key: Tensor, value: Tensor, mask: Optional, dropout: number, causal: boolean, scale: number | null = null,
  grouped = false,
): { output: Tensor; weights: Tensor } {
  if (dropout > 0) throw m.unsupported('attention with dropout')
  if (mask && causal) throw m.fail('Explicit attn_mask should not be set when is_causal=True')
  const factor = scale ?? 1 / Math.sqrt(query.sizes.at(-1)!)
  const heads = query.sizes.at(-3)!
  const [keys, values] = grouped ? [repeatHeads(m, key, heads), repeatHeads(m, value, heads)] : [key, value]
  const added = mask?.dtype === 'bool' ? additive(m, mask, true, query.dtype) : mask
  return attend(m, query, keys, values, factor, causal ? causalMask(m, query.sizes.at(-2)!, key.sizes.at(-2)!, query.dtype) : added)
}

/** Some rows of a matrix, or of a vector. */
function rows(tensor: Tensor, begin: number, count: number): Tensor {
  return tensor.view([count, ...tensor.sizes.slice(1)], tensor.strides, tensor.offset + begin * tensor.strides[0]!)
}

/** Kinds of masks: of `[steps, steps]`, of each sequence's keys, of everything. */
const STEPS = 0
const KEYS = 1

/** A mask of True for what is not seen, as one that is added to `[batch, heads, steps, steps]`. */
function visible(m: Machine, mask: Tensor, kind: bigint | null, batch: number, steps: number): Tensor {
  const seen = additive(m, mask, false, 'float32')
  if (mask.dim !== 2) return seen
  const sizes = Number(kind ?? KEYS) === STEPS ? [steps, steps] : [batch, steps]
  requireFit(m, sameSizes(mask.sizes, sizes), mask, sizes)
  return Number(kind ?? KEYS) === STEPS ? seen : seen.view([batch, 1, 1, steps], [steps, steps, steps, 1])
}

/** What hides the ends of sequences that are shorter than the longest. */
function lengthMask(m: Machine, { sizes, lengths }: NestedTensor): Tensor {
  const [batch, steps] = sizes as [number, number]
  const values = Float64Array.from({ length: batch * steps }, (_, i) => i % steps < lengths[Math.floor(i / steps)]! ? 0 : -Infinity)
  return fromNumbers(m, 'float32', [batch, 1, 1, steps], values)
}

/** Self-attention or attention of one sequence to another, with the projections of inputs and outputs: `[batch, steps, width]`. */
function multiHead(
  m: Machine, query: Tensor, key: Tensor, value: Tensor, embedding: bigint, headCount: bigint, weight: Tensor, bias: Tensor,
  outWeight: Tensor, outBias: Tensor,
  mask: Optional, kind: bigint | null,
): { output: Tensor; weights: Tensor } {
  const [width, heads] = [Number(embedding), Number(headCount)]
  const [batch, steps] = query.sizes as [number, number]
  for (const each of [query, key, value]) requireFit(m, sameSizes(each.sizes, [batch, steps, width]), each, [batch, steps, width])
  requireFit(m, sameSizes(weight.sizes, [3 * width, width]), weight, [3 * width, width])
  requireFit(m, sameSizes(bias.sizes, [3 * width]), bias, [3 * width])
  if (width % heads !== 0) throw m.fail('`embed_dim` must divide evenly by `num_heads`')
  const size = width / heads
  // One product for all three where they come from the same sequence; heads are views into it.
  const shared = query === key && key === value
  const projected = shared
    ? [linear(m, query, weight, bias)]
    : [query, key, value].map((each, i) => linear(m, each, rows(weight, i * width, width), rows(bias, i * width, width)))
  const row = shared ? 3 * width : width
  const headsOf = (i: number): Tensor =>
    (projected[i] ?? projected[0]!).view([batch, heads, steps, size], [steps * row, size, row, 1], shared ? i * width : 0)
  const hidden = query instanceof NestedTensor ? lengthMask(m, query) : mask && visible(m, mask, kind, batch, steps)
  const { output, weights } = attend(m, headsOf(0), headsOf(1), headsOf(2), 1 / Math.sqrt(size), hidden)
  const joined = m.contiguous(output.view([batch, steps, heads, size], [heads * steps * size, size, steps * size, 1]))
  return { output: linear(m, joined.view([batch, steps, width], contiguousStrides([batch, steps, width])), outWeight, outBias), weights }
}

/** Mean over the heads of `[batch, heads, …]`. */
function averageHeads(m: Machine, weights: Tensor): Tensor {
  const [batch, heads, ...rest] = weights.sizes as [number, number, ...number[]]
  const values = toNumbers(m, weights)
  const each = numelOf(rest)
  const result = new Float64Array(batch * each)
  for (let i = 0; i < values.length; i++) result[Math.floor(i / (each * heads)) * each + i % each]! += values[i]! / heads
  return fromNumbers(m, weights.dtype, [batch, ...rest], result)
}

function nativeMultiHead(
  m: Machine, query: Tensor, key: Tensor, value: Tensor, embedding: bigint, heads: bigint, weight: Tensor, bias: Tensor,
  outWeight: Tensor, outBias: Tensor,
  mask: Optional, needWeights: boolean, average: boolean, kind: bigint | null,
): Results {
  const { output, weights } = multiHead(m, query, key, value, embedding, heads, weight, bias, outWeight, outBias, mask, kind)
  const result = query instanceof NestedTensor ? new NestedTensor(output, query.lengths) : output
  if (!needWeights) return results(result, null)
  return results(result, average ? averageHeads(m, weights) : weights)
}

/** A layer of a transformer's encoder in evaluation mode, its normalizations before or after. */
function encoderLayer(
  m: Machine, source: Tensor, width: bigint, heads: bigint, weight: Tensor, bias: Tensor, outWeight: Tensor, outBias: Tensor,
  gelu: boolean, first: boolean,
  epsilon: number, scale1: Tensor, shift1: Tensor, scale2: Tensor, shift2: Tensor, inWeight: Tensor, inBias: Tensor, backWeight: Tensor,
  backBias: Tensor,
  mask: Optional, kind: bigint | null,
): Tensor {
  const nest = (x: Tensor): Tensor => source instanceof NestedTensor ? new NestedTensor(x, source.lengths) : x
  const norm = (x: Tensor, scale: Tensor, shift: Tensor): Tensor => normalizeRows(m, x, [width], scale, shift, epsilon, true).result
  const input = nest(first ? norm(source, scale1, shift1) : source)
  const { output } = multiHead(m, input, input, input, width, heads, weight, bias, outWeight, outBias, mask, kind)
  const sum = pointwise(m, ADD, [output, source])
  const attended = first ? sum : norm(sum, scale1, shift1)
  const inner = linear(m, first ? norm(attended, scale2, shift2) : attended, inWeight, inBias)
  const fed = linear(m, pointwise(m, gelu ? GELU : RELU, [inner]), backWeight, backBias)
  const result = pointwise(m, ADD, [fed, attended])
  return nest(first ? result : norm(result, scale2, shift2))
}

function withWeights(
  m: Machine, query: Tensor, key: Tensor, value: Tensor, mask: Optional, dropout: number, _: boolean, causal: boolean,
): Results {
  const { output, weights } = dotProduct(m, query, key, value, mask, dropout, causal)
  return results(output, weights)
}

const operators: OperatorTable = {
  'aten::scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0., is_causal=False, scale=None, enable_gqa=False)':
    (m, query: Tensor, key: Tensor, value: Tensor, mask: Optional, dropout: number, causal: boolean, scale: number | null, grouped: boolean) =>
      dotProduct(m, query, key, value, mask, dropout, causal, scale, grouped).output,
  'aten::_scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0., need_attn_weights=False, is_causal=False)': withWeights,
  'aten::_native_multi_head_attention(query, key, value, embed_dim, num_head, qkv_weight, qkv_bias, proj_weight, proj_bias, mask=None, need_weights=True, average_attn_weights=True, mask_type=None)':
    nativeMultiHead,
  'aten::_transformer_encoder_layer_fwd(src, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight, proj_bias, use_gelu, norm_first, eps, norm_weight_1, norm_bias_1, norm_weight_2, norm_bias_2, ffn_weight_1, ffn_bias_1, ffn_weight_2, ffn_bias_2, mask=None, mask_type=None)':
    encoderLayer,
}

const family: Family = { name: 'attention', kernels: [dense, mathKernels, normKernels, softmaxKernels], operators }

export default family
