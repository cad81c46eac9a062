import type { Engine } from './engine.ts'
import { RuntimeError } from './errors.ts'
import type { ModelPort } from './facts.ts'
import { toHalf } from './half.ts'
import type { Port } from './lite/program.ts'
import { ANY, parseScriptType, type ScriptType } from './script-type.ts'
import { type Dtype, DTYPES, numelOf } from './tensor.ts'
import { DTYPE_OF_ARRAY, type InputPort, shapeOf } from './plain-tensors.ts'
import type { TensorLike } from './tensor-value.ts'
import { Device, Tuple, type Value } from './values.ts'

export type { InputPort } from './plain-tensors.ts'

interface Context {
  readonly engine: Pick<Engine, 'tensor'>
  /** `forward: input "mask"`, and where inside of it. */
  readonly where: string
  readonly known?: ModelPort | undefined
}

type Convert = (given: unknown, type: ScriptType, context: Context) => Value | undefined

/**
 * TorchScript values of what an app passes, by the types that the model declares: tensors of {@link TensorLike}, typed arrays, nested arrays
 * and numbers; int of numbers and bigints; lists and tuples of arrays; dicts of Maps and objects. Throws WRONG_INPUT, naming the input.
 */
export function toValues(engine: Pick<Engine, 'tensor'>, method: string, ports: readonly InputPort[] | undefined, given: readonly unknown[]): Value[] {
  if (!ports) return given.map((each, i) => convert(each, ANY, { engine, where: `${method}: input ${i}` }))
  if (given.length > ports.length) {
    throw new RuntimeError('WRONG_INPUT', `${method} takes ${signature(ports)}, got ${given.length} inputs.`)
  }
  return ports.map((port, i) => {
    const type = parseScriptType(port.type)
    if (given[i] === undefined) {
      if (port.default !== undefined && (port.default !== null || type.name === 'Optional')) return port.default
      throw new RuntimeError('WRONG_INPUT', `${method}: the input "${port.name}", ${describeType(type)}, is missing. It takes ${signature(ports)}.`)
    }
    return convert(given[i], type, { engine, where: `${method}: input "${port.name}"`, known: port.known })
  })
}

/** Arguments by position, of an object that has them by name; undefined when the object is no such thing but an argument itself. */
export function byName(method: string, ports: readonly Port[] | undefined, given: Readonly<Record<string, unknown>>): unknown[] | undefined {
  const names = ports?.map(({ name }) => name) ?? []
  const unknown = Object.keys(given).filter((key) => !names.includes(key))
  if (unknown.length === 0) return names.map((name) => (Object.hasOwn(given, name) ? given[name] : undefined))
  // The only input may be a dict, or a tuple with names.
  if (ports?.length === 1 && ['Dict', 'NamedTuple', 'Any', 'Optional'].includes(parseScriptType(ports[0]!.type).name)) return undefined
  throw new RuntimeError('WRONG_INPUT', `${method} has no input "${unknown[0]}"; it takes ${ports ? signature(ports) : 'inputs without names'}.`)
}

function signature(ports: readonly Port[]): string {
  return ports.length === 0 ? 'no inputs' : ports.map(({ name, type }) => `${name}: ${describeType(parseScriptType(type))}`).join(', ')
}

function describeType({ name, args }: ScriptType): string {
  return args.length === 0 ? name : `${name}[${args.map(describeType).join(', ')}]`
}

function convert(given: unknown, type: ScriptType, context: Context): Value {
  const value = (CONVERT[type.name] ?? other)(given, type, context)
  if (value === undefined) throw wrong(context, describeType(type), describe(given))
  return value
}

function wrong({ where }: Context, expected: string, got: string): RuntimeError {
  return new RuntimeError('WRONG_INPUT', `${where}: expected ${expected}, got ${got}.`)
}

function inside(context: Context, key: unknown): Context {
  return { engine: context.engine, where: `${context.where}[${String(key)}]` }
}

const INT64 = 2n ** 63n

