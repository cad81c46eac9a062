/** Operators of the runtime that have no cases, with the reason. */
const REASONS: readonly (readonly [names: RegExp, reason: string])[] = [
  [/^aten::(rand|normal|bernoulli|uniform_|exponential_|random_)/, 'random'],
  [/^aten::(new_)?empty|^aten::resize_$/, 'what is in new memory is not defined'],
  [/^aten::_scaled_dot_product/, 'drops out at random, or differs between releases'],
  [/^prim::(Print|warn)$|^aten::(warn|set_grad_enabled)$/, 'has no result'],
  [/^prim::(TupleUnpack|TupleIndex|Uninitialized|IfThenElse|RaiseException|ModuleContainerIndex\..*|id|grad|name)$/, 'takes what cannot be recorded: tuples, modules, exceptions'],
  [/^prepacked::.*_prepack$/, 'makes a packed object, which the cases of its run operators have'],
  [/^aten::(remove|sort)\.Tensor$|^aten::(as_tensor\.list|len\.any)$/, 'PyTorch takes it from the interpreter alone; lists of other types are tested'],
  [/^aten::(view_as_(real|complex)|_conj)$|^aten::pin_memory$/, 'complex numbers, or memory of another device'],
  [/^prim::Var(Concat|Stack)$/, 'only the interpreter can call it'],
  [/^aten::_nested_tensor_from_mask$/, 'its result is no tensor to others; aten::to_padded_tensor is tested with it'],
  [/^aten::(is_inference|is_leaf|_version|requires_grad_|retains_grad)$|^aten::(has_torch_function|_get_tracing_state|is_vulkan_available)$|^prim::is_/, 'the runtime does nothing but inference, on the CPU'],
  [/^aten::_unsafe_index\.Tensor$/, 'is aten::index.Tensor, which releases since 2 refuse some masks for'],
  [/^aten::copy$/, 'differs between releases in whether it is a view'],
  [/^aten::pow\.int_to_int$/, 'PyTorch gives a float where its schema says int'],
]

/** Why an operator has no cases, or nothing. */
export function untestedReason(name: string): string | undefined {
  return REASONS.find(([names]) => names.test(name))?.[1]
}
