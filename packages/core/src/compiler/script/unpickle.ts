import { PetalError } from '../errors.ts'
import { brokenPickle, checkTree, readPickle } from '../archive/pickle-reader.ts'
import {
  childrenOf, globalName, isContainer, type PickleContainer, type PickleGlobal, type PickleObject, type PickleValue,
} from '../archive/pickle-value.ts'
import type { Storage, Tensor } from '../archive/tensor.ts'
import { requireRecord, type Archive } from '../archive/zip-reader.ts'
import type { ClassType } from '../ir/class-type.ts'
import { NONE, tupleValue, type IValue } from '../ir/ivalue.ts'
import { AnyType, BoolType, FloatType, IntType, TensorType, type EnumType, type Type } from '../ir/types.ts'
import { packedProblem } from './check-packed.ts'
import { ArchiveStorages, brokenTensor, isTuple, parseStorageRef, rebuildTensor, type StorageRef } from './tensor-values.ts'

/** What the front end knows of names that pickles use. */
export interface PickleResolver {
  /** The class or enum of a qualified name, `__torch__.…`, custom classes (`__torch__.torch.classes.…`) among them. */
  resolveClass(qualifiedName: string): ClassType | EnumType
  /** The type that an annotation means: `List[Optional[int]]`, `Dict[str, Tensor]`. */
  parseType(text: string): Type
  /** Name and value of an enum's members, in order; needed only where enum values occur. */
  enumMembers?(type: EnumType): readonly (readonly [string, IValue])[]
}

/** The values of a model archive. */
export interface UnpickledModule {
  /** `data.pkl`: the root module. */
  readonly root: IValue
  /** `constants.pkl`: number N is `CONSTANTS.cN` of the code. */
  readonly constants: readonly IValue[]
  /** Devices that tensors were on when saved, `cpu` mostly, sorted. */
  readonly devices: readonly string[]
}

/** One pickle of an archive, and the folder of the records that its tensors lie in. */
export interface PickleSource {
  readonly name: string
  readonly storages: string
}

const DATA: PickleSource = { name: 'data.pkl', storages: 'data/' }
const CONSTANTS: PickleSource = { name: 'constants.pkl', storages: 'constants/' }

/**
 * Reads the values of a TorchScript archive. Tensors are lazy, see {@link ArchiveStorages}. What the pickle shares is shared
 * in the result: objects, lists, dicts, tuples and tensors are the same values, storages the same Storage.
 * Throws a PetalError for anything that PyTorch's own unpickler (torch/csrc/jit/serialization/unpickler.cpp) would not take.
 */
export async function unpickleModule(archive: Archive, resolver: PickleResolver): Promise<UnpickledModule> {
  const sources = archive.records.has(CONSTANTS.name) ? [DATA, CONSTANTS] : [DATA]
  const { values, devices } = await unpickleRecords(archive, sources, resolver)
  const constants = values[1]
  if (constants !== undefined && constants.tag !== 'Tuple') throw brokenPickle(CONSTANTS.name, 'it is not a tuple')
  return { root: values[0]!, constants: constants === undefined ? [] : constants.elements, devices }
}

/**
 * Where `bytecode.pkl` of a mobile archive keeps its tensors: in its own folder in files of version 4, else among the constants
 * (torch/csrc/jit/mobile/import.cpp).
 */
export function bytecodePickle(archive: Archive): PickleSource {
  const own = [...archive.records.keys()].some((name) => name.startsWith('bytecode/'))
  return { name: 'bytecode.pkl', storages: own ? 'bytecode/' : 'constants/' }
}

/** Reads several pickles of one archive, over one pool of storages. */
export async function unpickleRecords(
  archive: Archive, sources: readonly PickleSource[], resolver: PickleResolver,
): Promise<{ values: IValue[]; devices: readonly string[] }> {
  await checkByteOrder(archive)
  const storages = new ArchiveStorages(archive)
  const pickles: Converter[] = []
  for (const source of sources) {
    const value = readPickle(await requireRecord(archive, source.name, 'which holds the values of the model').read(), source.name)
    checkTree(value, source.name)
    pickles.push(new Converter(value, source, storages, resolver))
  }
  const devices = new Set<string>()
  for (const pickle of pickles) {
    for (const ref of pickle.refs.values()) devices.add(ref.device)
    await storages.load(pickle.refs.values())
  }
  return { values: pickles.map((pickle) => pickle.convert(pickle.root)), devices: [...devices].toSorted() }
}

async function checkByteOrder(archive: Archive): Promise<void> {
  const record = archive.records.get('byteorder')
  if (record === undefined || record.size > 16) return
  const order = String.fromCharCode(...await record.read()).trim()
  if (order === 'little') return
  throw new PetalError({
    code: 'BIG_ENDIAN_MODEL',
    message: `The model file says that its byte order is '${order}'.`,
    cause: 'It was saved on a big-endian machine.',
    fix: 'Load and save it again with PyTorch on an ordinary machine.',
  })
}