const CONVERT: Readonly<Record<string, Convert>> = {
  Tensor: (given, _, context) => toTensor(given, context),
  int: (given) => {
    if (typeof given === 'bigint') return given >= -INT64 && given < INT64 ? given : undefined
    return Number.isSafeInteger(given) ? BigInt(given as number) : undefined
  },
  float: (given) => (typeof given === 'number' || typeof given === 'bigint' ? Number(given) : undefined),
  number: (given) => (typeof given === 'number' || typeof given === 'bigint' || typeof given === 'boolean' ? given : undefined),
  bool: (given) => (typeof given === 'boolean' ? given : undefined),
  str: (given) => (typeof given === 'string' ? given : undefined),
  NoneType: (given) => (given === null || given === undefined ? null : undefined),
  Device: (given) => (given === 'cpu' ? new Device('cpu') : undefined),
  Optional: (given, { args }, context) => (given === null || given === undefined ? null : convert(given, args[0] ?? ANY, context)),
  List: (given, { args }, context) => {
    if (!isList(given)) return undefined
    return Array.from(given, (each, i) => convert(each, args[0] ?? ANY, inside(context, i)))
  },
  Tuple: (given, { args }, context) => {
    const types = args[0]?.name === '()' ? [] : args
    if (!isList(given) || given.length !== types.length) return undefined
    return new Tuple(types.map((type, i) => convert(given[i], type, inside(context, i))))
  },
  NamedTuple: (given, { fields = [] }, context) => {
    const isRecord = typeof given === 'object' && given !== null && !isList(given)
    if (!isRecord && !(isList(given) && given.length === fields.length)) return undefined
    const items = fields.map(([name, type], i) => convert(isRecord ? (given as Record<string, unknown>)[name] : given[i], type, inside(context, name)))
    return new Tuple(items, fields.map(([name]) => name))
  },
  Dict: (given, { args: [key = ANY, item = ANY] }, context) => {
    if (typeof given !== 'object' || given === null || isList(given)) return undefined
    const entries = given instanceof Map ? [...given] : Object.entries(given)
    return new Map(entries.map(([name, each]) => [convert(name, key, inside(context, name)), convert(each, item, inside(context, name))]))
  },
  Any: (given, _, context) => infer(given, context),
}

/** Unions, and classes: a named tuple whose fields the file does not tell is given as an array of its items. */
const other: Convert = (given, { name }, context) => {
  const value = infer(given, context)
  if (!name.startsWith('__torch__')) return value
  return Array.isArray(value) ? new Tuple(value) : undefined
}

/** Without a type: what the value itself looks like. Numbers are floats, bigints ints. */
function infer(given: unknown, context: Context): Value | undefined {
  if (given === null || ['number', 'bigint', 'boolean', 'string'].includes(typeof given)) return given as Value
  if (isTensorLike(given) || ArrayBuffer.isView(given)) return toTensor(given, context)
  if (Array.isArray(given)) return given.map((each, i) => convert(each, ANY, inside(context, i)))
  return typeof given === 'object' ? CONVERT['Dict']!(given, { name: 'Dict', args: [], fields: undefined }, context) : undefined
}

function isList(given: unknown): given is ArrayLike<unknown> {
  return Array.isArray(given) || (ArrayBuffer.isView(given) && !(given instanceof DataView))
}

function isTensorLike(given: unknown): given is TensorLike {
  const { data, dims } = (given ?? {}) as TensorLike
  return isList(data) && isList(dims)
}

