import { PetalError } from '../errors.ts'
import { PickleWriter } from '../archive/pickle-writer.ts'
import { SCALAR_TYPES, type ScalarType, type Storage, type Tensor } from '../archive/tensor.ts'
import type { IValue, ListValue } from '../ir/ivalue.ts'
import { annotationString, type SimpleKind } from '../ir/types.ts'

export interface IValuePickleOptions {
  /**
   * The record that holds a storage, as the pickle shall name it: `12.storage` in lite files. Called in the order of first
   * occurrence; the same storage must always get the same name.
   */
  readonly storageKey: (storage: Storage) => string
}

/** Values inside one another. What is read nests less (PICKLE_LIMITS); passes add a level or two. */
const MAX_NESTING = 2000

/** Lists of these have a function of their own; all others carry their type as text. */
const SPECIAL_LISTS: Partial<Record<SimpleKind, string>> = {
  IntType: 'build_intlist', TensorType: 'build_tensorlist', FloatType: 'build_doublelist', BoolType: 'build_boollist',
}

/**
 * Pickles a value as PyTorch's C++ pickler does (torch/csrc/jit/serialization/pickler.cpp): same opcodes, same functions,
 * same memoisation. Objects, lists, dicts, tuples and tensors that occur more than once are written once, so what was shared
 * stays shared. An object's attributes are written in the order of its `slots`, which is the order the lite
 * interpreter numbers them by.
 */
export function pickleIValue(value: IValue, options: IValuePickleOptions): Uint8Array {
  const pickler = new Pickler(options, sharedIdentities(value))
  pickler.push(value, 0)
  return pickler.writer.finish()
}

/** What is compared to tell whether two occurrences are one value: tensors by the tensor, containers by the value itself. */
function identityOf(value: IValue): object | undefined {
  switch (value.tag) {
    case 'Tensor': return value.value
    case 'List': case 'Dict': case 'Tuple': case 'Enum': case 'Object': case 'CustomObject': return value
    default: return undefined
  }
}

function childrenOf(value: IValue): readonly IValue[] {
  switch (value.tag) {
    case 'List': case 'Tuple': return value.elements
    case 'Dict': return value.entries.flat()
    case 'Enum': return [value.value]
    case 'Object': return value.pickledState === undefined ? [...value.slots.values()] : [value.pickledState]
    case 'CustomObject': return [value.state]
    default: return []
  }
}

function sharedIdentities(root: IValue): Set<object> {
  const seen = new Set<object>()
  const shared = new Set<object>()
  const todo: IValue[] = [root]
  while (todo.length > 0) {
    const value = todo.pop()!
    const identity = identityOf(value)
    if (identity === undefined) continue
    if (seen.has(identity)) {
      shared.add(identity)
      continue
    }
    seen.add(identity)
    for (const child of childrenOf(value)) todo.push(child)
  }
  return shared
}

class Pickler {
  readonly writer: PickleWriter = new PickleWriter()
  readonly #storageKey: (storage: Storage) => string
  readonly #shared: ReadonlySet<object>
  readonly #memo: Map<object, number> = new Map()
  readonly #storages: Map<Storage, Map<ScalarType, number>> = new Map()
  readonly #devices: Map<string, number> = new Map()

  constructor(options: IValuePickleOptions, shared: ReadonlySet<object>) {
    this.#storageKey = options.storageKey
    this.#shared = shared
  }

  push(value: IValue, depth: number): void {
    const identity = identityOf(value)
    if (identity === undefined || !this.#shared.has(identity)) return this.#pushNew(value, depth)
    const known = this.#memo.get(identity)
    if (known !== undefined) return this.writer.get(known)
    this.#pushNew(value, depth)
    this.#memo.set(identity, this.writer.put())
  }

  #pushNew(value: IValue, depth: number): void {
    if (depth > MAX_NESTING) throw tooDeep()
    const w = this.writer
    switch (value.tag) {
      case 'None': return w.none()
      case 'Bool': return w.bool(value.value)
      case 'Int': return w.int(value.value)
      case 'Double': return w.float(value.value)
      case 'String': return w.string(value.value)
      case 'ComplexDouble':
        w.global('builtins', 'complex')
        w.float(value.real)
        w.float(value.imag)
        w.shortTuple(2)
        return w.reduce()
      case 'Device': return this.#pushDevice(value.value)
      case 'Tensor': return this.#pushTensor(value.value)
      case 'List': return this.#pushList(value, depth)
      case 'Dict':
        w.global('torch.jit._pickle', 'restore_type_tag')
        w.emptyDict()
        w.mark()
        for (const [key, item] of value.entries) {
          this.push(key, depth + 1)
          this.push(item, depth + 1)
        }
        w.setItems()
        w.string(annotationString({ kind: 'DictType', key: value.keyType, value: value.valueType }))
        w.shortTuple(2)
        return w.reduce()
      case 'Tuple': return this.#pushTuple(value.elements, depth)
      case 'Enum':
        w.qualified(value.type.name)
        this.push(value.value, depth + 1)
        return w.reduce()
      case 'Object': {
        w.qualified(value.type.name)
        w.newObject()
        if (value.pickledState !== undefined) {
          this.push(value.pickledState, depth + 1)
        } else {
          w.emptyDict()
          w.mark()
          for (const [name, slot] of value.slots) {
            w.string(name)
            this.push(slot, depth + 1)
          }
          w.setItems()
        }
        return w.build()
      }
      case 'CustomObject':
        w.qualified(value.type.name)
        w.newObject()
        this.push(value.state, depth + 1)
        return w.build()
    }
  }

