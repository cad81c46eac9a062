import { RuntimeError } from '../errors.ts'
import type { Machine } from '../machine.ts'
import type { Family, Implementation } from '../operator.ts'
import { DTYPES, type Tensor } from '../tensor.ts'
import { Device, results, type Scalar, ScriptObject, Tuple, type Value } from '../values.ts'
import { formatValue } from './format.ts'

const CPU = new Device('cpu')

const itself: Implementation = (_m, value: Value) => value
const no: Implementation = () => false

/** Kinds of tensors that there are none of here. */
const KINDS = ['cuda', 'xpu', 'ipu', 'mps', 'ort', 'vulkan', 'meta', 'mkldnn', 'sparse', 'sparse_csr', 'quantized']

/** Python's `is`: objects by identity, all others by value. */
const same: Implementation = (_m, a: Value, b: Value) => a === b

function attribute({ names, slots }: ScriptObject, name: string, m: Machine): Value {
  const at = names.indexOf(name)
  if (at < 0) throw m.fail(`the module has no attribute '${name}'`)
  return slots[at]!
}

/**
 * Operators of the interpreter itself; files before bytecode 8 have some of today's instructions as operators
 * (torch/csrc/jit/mobile/promoted_prim_ops.cpp).
 */
const prim: Family = {
  name: 'prim',
  operators: {
    'prim::TupleUnpack(tup)': (_m, tuple: Tuple) => results(...tuple.items),
    'prim::TupleIndex(tup, i)': (m, { items }: Tuple, index: bigint) => {
      const item = items[Number(index) < 0 ? Number(index) + items.length : Number(index)]
      if (item === undefined) throw m.fail('Tuple list index out of range')
      return item
    },
    'prim::unchecked_cast(x)': itself,
    'prim::unchecked_unwrap_optional(optional)': itself,
    'aten::_unwrap_optional(optional)': (m, value: Value) => {
      if (value === null) throw m.fail('Unwrapping null optional')
      return value
    },
    'prim::Uninitialized()': () => null,
    'prim::IfThenElse(cond, x, y)': (_m, condition: boolean, x: Value, y: Value) => condition ? x : y,
    'prim::RaiseException(msg, cls=None)': (_m, message: string) => { throw new RuntimeError('MODEL_ERROR', message) },
    'prim::Print(...)': (m, ...values: Value[]) => { m.say(values.map((value) => formatValue(m, value)).join(' '), false) },
    'aten::warn(message, stacklevel=2)': (m, message: string) => { m.say(message, true) },
    'aten::__is__(self, obj)': same,
    'aten::__isnot__(self, obj)': (_m, a: Value, b: Value) => a !== b,
    'prim::NumToTensor.Scalar(a)': (m, value: Scalar) =>
      typeof value === 'number' ? m.tensor('float64', [], [value]) : m.tensor('int64', [], [BigInt(value)]),
    'prim::NumToTensor.bool(a)': (m, value: boolean) => m.tensor('bool', [], [Number(value)]),
    'prim::dtype(a)': (_m, { dtype }: Tensor) => BigInt(DTYPES[dtype].code),
    'prim::device(a)': () => CPU,
    // torch.strided.
    'prim::layout(a)': () => 0n,
    'prim::data(a)': itself,
    'prim::requires_grad(a)': no,
    'prim::grad(a)': () => null,
    'prim::name(a)': () => null,
    'prim::is_cpu(a)': () => true,
    ...Object.fromEntries(KINDS.map((kind) => [`prim::is_${kind}(a)`, no])),
    'prim::type(self)': (_m, { type }: Device) => type.split(':')[0]!,
    'prim::index(self)': (_m, { type }: Device) => {
      const [, index] = type.split(':')
      return index === undefined ? null : BigInt(index)
    },
    'prim::id(x)': (_m, value: Value) => value === null ? 0n : 1n,
    'prim::ModuleContainerIndex.list(self, ind)': (m, module: ScriptObject, index: bigint) => attribute(module, String(index), m),
    'prim::ModuleContainerIndex.dict(self, ind)': (m, module: ScriptObject, name: string) => attribute(module, name, m),
    'aten::device(a)': (_m, name: string) => new Device(name),
    'aten::eq.device(a, b)': (_m, a: Device, b: Device) => a.type === b.type,
    'aten::ne.device(a, b)': (_m, a: Device, b: Device) => a.type !== b.type,
    'aten::is_scripting()': () => true,
    'aten::_get_tracing_state()': no,
    'aten::has_torch_function(...)': no,
    'aten::is_autocast_enabled()': no,
    'aten::is_autocast_cpu_enabled()': no,
    // Models run as in inference mode.
    'aten::is_grad_enabled()': no,
    'aten::set_grad_enabled(val)': () => undefined,
    'aten::is_vulkan_available()': no,
    'aten::is_leaf(self)': () => true,
    'aten::is_inference(self)': no,
    'aten::is_conj(self)': no,
    'aten::is_neg(self)': no,
    'aten::_version(self)': (_m, { storage }: Tensor) => BigInt(storage.version),
  },
}

export default prim
