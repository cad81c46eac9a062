import { checkTree, readPickle } from '../../../core/src/compiler/archive/pickle-reader.ts'
import {
  childrenOf, globalName, isContainer, type PickleContainer, type PickleObject, type PickleValue,
} from '../../../core/src/compiler/archive/pickle-value.ts'
import { type Archive, requireRecord } from '../../../core/src/compiler/archive/zip-reader.ts'
import { RuntimeError } from '../errors.ts'
import { DTYPES, type Dtype, numelOf, Tensor } from '../tensor.ts'
import { Device, PackedObject, ScriptObject, Tuple, type Value } from '../values.ts'
import { DTYPE_OF_STORAGE, type Storages } from './storages.ts'

/** Custom C++ classes. */
const CUSTOM = '__torch__.torch.classes.'
/** c10's DimVector takes no more. */
const MAX_DIMENSIONS = 64

/** What the class of an object may do when it is read. */
export interface Unpickling {
  /** Where tensors' records lie: `data/`. */
  readonly folder: string
  readonly storages: Storages
  /** True for a class that brings itself into being: its object is left empty, and is put on `unset` with its state. */
  readonly hasSetState?: (className: string) => boolean
  readonly unset?: [ScriptObject, Value][]
}

/** Reads a pickle of the archive into values. Throws for whatever TorchScript's own unpickler (torch/csrc/jit/serialization/unpickler.cpp) would not take. */
export async function unpickle(archive: Archive, name: string, options: Unpickling): Promise<Value> {
  const root = readPickle(await (requireRecord(archive, name, 'which holds the values of the model')).read(), name)
  checkTree(root, name)
  const refs = await loadStorages(root, options)
  return new Reader(name, options, refs).value(root)
}

interface StorageRef {
  readonly record: string
  readonly dtype: Dtype
}

/** Loads what `("storage", torch.FloatStorage, key, device, numel)` names, everywhere in the value. */
async function loadStorages(root: PickleValue, { folder, storages }: Unpickling): Promise<Map<PickleValue, StorageRef>> {
  const refs = new Map<PickleValue, StorageRef>()
  const seen = new Set<PickleValue>()
  const todo = [root]
  while (todo.length > 0) {
    const value = todo.pop()!
    if (!isContainer(value) || seen.has(value)) continue
    seen.add(value)
    if (value.kind !== 'persistent') {
      for (const child of childrenOf(value)) todo.push(child)
      continue
    }
    const [tag, type, key, , numel] = isContainer(value.id) && value.id.kind === 'tuple' ? value.id.items : []
    const name = typeof type === 'object' && type !== null && 'kind' in type && type.kind === 'global' ? type.name : String(type)
    if (tag !== 'storage' || typeof key !== 'string' || typeof numel !== 'bigint') throw broken(folder, 'a reference to its data is malformed')
    const dtype = Object.hasOwn(DTYPE_OF_STORAGE, name) ? DTYPE_OF_STORAGE[name]! : undefined
    if (dtype === undefined) throw new RuntimeError('UNSUPPORTED', `The model has a tensor of type ${name.replace('Storage', '')}, which Petal's runtime lacks.`)
    refs.set(value, { record: folder + key, dtype })
    await storages.load(folder + key, Number(numel) * DTYPES[dtype].bytes)
  }
  return refs
}

class Reader {
  readonly #name: string
  readonly #options: Unpickling
  readonly #refs: Map<PickleValue, StorageRef>
  readonly #done = new Map<PickleContainer, Value>()

  constructor(name: string, options: Unpickling, refs: Map<PickleValue, StorageRef>) {
    this.#name = name
    this.#options = options
    this.#refs = refs
  }

