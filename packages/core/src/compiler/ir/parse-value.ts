import { contiguousStrides, numel, SCALAR_TYPES, type Quantizer, type ScalarType, type Storage, type Tensor } from '../archive/tensor.ts'
import type { ClassType } from './class-type.ts'
import type { IValue, ObjectValue } from './ivalue.ts'
import { isIntegral, literalTensor, type Scalar } from './literal.ts'
import type { TextReader } from './text-reader.ts'
import { AnyType, type EnumType, type Type } from './types.ts'

/** What values in graph text refer to by name. */
export interface ValueContext {
  readonly reader: TextReader
  readonly type: (text: string) => Type
  readonly tensors: ReadonlyMap<string, Tensor>
  /** Storages and objects made up so far, so that the same name means the same memory. */
  readonly storages: Map<string, Storage>
  readonly objects: Map<string, ObjectValue>
}

/** Reads what printValue writes. */
export function parseValue(context: ValueContext, expected: Type): IValue {
  const { reader } = context
  const type = expected.kind === 'OptionalType' ? expected.element : expected
  if (reader.match(/None\b/y)) return { tag: 'None' }
  if (reader.match(/<Tensor\s/y)) return { tag: 'Tensor', value: parseTensor(context) }
  if (reader.match(/<Object\s/y)) return parseObject(context)
  if (reader.match(/<CustomObject\s/y)) {
    const name = reader.word('a class name')
    const state = parseValue(context, AnyType)
    reader.expect('>')
    return { tag: 'CustomObject', type: context.type(name) as ClassType, state }
  }
  if (reader.match(/<Enum\s/y)) {
    const enumType = context.type(`Enum<${reader.word('an enum name')}>`) as EnumType
    const name = reader.quoted()
    const value = parseValue(context, AnyType)
    reader.expect('>')
    return { tag: 'Enum', type: enumType, name, value }
  }
  if (reader.take('<')) {
    const own = context.type(reader.balanced('>'))
    reader.expect('>')
    return parseValue(context, own)
  }
  return parsePlain(context, type)
}

const FLOAT = String.raw`-?(?:inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)`
function float(text: string): number {
  return text.endsWith('inf') ? (text.startsWith('-') ? -Infinity : Infinity) : text.endsWith('nan') ? NaN : Number(text)
}

function parsePlain(context: ValueContext, type: Type): IValue {
  const { reader } = context
  switch (type.kind) {
    case 'BoolType': return { tag: 'Bool', value: reader.integer() !== 0n }
    case 'IntType': return { tag: 'Int', value: reader.integer() }
    case 'FloatType': return { tag: 'Double', value: float(reader.match(new RegExp(FLOAT, 'y'))?.[0] ?? reader.fail('expected a number')) }
    case 'ComplexType': {
      const found = reader.match(new RegExp(`(${FLOAT})\\+?(${FLOAT})j`, 'y')) ?? reader.fail('expected a complex number')
      return { tag: 'ComplexDouble', real: float(found[1]!), imag: float(found[2]!) }
    }
    case 'StringType': return { tag: 'String', value: reader.quoted() }
    case 'DeviceObjType': return { tag: 'Device', value: reader.quoted() }
    case 'ListType':
      return { tag: 'List', elementType: type.element, elements: reader.list('[', ']', () => parseValue(context, type.element)) }
    case 'TupleType': {
      let i = 0
      return { tag: 'Tuple', type, elements: reader.list('(', ')', () => parseValue(context, type.elements[i++] ?? AnyType)) }
    }
    case 'DictType':
      return {
        tag: 'Dict', keyType: type.key, valueType: type.value,
        entries: reader.list('{', '}', () => {
          const key = parseValue(context, type.key)
          reader.expect(':')
          return [key, parseValue(context, type.value)] as const
        }),
      }
    case 'NumberType': case 'AnyType': {
      const found = reader.match(new RegExp(FLOAT, 'y')) ?? reader.fail('expected a number')
      return /^-?\d+$/.test(found[0]) ? { tag: 'Int', value: BigInt(found[0]) } : { tag: 'Double', value: float(found[0]) }
    }
    default: return reader.fail(`no notation for values of ${type.kind}`)
  }
}

function parseObject({ reader, type, objects }: ValueContext): IValue {
  const name = reader.word('a class name')
  const key = `${name} ${reader.word('an object number')}`
  reader.expect('>')
  let object = objects.get(key)
  if (object === undefined) objects.set(key, object = { tag: 'Object', type: type(name) as ClassType, slots: new Map() })
  return object
}