function toTensor(given: unknown, context: Context): Value | undefined {
  if (isTensorLike(given)) {
    const dims = Array.from(given.dims, Number)
    if (!dims.every((size) => Number.isInteger(size) && size >= 0)) throw wrong(context, 'whole sizes as dims', `[${dims.join(', ')}]`)
    if (numelOf(dims) !== given.data.length) {
      throw wrong(context, `${numelOf(dims)} elements for the dims [${dims.join(', ')}]`, `${given.data.length}`)
    }
    if (given.dtype !== undefined && !Object.hasOwn(DTYPES, given.dtype)) throw wrong(context, `a dtype out of ${Object.keys(DTYPES).join(', ')}`, `"${given.dtype}"`)
    return makeTensor(given.data, dims, given.dtype, context)
  }
  if (ArrayBuffer.isView(given) && isList(given)) return makeTensor(given as unknown as TensorLike['data'], shapeOf(given.length, context.known), undefined, context)
  if (Array.isArray(given) || typeof given === 'number' || typeof given === 'bigint' || typeof given === 'boolean') {
    const flat: unknown[] = []
    return makeTensor(flat as number[], flatten(given, flat, context), undefined, context)
  }
  return undefined
}

/** Puts the elements of nested arrays into `flat`; gives the dims. */
function flatten(given: unknown, flat: unknown[], context: Context): number[] {
  if (!isList(given)) {
    if (!['number', 'bigint', 'boolean'].includes(typeof given)) throw wrong(context, 'numbers in the nested arrays', describe(given))
    flat.push(given)
    return []
  }
  let dims: number[] | undefined
  for (let i = 0; i < given.length; i++) {
    const found = flatten(given[i], flat, context)
    dims ??= found
    if (String(dims) !== String(found) || dims.length !== found.length) throw wrong(context, 'nested arrays of one shape', `[${dims.join(', ')}] beside [${found.join(', ')}]`)
  }
  return [given.length, ...dims ?? []]
}

function makeTensor(data: TensorLike['data'], dims: readonly number[], said: Dtype | undefined, context: Context): Value {
  const own = DTYPE_OF_ARRAY[data.constructor.name]
  const dtype = said ?? own ?? guess(data, context)
  try {
    return context.engine.tensor(dtype, dims, elements(data, dtype, own))
  } catch (error) {
    // BigInt() of fractions and the like.
    if (error instanceof RuntimeError || !(error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError)) throw error
    throw wrong(context, `${dtype} elements`, error.message)
  }
}

/** Of elements without a type: what the build knows, else float32, PyTorch's default; int64 of bigints, bool of booleans. */
function guess(data: TensorLike['data'], context: Context): Dtype {
  if (!Array.isArray(data)) throw wrong(context, `a dtype for a ${data.constructor.name}, or one of ${Object.keys(DTYPE_OF_ARRAY).join(', ')}`, 'none')
  const known = context.known?.dtype
  if (known !== undefined && Object.hasOwn(DTYPES, known)) return known as Dtype
  return ({ bigint: 'int64', boolean: 'bool' } as const)[typeof data[0] as 'bigint'] ?? 'float32'
}

/** Elements as the model's memory has them. */
function elements(data: TensorLike['data'], dtype: Dtype, own: Dtype | undefined): ArrayLike<number> | ArrayLike<bigint> {
  if (dtype === own && dtype !== 'float16') return data as ArrayLike<number>
  const each = data as ArrayLike<number>
  if (dtype === 'bool') return Array.from(each, (value) => (value ? 1 : 0))
  if (dtype === 'int64') return Array.from(each, BigInt)
  if (dtype !== 'float16') return Array.from(each, Number)
  return data instanceof Uint16Array ? data : Array.from(each, (value) => toHalf(Number(value)))
}

/** A value, shortly, for messages. */
function describe(given: unknown): string {
  if (given === null || given === undefined || typeof given === 'boolean') return String(given)
  if (typeof given === 'string') return `the string ${JSON.stringify(given.length > 40 ? `${given.slice(0, 40)}…` : given)}`
  if (typeof given === 'number' || typeof given === 'bigint') return `the number ${given}`
  if (isTensorLike(given)) return `a tensor of dims [${Array.from(given.dims).join(', ')}]`
  if (Array.isArray(given)) return `an array of ${given.length}`
  return `${/^[AEIOU]/.test(given.constructor?.name ?? 'O') ? 'an' : 'a'} ${given.constructor?.name ?? 'object'}`
}