  #pushTuple(elements: readonly IValue[], depth: number): void {
    const count = elements.length
    if (count > 3) this.writer.mark()
    for (const element of elements) this.push(element, depth + 1)
    if (count > 3) this.writer.tuple()
    else this.writer.shortTuple(count as 0 | 1 | 2 | 3)
  }

  #pushList(value: ListValue, depth: number): void {
    const w = this.writer
    const special = SPECIAL_LISTS[value.elementType.kind as SimpleKind]
    w.global('torch.jit._pickle', special ?? 'restore_type_tag')
    if (special !== undefined) w.mark()
    w.emptyList()
    w.mark()
    for (const element of value.elements) this.push(element, depth + 1)
    w.appends()
    if (special !== undefined) {
      w.tuple()
    } else {
      w.string(annotationString({ kind: 'ListType', element: value.elementType }))
      w.shortTuple(2)
    }
    w.reduce()
  }

  #pushDevice(device: string): void {
    const known = this.#devices.get(device)
    if (known !== undefined) return this.writer.get(known)
    this.writer.global('torch', 'device')
    this.writer.string(device)
    this.writer.shortTuple(1)
    this.writer.reduce()
    this.#devices.set(device, this.writer.put())
  }

  #pushTensor(tensor: Tensor): void {
    const w = this.writer
    w.global('torch._utils', tensor.quantizer === undefined ? '_rebuild_tensor_v2' : '_rebuild_qtensor')
    w.mark()
    this.#pushStorage(tensor)
    w.int(tensor.storageOffset)
    this.#pushSizes(tensor.sizes)
    this.#pushSizes(tensor.strides)
    if (tensor.quantizer !== undefined) {
      w.mark()
      w.global('torch', tensor.quantizer.scheme)
      if (tensor.quantizer.scheme === 'per_tensor_affine') {
        w.float(tensor.quantizer.scale)
        w.int(tensor.quantizer.zeroPoint)
      } else {
        this.#pushTensor(tensor.quantizer.scales)
        this.#pushTensor(tensor.quantizer.zeroPoints)
        w.int(tensor.quantizer.axis)
      }
      w.tuple()
    }
    w.bool(tensor.requiresGrad)
    w.global('collections', 'OrderedDict')
    w.shortTuple(0)
    w.reduce()
    w.tuple()
    w.reduce()
  }

  #pushSizes(sizes: readonly number[]): void {
    this.writer.mark()
    for (const size of sizes) this.writer.int(size)
    this.writer.tuple()
  }

  #pushStorage({ storage, scalarType }: Tensor): void {
    const w = this.writer
    const known = this.#storages.get(storage)?.get(scalarType)
    if (known !== undefined) return w.get(known)
    const { bytes, storage: storageClass } = SCALAR_TYPES[scalarType]
    w.mark()
    w.string('storage')
    w.global('torch', storageClass)
    w.string(this.#storageKey(storage))
    w.string('cpu')
    w.int(Math.floor(storage.byteLength / bytes))
    w.tuple()
    w.persistentId()
    const memos = this.#storages.get(storage) ?? new Map<ScalarType, number>()
    memos.set(scalarType, w.put())
    this.#storages.set(storage, memos)
  }
}

function tooDeep(): PetalError {
  return new PetalError({
    code: 'PICKLE_LIMIT',
    message: `A value of the model has more than ${MAX_NESTING} values inside one another.`,
    cause: 'Lists or tuples are nested far deeper than a model needs.',
    fix: 'Flatten the nested value in the model and save it again.',
  })
}
