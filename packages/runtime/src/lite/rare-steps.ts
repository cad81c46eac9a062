import { RuntimeError } from '../errors.ts'
import type { Machine } from '../machine.ts'
import { DTYPES, Tensor } from '../tensor.ts'
import { Device, ScriptObject, Tuple, typeName, type Value } from '../values.ts'
import { pop, type Step, take } from './interpreter.ts'
import { isInstance } from './isinstance.ts'

/** Takes one value and puts its answer there. */
function unary(answer: (value: Value, machine: Machine) => Value): Step {
  return (it) => it.stack.push(answer(pop(it), it.machine))
}

/** Tells of tensors. */
function ofTensor(answer: (tensor: Tensor, machine: Machine) => Value): Step {
  return unary((value, machine) => {
    if (value instanceof Tensor) return answer(value, machine)
    throw machine.fail(`expected a Tensor, got ${typeName(value)}`)
  })
}

function itemAt({ items }: Tuple, index: number, machine: Machine): Value {
  const item = items[index < 0 ? index + items.length : index]
  if (item === undefined) throw machine.fail('Tuple list index out of range')
  return item
}

/** The instructions of the lite interpreter that scripts have and traces of networks have not: loaded for models with any of them. */
export const RARE_STEPS: Readonly<Record<string, Step>> = {
  INTERFACE_CALL: (it, { code }, x, n) => {
    const object = it.stack[it.stack.length - n]
    it.enter(`${object instanceof ScriptObject ? object.className : typeName(object)}.${String(code.constants[x])}`)
  },
  LIST_UNPACK: (it, _, x) => {
    const list = pop(it) as Value[]
    if (list.length !== x) throw it.machine.fail(`Expected ${x} elements in a list but found ${list.length}`)
    it.stack.push(...list)
  },
  NAMED_TUPLE_CONSTRUCT: (it, { code }, x, n) => it.stack.push(new Tuple(take(it, n), fieldsOf(code.types[x]!))),
  TUPLE_SLICE: (it, _, x, n) => it.stack.push(new Tuple((pop(it) as Tuple).items.slice(x, x + n))),
  TUPLE_INDEX: (it) => {
    const index = Number(pop(it))
    it.stack.push(itemAt(pop(it) as Tuple, index, it.machine))
  },
  DICT_CONSTRUCT: (it, _, __, n) => {
    const flat = take(it, n)
    const dict = new Map<Value, Value>()
    for (let i = 0; i < n; i += 2) dict.set(flat[i]!, flat[i + 1]!)
    it.stack.push(dict)
  },
  DICT_INDEX: (it) => {
    const key = pop(it)
    const value = (pop(it) as Map<Value, Value>).get(key)
    if (value === undefined) throw it.machine.fail(`KeyError: ${String(key)}`)
    it.stack.push(value)
  },
  CREATE_OBJECT: (it, { code }, x) => it.stack.push(new ScriptObject(code.types[x]!, [], [])),
  ISINSTANCE: (it, { code }, x, n) => {
    const value = pop(it)
    it.stack.push(code.types.slice(x, x + n).some((type) => isInstance(value, type)))
  },
  WARN: (it) => {
    pop(it)
    it.machine.say(String(pop(it)), true)
  },
  RAISE_EXCEPTION: (it) => {
    pop(it)
    throw new RuntimeError('MODEL_ERROR', String(pop(it)))
  },
  UNCHECKED_CAST: () => undefined,
  UN_INITIALIZED: (it) => it.stack.push(null),
  __IS__: (it) => it.stack.push(pop(it) === pop(it)),
  __ISNOT__: (it) => it.stack.push(pop(it) !== pop(it)),
  __NOT__: unary((value) => value !== true),
  FORMAT: (it, _, x) => it.format(x),
  DEVICE: ofTensor(() => new Device('cpu')),
  DTYPE: ofTensor(({ dtype }) => BigInt(DTYPES[dtype].code)),
  DIM: ofTensor(({ dim }) => BigInt(dim)),
  IS_CUDA: ofTensor(() => false),
  TO_LIST: (it) => {
    pop(it)
    pop(it)
    const { machine } = it
    const tensor = machine.contiguous(pop(it) as Tensor)
    it.stack.push(nested([...machine.elements(tensor)].map((element) => (tensor.dtype === 'bool' ? element !== 0 : tensor.dtype.startsWith('float') ? element : BigInt(element))), tensor.sizes))
  },
  NUM_TO_TENSOR: unary((value, machine) => {
    if (typeof value === 'bigint') return machine.tensor('int64', [], [value])
    return typeof value === 'boolean' ? machine.tensor('bool', [], [Number(value)]) : machine.tensor('float64', [], [value as number])
  }),
}

/** `__torch__.Point[NamedTuple, [[x, Tensor],[y, int]]]` has the fields x and y. */
function fieldsOf(type: string): string[] {
  return [...type.matchAll(/\[(\w+), ?(?=[^[\]])/g)].map(([, name]) => name!).filter((name) => name !== 'NamedTuple')
}

/** Row-major elements as lists in lists. */
function nested(elements: Value[], [size, ...rest]: readonly number[]): Value {
  if (size === undefined) return elements[0]!
  const step = elements.length / Math.max(size, 1)
  return Array.from({ length: size }, (_, i) => nested(elements.slice(i * step, (i + 1) * step), rest))
}