function parseTensor(context: ValueContext): Tensor {
  const { reader } = context
  const scalarType = reader.word('an element type') as ScalarType
  if (!(scalarType in SCALAR_TYPES)) reader.fail(`no element type ${scalarType}`)
  const sizes = reader.list('[', ']', () => Number(reader.integer()))
  let tensor: Tensor
  if (reader.peek('{')) {
    const elements = reader.list('{', '}', (): Scalar => {
      const text = reader.match(new RegExp(FLOAT, 'y'))?.[0] ?? reader.fail('expected a number')
      return isIntegral(scalarType) ? BigInt(text) : scalarType === 'Bool' ? text !== '0' : float(text)
    })
    tensor = literalTensor(scalarType, sizes, elements)
  } else {
    const name = reader.quoted()
    const given = context.tensors.get(name)
    if (given && given.scalarType !== scalarType) reader.fail(`${name} has elements of ${given.scalarType}`)
    const storage = given?.storage ?? synthesize(context, name, scalarType)
    tensor = { scalarType, sizes, strides: contiguousStrides(sizes), storageOffset: 0, requiresGrad: false, storage }
  }
  const more: { -readonly [K in keyof Tensor]?: Tensor[K] } = {}
  if (reader.take('strides=')) more.strides = reader.list('[', ']', () => Number(reader.integer()))
  if (reader.take('offset=')) more.storageOffset = Number(reader.integer())
  if (reader.take('requires_grad')) more.requiresGrad = true
  const quantizer = parseQuantizer(context)
  if (quantizer) more.quantizer = quantizer
  reader.expect('>')
  return grow({ ...tensor, ...more })
}

function parseQuantizer(context: ValueContext): Quantizer | undefined {
  const { reader } = context
  const number = (): number => float(reader.match(new RegExp(FLOAT, 'y'))?.[0] ?? reader.fail('expected a number'))
  if (reader.take('scale=')) {
    const scale = number()
    reader.expect('zero_point=')
    return { scheme: 'per_tensor_affine', scale, zeroPoint: reader.integer() }
  }
  const scheme = reader.match(/per_channel_affine(?:_float_qparams)?\b/y)?.[0]
  if (scheme === undefined) return undefined
  const tensor = (name: string): Tensor => {
    reader.expect(name)
    reader.expect('<Tensor')
    return parseTensor(context)
  }
  const scales = tensor('scales=')
  const zeroPoints = tensor('zero_points=')
  reader.expect('axis=')
  return { scheme: scheme as 'per_channel_affine', scales, zeroPoints, axis: reader.integer() }
}

/** A storage that the text only names: it grows with the tensors that look into it. */
class NamedStorage implements Storage {
  readonly identity: string
  readonly scalarType: ScalarType
  resident: Uint8Array = new Uint8Array(0)

  constructor(identity: string, scalarType: ScalarType) {
    this.identity = identity
    this.scalarType = scalarType
  }

  get byteLength(): number {
    return this.resident.byteLength
  }

  /** Elements are small, exact in every float type, and follow from the name. */
  grow(elements: number): void {
    if (elements * SCALAR_TYPES[this.scalarType].bytes <= this.byteLength) return
    const seed = [...this.identity].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 1009, 7)
    const type = this.scalarType
    const values = Array.from({ length: elements }, (_, i): Scalar => {
      const value = (seed + i * 7) % 13 - 6
      return isIntegral(type) ? BigInt(value) : type === 'Bool' ? value > 0 : value / 4
    })
    this.resident = literalBytes(type, values)
  }

  async read(begin: number, end: number): Promise<Uint8Array> {
    return this.resident.subarray(begin, end)
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    yield this.resident
  }
}

function literalBytes(type: ScalarType, values: readonly Scalar[]): Uint8Array {
  const plain: ScalarType = type === 'Half' || type === 'BFloat16' ? 'Short' : type
  return literalTensor(plain, [values.length], values.map((v) => plain === 'Short' && typeof v === 'number' ? BigInt(Math.round(v * 4)) : v))
    .storage.resident!
}

function synthesize({ storages }: ValueContext, name: string, scalarType: ScalarType): Storage {
  let storage = storages.get(name)
  if (storage === undefined) storages.set(name, storage = new NamedStorage(name, scalarType))
  return storage
}

function grow(tensor: Tensor): Tensor {
  if (tensor.storage instanceof NamedStorage && numel(tensor) > 0) {
    tensor.storage.grow(tensor.storageOffset + 1 + tensor.sizes.reduce((sum, size, i) => sum + (size - 1) * tensor.strides[i]!, 0))
  }
  return tensor
}

