/** Operators of the runtime that have no cases, each with the reason. */
export const UNTESTED: Readonly<Record<string, string>> = {
  'aten::bernoulli_.float': 'random',
  'prim::Print': 'has no result',
}