  /** Recursion is bounded: checkTree has seen the value. */
  value(value: PickleValue): Value {
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) throw broken(this.#name, 'an integer in it has more than 64 bits')
    if (typeof value !== 'object' || value === null) return value
    if (!isContainer(value)) throw broken(this.#name, 'it has a value that TorchScript does not know')
    const known = this.#done.get(value)
    if (known !== undefined) return known
    const made = this.#make(value)
    this.#done.set(value, made)
    return made
  }

  #make(value: PickleContainer): Value {
    switch (value.kind) {
      case 'tuple': return new Tuple(value.items.map((item) => this.value(item)))
      case 'list': return value.items.map((item) => this.value(item))
      case 'dict': return new Map(value.entries.map(([key, item]) => [this.value(key), this.value(item)]))
      case 'object': return this.#object(value)
      default: throw broken(this.#name, `it has a ${value.kind}, which TorchScript does not know`)
    }
  }

  #object(object: PickleObject): Value {
    const { callee, args, state, how } = object
    if (typeof callee !== 'object' || callee === null || !('kind' in callee) || callee.kind !== 'global') throw broken(this.#name, 'it calls something that has no name')
    const name = globalName(callee)
    const items = isContainer(args) && args.kind === 'tuple' ? args.items : []
    if (how === 'new' && name.startsWith('__torch__.') && state !== undefined) return this.#instance(name, state)
    const maker = how === 'reduce' && state === undefined && Object.hasOwn(MAKERS, name) ? MAKERS[name] : undefined
    if (!maker) throw broken(this.#name, `it refers to '${name}', which no model for the lite interpreter does`)
    return maker(this, items)
  }

  #instance(name: string, state: PickleValue): Value {
    if (name.startsWith(CUSTOM)) return new PackedObject(name, this.value(state))
    if (this.#options.hasSetState?.(name)) {
      const object = new ScriptObject(name, [], [])
      this.#options.unset!.push([object, this.value(state)])
      return object
    }
    if (!isContainer(state) || state.kind !== 'dict') throw broken(this.#name, `it has a '${name}' without attributes`)
    return new ScriptObject(name, state.entries.map(([key]) => String(key)), state.entries.map(([, item]) => this.value(item)))
  }

  /** `_rebuild_tensor_v2(storage, offset, sizes, strides, …)` */
  tensor([storage, offset, sizes, strides]: readonly PickleValue[]): Tensor {
    const ref = this.#refs.get(storage!)
    const [at, lengths, steps] = [this.#number(offset), this.#numbers(sizes), this.#numbers(strides)]
    if (!ref || lengths.length !== steps.length || lengths.length > MAX_DIMENSIONS) throw broken(this.#name, 'a tensor in it makes no sense')
    const whole = this.#options.storages.get(ref.record)
    // The last element that is read must be there, too.
    const last = numelOf(lengths) === 0 ? 0 : lengths.reduce((sum, length, i) => sum + (length - 1) * steps[i]!, at + 1)
    if (last * DTYPES[ref.dtype].bytes > whole.byteLength) throw broken(this.#name, 'a tensor in it is larger than its data')
    return new Tensor(whole, ref.dtype, lengths, steps, at)
  }

  #numbers(value: PickleValue | undefined): number[] {
    if (typeof value === 'object' && value !== null && 'items' in value && value.items) return value.items.map((item) => this.#number(item))
    throw broken(this.#name, 'the sizes of a tensor in it are none')
  }

  #number(value: PickleValue | undefined): number {
    if (typeof value === 'bigint' && value >= 0n && value < 2n ** 40n) return Number(value)
    throw broken(this.#name, 'the size of a tensor in it is none')
  }
}

/** What pickles for the lite interpreter call. */
const MAKERS: Readonly<Record<string, (reader: Reader, args: readonly PickleValue[]) => Value>> = {
  'torch._utils._rebuild_tensor_v2': (reader, args) => reader.tensor(args),
  'torch.jit._pickle.build_intlist': (reader, [items]) => reader.value(items!),
  'torch.jit._pickle.build_doublelist': (reader, [items]) => reader.value(items!),
  'torch.jit._pickle.build_boollist': (reader, [items]) => reader.value(items!),
  'torch.jit._pickle.build_tensorlist': (reader, [items]) => reader.value(items!),
  'torch.jit._pickle.restore_type_tag': (reader, [value]) => reader.value(value!),
  'torch.device': (_, [name]) => new Device(String(name)),
}

/** The error of a file that is no model, or a damaged one. */
export function broken(where: string, why: string): RuntimeError {
  const message = `'${where}' in the model file cannot be read: ${why}. The file is damaged, or PyTorch did not write it; make it again.`
  return new RuntimeError('BAD_MODEL', message)
}
