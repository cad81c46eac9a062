import { toIValue, type Node, type Value } from './graph.ts'
import type { FunctionSchema } from './schema.ts'

/**
 * Operators whose result may be (a view of) one of their inputs although their schema does not say so: they return their input when
 * there is nothing to do (aten/src/ATen/native), or a view that autograd takes care of (`unsafe_split`).
 */
const RETURNS_INPUT: ReadonlySet<string> = new Set([
  'dropout', 'feature_dropout', 'alpha_dropout', 'feature_alpha_dropout', 'type_as', 'atleast_1d', 'atleast_2d', 'atleast_3d',
  'sum_to_size', '_cast_Byte', '_cast_Char', '_cast_Double', '_cast_Float', '_cast_Int', '_cast_Long', '_cast_Short', '_cast_Half',
  'einsum', 'chain_matmul', 'cartesian_prod', 'block_diag', 'broadcast_tensors', 'meshgrid', 'unsafe_chunk', 'unsafe_split',
  'unsafe_split_with_sizes', '_unsafe_view', 'data', 'align_as', 'align_tensors', 'to_dense', 'to_sparse', 'to_mkldnn', 'dequantize',
  'pixel_shuffle', 'pixel_unshuffle', 'channel_shuffle', 'native_channel_shuffle', 'linalg_multi_dot', 'combinations', '_pad_circular',
  'unflatten', 'flatten_dense_tensors', 'unflatten_dense_tensors', '_to_cpu', 'to_padded_tensor', 'pin_memory', '_pin_memory',
  'lift', 'tensordot', 'reshape_as', 'view_as', 'to', '_autocast_to_reduced_precision', '_autocast_to_full_precision',
  '_nested_tensor_from_mask', 'conj_physical',
].map((name) => `aten::${name}`).concat('quantized::dropout', 'quantized::relu6'))

/** True when the outputs of `node` must be taken for aliases of all its inputs, whatever the schema says. */
export function mayReturnInput(node: Node): boolean {
  return RETURNS_INPUT.has(node.kind)
}

const NONE: readonly Value[] = []

/** Names of the flag that makes a normalization update its running statistics. */
const TRAINING_FLAGS: ReadonlySet<string> = new Set(['training', 'train', 'use_input_stats', 'is_training', 'bn_training'])

/**
 * Inputs that a node writes to although they carry no `(a!)`: a normalization's running statistics, which are optional,
 * and optional ones cannot be annotated (`AliasDb::analyzeBatchNorm`), and what works in place on request. Not when the flag that asks
 * for it is a constant False.
 */
export function hiddenWrites(node: Node, schema: FunctionSchema): readonly Value[] {
  if (schema.name === 'quantized::relu6') return isSwitchedOff(node, 1) ? NONE : node.inputs.slice(0, 1)
  if (!schema.arguments.some(({ name }) => name === 'running_mean' || name === 'noise')) return NONE
  const statistics = schema.arguments.flatMap(({ name, alias }, i) =>
    (name === 'running_mean' || name === 'running_var') && alias === undefined && node.inputs[i] ? [node.inputs[i]] : [])
  if (statistics.length === 0) return schema.name === 'aten::rrelu_with_noise' && node.inputs[1] ? [node.inputs[1]] : NONE
  return isSwitchedOff(node, schema.arguments.findIndex(({ name }) => TRAINING_FLAGS.has(name))) ? NONE : statistics
}

/** True when input `flag` is a constant False. */
function isSwitchedOff(node: Node, flag: number): boolean {
  const input = node.inputs[flag]
  const value = input && toIValue(input)
  return value?.tag === 'Bool' && !value.value
}
