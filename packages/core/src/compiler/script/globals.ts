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

/** As {@link TENSOR_PROPERTIES}, of devices. */
export const DEVICE_PROPERTIES: Readonly<Record<string, string>> = { type: 'prim', index: 'prim' }
