/** Operators of the runtime that have no cases, each with the reason. */
export const UNTESTED: Readonly<Record<string, string>> = {
  'aten::bernoulli_.float': 'random',
  'prim::Print': 'has no result',
  'aten::is_inference': 'the runtime does nothing but inference',
  'aten::pow.int_to_int': 'PyTorch gives a float where its schema says int',
}
