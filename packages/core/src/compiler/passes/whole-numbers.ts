import type { Use, Value } from '../ir/graph.ts'

/** Operators with the inputs that they take whole numbers or truth values in: indices and masks. */
const WHOLE: Readonly<Record<string, readonly number[]>> = {
  'aten::embedding': [1], 'aten::embedding_bag': [1, 2], 'aten::index_select': [2], 'aten::gather': [2], 'aten::take': [1], 'aten::take_along_dim': [1],
  'aten::scatter': [2], 'aten::scatter_': [2], 'aten::scatter_add': [2], 'aten::scatter_add_': [2], 'aten::index_add': [2], 'aten::index_add_': [2],
  'aten::one_hot': [0], 'aten::bincount': [0], 'aten::masked_fill': [1], 'aten::masked_fill_': [1], 'aten::masked_select': [1], 'aten::masked_scatter': [1],
  'aten::where': [0], 'aten::bitwise_and': [0, 1], 'aten::bitwise_or': [0, 1], 'aten::bitwise_not': [0], 'aten::__and__': [0], 'aten::__or__': [0],
  'aten::_pack_padded_sequence': [1], 'aten::nll_loss': [1],
}

/** Operators that only rearrange their first input. */
const REARRANGING: ReadonlySet<string> = new Set([
  'view', 'reshape', 'flatten', 'slice', 'select', 'narrow', 'transpose', 't', 'permute', 'unsqueeze', 'squeeze', 'expand', 'contiguous', 'clone', 'detach',
  'unbind', 'chunk', 'split', 'flip', 'roll', 'repeat',
].map((name) => `aten::${name}`))

/** True for a tensor that is used where only whole numbers or truth values can be, itself or rearranged. */
export function holdsNoFloats(value: Value): boolean {
  const seen = new Set<Value>()
  const todo = [value]
  for (let each = todo.pop(); each !== undefined; each = todo.pop()) {
    if (seen.has(each)) continue
    seen.add(each)
    for (const use of each.uses) {
      if (isWhole(use)) return true
      const { kind, outputs } = use.user
      if (use.offset === 0 && each.type.kind === 'TensorType' && REARRANGING.has(kind)) todo.push(...outputs)
    }
  }
  return false
}

function isWhole({ user, offset }: Use): boolean {
  if (WHOLE[user.kind]?.includes(offset)) return true
  // Indices of `x[i]` come in a list.
  return user.kind === 'prim::ListConstruct' && [...user.output.uses].some((use) => use.offset === 1 && (use.user.kind === 'aten::index' || use.user.kind === 'aten::index_put_'))
}