/** Lists that have a maker of their own. */
const LIST_MAKERS: Readonly<Record<string, Type>> = {
  'torch.jit._pickle.build_intlist': IntType,
  'torch.jit._pickle.build_doublelist': FloatType,
  'torch.jit._pickle.build_boollist': BoolType,
  'torch.jit._pickle.build_tensorlist': TensorType,
}

/** Everything else that the pickles of TorchScript archives call. What is in neither table and no `__torch__` class is refused. */
const MAKERS: Readonly<Record<string, (converter: Converter, object: PickleObject, args: readonly PickleValue[]) => IValue>> = {
  'torch._utils._rebuild_tensor_v2': (converter, _, args) => ({ tag: 'Tensor', value: converter.tensor(args, false) }),
  'torch._utils._rebuild_qtensor': (converter, _, args) => ({ tag: 'Tensor', value: converter.tensor(args, true) }),
  'torch._utils._rebuild_sparse_tensor': (converter) => {
    throw new PetalError({
      code: 'UNSUPPORTED_TENSOR',
      message: `'${converter.where}' of the model file has a sparse tensor.`,
      cause: 'The lite interpreter has few operators for sparse tensors.',
      fix: 'Call to_dense() on it before saving the model.',
    })
  },
  'torch.jit._pickle.restore_type_tag': (converter, _, args) => converter.tagged(args),
  'torch.device': (converter, _, args) => ({ tag: 'Device', value: converter.text(args[0], 'a device') }),
  'builtins.complex': (converter, _, [real, imag]) => {
    if (typeof real !== 'number' || typeof imag !== 'number') throw brokenPickle(converter.where, 'a complex number in it has no parts')
    return { tag: 'ComplexDouble', real, imag }
  },
}

class Converter {
  readonly root: PickleValue
  readonly where: string
  /** By persistent id. */
  readonly refs: Map<PickleContainer, StorageRef> = new Map()
  readonly #storages: ArchiveStorages
  readonly #resolver: PickleResolver
  readonly #done: Map<PickleContainer, IValue> = new Map()
  readonly #types: Map<string, Type> = new Map()

  constructor(root: PickleValue, source: PickleSource, storages: ArchiveStorages, resolver: PickleResolver) {
    this.root = root
    this.where = source.name
    this.#storages = storages
    this.#resolver = resolver
    this.#collectRefs(source.storages)
  }

