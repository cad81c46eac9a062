import { BoolType, ComplexType, FloatType, IntType, StringType } from '../ir/types.ts'
import type { Sugared } from './sugared.ts'

/** Names that are there without being defined: the importer's (import_source.cpp) and the language's (ir_emitter.cpp). */
export const GLOBALS: ReadonlyMap<string, Sugared> = new Map<string, Sugared>([
  ['torch', { kind: 'namespace', namespace: 'aten' }],
  ['ops', { kind: 'ops' }],
  ['CONSTANTS', { kind: 'constants' }],
  ['__torch__', { kind: 'qualified', name: '__torch__' }],
  ['annotate', { kind: 'special', form: 'annotate' }],
  ['unchecked_cast', { kind: 'special', form: 'unchecked_cast' }],
  ['uninitialized', { kind: 'special', form: 'uninitialized' }],
  ['getattr', { kind: 'special', form: 'getattr' }],
  ['isinstance', { kind: 'special', form: 'isinstance' }],
  ['print', { kind: 'special', form: 'print' }],
  ['range', { kind: 'special', form: 'range' }],
  ['fork', { kind: 'special', form: 'fork' }],
  ['int', { kind: 'cast', symbol: 'aten::Int', to: IntType, method: '__int__' }],
  ['float', { kind: 'cast', symbol: 'aten::Float', to: FloatType, method: '__float__' }],
  ['complex', { kind: 'cast', symbol: 'aten::Complex', to: ComplexType, method: '__complex__' }],
  ['bool', { kind: 'cast', symbol: 'aten::Bool', to: BoolType, method: '__bool__' }],
  ['str', { kind: 'cast', symbol: 'aten::str', to: StringType, method: '__str__' }],
  ...['len', 'sorted', 'round', 'hex', 'oct', 'bin', 'ord', 'chr', 'hash', 'divmod', 'pow', 'all', 'any', 'sum']
    .map((name): [string, Sugared] => [name, { kind: 'operator', symbol: `aten::${name}` }]),
  ...['min', 'max', 'abs', 'rangelist', 'id']
    .map((name): [string, Sugared] => [name, { kind: 'operator', symbol: `prim::${name}` }]),
])

/** Properties of tensors and devices that are operators (`SimpleValue::attr` in sugared_value.cpp). */
export const TENSOR_PROPERTIES: Readonly<Record<string, string>> = {
  dtype: 'prim', device: 'prim', grad: 'prim', data: 'prim', shape: 'prim', is_cuda: 'prim', is_cpu: 'prim', is_xpu: 'prim',
  is_sparse: 'prim', is_sparse_csr: 'prim', is_mkldnn: 'prim', is_mps: 'prim', is_quantized: 'prim', is_vulkan: 'prim', is_ipu: 'prim',
  is_meta: 'prim', is_leaf: 'aten', is_nested: 'prim', requires_grad: 'prim', layout: 'prim', T: 'prim', H: 'prim', mT: 'aten', mH: 'aten',
  is_ort: 'prim', ndim: 'prim', name: 'prim', real: 'aten', imag: 'aten', retains_grad: 'aten', itemsize: 'prim', nbytes: 'prim',
}

export const DEVICE_PROPERTIES: Readonly<Record<string, string>> = { type: 'prim', index: 'prim' }

/** Operators that are another one under a second name; PyTorch replaces them while loading (passes/normalize_ops.cpp). */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['absolute', 'abs'], ['clip', 'clamp'], ['det', 'linalg_det'], ['matrix_power', 'linalg_matrix_power'], ['matrix_exp', 'linalg_matrix_exp'],
  ['ger', 'outer'], ['arccos', 'acos'], ['arcsin', 'asin'], ['arctan', 'atan'], ['arctan2', 'atan2'], ['arccosh', 'acosh'], ['arcsinh', 'asinh'],
  ['arctanh', 'atanh'], ['fix', 'trunc'], ['negative', 'neg'], ['subtract', 'sub'], ['greater_equal', 'ge'], ['greater', 'gt'],
  ['less_equal', 'le'], ['less', 'lt'], ['not_equal', 'ne'], ['divide', 'div'], ['multiply', 'mul'], ['linalg_matmul', 'matmul'],
  ['inverse', 'linalg_inv'], ['true_divide', 'div'], ['concat', 'cat'], ['concatenate', 'cat'], ['row_stack', 'vstack'],
  ['swapdims', 'transpose'], ['swapaxes', 'transpose'], ['moveaxis', 'movedim'], ['special_erf', 'erf'], ['special_erfc', 'erfc'],
  ['special_erfinv', 'erfinv'], ['special_expit', 'sigmoid'], ['special_exp2', 'exp2'], ['special_expm1', 'expm1'],
  ['special_logit', 'logit'], ['special_logsumexp', 'logsumexp'], ['special_round', 'round'], ['special_log1p', 'log1p'],
  ['special_sinc', 'sinc'], ['special_digamma', 'digamma'], ['special_psi', 'digamma'], ['special_i0', 'i0'], ['special_xlogy', 'xlogy'],
  ['special_log_softmax', 'log_softmax'], ['special_softmax', 'softmax'], ['orgqr', 'linalg_householder_product'],
  ['special_multigammaln', 'mvlgamma'], ['special_polygamma', 'polygamma'], ['special_gammainc', 'igamma'], ['special_gammaincc', 'igammac'],
  ['special_gammaln', 'lgamma'], ['adjoint', 'mH'],
])

/** Aliases that also exist as in-place operators under the same pair of names with `_`. */
const IN_PLACE: ReadonlySet<string> = new Set([
  'absolute', 'clip', 'arccos', 'arcsin', 'arctan', 'arctan2', 'arccosh', 'arcsinh', 'arctanh', 'fix', 'negative', 'subtract',
  'greater_equal', 'greater', 'less_equal', 'less', 'not_equal', 'divide', 'multiply', 'true_divide', 'swapdims', 'swapaxes',
])

/** The name an operator is known by, `aten::div` for `aten::divide`; itself when it is no alias. */
export function canonicalSymbol(symbol: string): string {
  if (!symbol.startsWith('aten::')) return symbol
  const name = symbol.slice('aten::'.length)
  const inPlace = name.endsWith('_') && !name.endsWith('__')
  const base = inPlace ? name.slice(0, -1) : name
  const target = ALIASES.get(base)
  if (target === undefined || (inPlace && !IN_PLACE.has(base))) return symbol
  return inPlace ? `aten::${target}_` : `aten::${target}`
}