  #collectRefs(prefix: string): void {
    const todo: PickleValue[] = [this.root]
    const seen = new Set<PickleValue>()
    while (todo.length > 0) {
      const value = todo.pop()!
      if (!isContainer(value) || seen.has(value)) continue
      seen.add(value)
      if (value.kind === 'persistent') this.refs.set(value, parseStorageRef(value.id, prefix, this.where))
      else for (const child of childrenOf(value)) todo.push(child)
    }
  }

  /** Recursion is bounded: checkTree has seen the value. */
  convert(value: PickleValue): IValue {
    switch (typeof value) {
      case 'boolean': return { tag: 'Bool', value }
      case 'bigint':
        if (BigInt.asIntN(64, value) !== value) throw brokenPickle(this.where, 'an integer in it has more than 64 bits')
        return { tag: 'Int', value }
      case 'number': return { tag: 'Double', value }
      case 'string': return { tag: 'String', value }
      default:
    }
    if (value === null) return NONE
    if (value instanceof Uint8Array) throw brokenPickle(this.where, 'it has a byte string, which TorchScript does not know')
    if (value.kind === 'global') throw this.#forbidden(value)
    const known = this.#done.get(value)
    if (known !== undefined) return known
    const made = this.#convertNew(value)
    this.#done.set(value, made)
    return made
  }

  #convertNew(value: PickleContainer): IValue {
    switch (value.kind) {
      case 'tuple': return tupleValue(value.items.map((item) => this.convert(item)))
      case 'list': return this.#list(value, AnyType)
      case 'dict': return this.#dict(value, AnyType, AnyType)
      case 'set': throw brokenPickle(this.where, 'it has a set, which TorchScript does not know')
      case 'persistent': throw brokenPickle(this.where, 'it has tensor data without a tensor')
      case 'object': return this.#object(value)
    }
  }

  #list(value: PickleValue | undefined, elementType: Type): IValue {
    if (!isKind(value, 'list')) throw brokenPickle(this.where, 'something in it that should be a list is none')
    return { tag: 'List', elementType, elements: value.items.map((item) => this.convert(item)) }
  }

  #dict(value: PickleValue | undefined, keyType: Type, valueType: Type): IValue {
    if (!isKind(value, 'dict')) throw brokenPickle(this.where, 'something in it that should be a dictionary is none')
    const entries = value.entries.map(([key, item]) => [this.convert(key), this.convert(item)] as const)
    return { tag: 'Dict', keyType, valueType, entries }
  }

  /** `restore_type_tag(value, "List[…]")` */
  tagged(args: readonly PickleValue[]): IValue {
    const text = this.text(args[1], 'the type of a list')
    let type = this.#types.get(text)
    if (type === undefined) this.#types.set(text, type = this.#resolver.parseType(text))
    if (type.kind === 'ListType') return this.#list(args[0], type.element)
    if (type.kind === 'DictType') return this.#dict(args[0], type.key, type.value)
    throw brokenPickle(this.where, `it tags a value with the type '${text}', which is neither a list nor a dictionary`)
  }

  tensor(args: readonly PickleValue[], quantized: boolean): Tensor {
    return rebuildTensor(args, quantized, this.where, (id) => this.#storage(id), (value) => {
      const tensor = this.convert(value)
      if (tensor.tag !== 'Tensor') throw brokenTensor(this.where, 'its quantization parameters are no tensors')
      return tensor.value
    })
  }

  #storage(value: PickleValue): { storage: Storage; scalarType: StorageRef['scalarType'] } {
    const ref = isKind(value, 'persistent') ? this.refs.get(value) : undefined
    if (ref === undefined) throw brokenTensor(this.where, 'it has no data')
    return { storage: this.#storages.get(ref, this.where), scalarType: ref.scalarType }
  }

  text(value: PickleValue | undefined, what: string): string {
    if (typeof value !== 'string') throw brokenPickle(this.where, `${what} is not a string`)
    return value
  }

  #object(value: PickleObject): IValue {
    const { callee } = value
    if (!isKind(callee, 'global')) throw brokenPickle(this.where, 'it makes an object of something that is no class')
    const name = globalName(callee)
    if (value.items !== undefined || value.entries !== undefined) throw brokenPickle(this.where, `it puts items into a '${name}'`)
    if (name.startsWith('__torch__.')) return this.#instance(value, name)
    const listType = ownEntry(LIST_MAKERS, name)
    const maker = ownEntry(MAKERS, name)
    if (listType === undefined && maker === undefined) throw this.#forbidden(callee)
    if (value.how !== 'reduce' || value.state !== undefined || !isTuple(value.args)) {
      throw brokenPickle(this.where, `it does not call '${name}' as PyTorch does`)
    }
    return listType !== undefined ? this.#list(value.args.items[0], listType) : maker!(this, value, value.args.items)
  }

  #instance(value: PickleObject, name: string): IValue {
    const type = this.#resolver.resolveClass(name)
    if (type.kind === 'EnumType') return this.#enum(value, type)
    if (value.how !== 'new' || value.state === undefined) throw brokenPickle(this.where, `its '${name}' was not finished`)
    if (type.torchbind) return this.#customObject(type, this.convert(value.state))
    const slots = new Map<string, IValue>()
    // A dict that __getstate__ gave would carry a type tag, so this is no attribute table but the class's own state.
    if (!isKind(value.state, 'dict')) return { tag: 'Object', type, slots, pickledState: this.convert(value.state) }
    for (const [key, item] of value.state.entries) slots.set(this.text(key, `an attribute name of '${name}'`), this.convert(item))
    return { tag: 'Object', type, slots }
  }

  #customObject(type: ClassType, state: IValue): IValue {
    const problem = packedProblem(type.name, state)
    if (problem !== undefined) throw brokenTensor(this.where, `of packed weights, ${problem}`)
    return { tag: 'CustomObject', type, state }
  }

  #enum(object: PickleObject, type: EnumType): IValue {
    if (object.how !== 'reduce') throw brokenPickle(this.where, `its '${type.name}' is an enum and was made as an object`)
    const value = this.convert(object.args)
    const members = this.#resolver.enumMembers?.(type) ?? []
    const member = members.find(([, candidate]) => sameScalar(candidate, value))
    if (member === undefined) throw brokenPickle(this.where, `it has a value of the enum '${type.name}' that is none of its members`)
    return { tag: 'Enum', type, name: member[0], value }
  }

  #forbidden(global: PickleGlobal): PetalError {
    return new PetalError({
      code: 'FORBIDDEN_GLOBAL',
      message: `'${this.where}' in the model file refers to '${globalName(global)}', which no TorchScript archive does.`,
      cause: 'The file is an ordinary Python pickle, perhaps one made to run code when it is loaded; nothing in it was run.',
      fix: 'Save the model with torch.jit.save, from a source that you trust.',
    })
  }
}

function isKind<K extends Exclude<PickleContainer | PickleGlobal, never>['kind']>(
  value: PickleValue | undefined, kind: K,
): value is Extract<PickleContainer | PickleGlobal, { kind: K }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
}

function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function sameScalar(a: IValue, b: IValue): boolean {
  return a.tag === b.tag && 'value' in a && 'value' in b && a.value === b.value
}
