import { PickleWriter } from '../archive/pickle-writer.ts'
import { SCALAR_TYPES, type Storage, type Tensor } from '../archive/tensor.ts'
import { PetalError } from '../errors.ts'
import type { ClassType } from '../ir/class-type.ts'
import type { IValue } from '../ir/ivalue.ts'
import { annotationString, typeString, type Type } from '../ir/types.ts'
import { pickledTypeString, unsupportedPart } from './mobile-types.ts'

/** What a pickle is written for. */
export interface PickleContext {
  /** The name by which the reader finds a storage's bytes: its record without the folder. */
  readonly storageKey: (storage: Storage) => string
  /** The attributes that objects of a class are pickled with; their order is the order of slots. */
  readonly attributesOf: (type: ClassType) => readonly string[]
  /** For a reader that has the model's code, and so knows enums, classes and named tuples by their names. */
  readonly hasCode?: boolean
}

/**
 * Pickles a value as PyTorch's C++ pickler does (torch/csrc/jit/serialization/pickler.cpp). What is reached twice is
 * written once, so that sharing survives: lists, dicts, objects, tensors, and the memory of tensors.
 * Tensors do not require gradients: what is emitted is for inference. Throws a PetalError for enums and unknown types.
 */
export function pickleIValue(value: IValue, context: PickleContext): Uint8Array {
  const pickler = new Pickler(context, sharedParts(value, context))
  pickler.value(value)
  return pickler.writer.finish()
}

/** What makes a value the same value: the tensor in a tensor, the list, dict or object itself. Others are compared by content. */
function identityOf(value: IValue): object | undefined {
  switch (value.tag) {
    case 'Tensor': return value.value
    case 'List': case 'Dict': case 'Object': case 'CustomObject': return value
    default: return undefined
  }
}

/** The things with identity that are reached more than once. Values nest no deeper than the reader's limit allowed. */
function sharedParts(root: IValue, context: PickleContext): Set<object> {
  const seen = new Set<object>()
  const shared = new Set<object>()
  const visit = (value: IValue): void => {
    const identity = identityOf(value)
    if (identity !== undefined) {
      if (seen.has(identity)) {
        shared.add(identity)
        return
      }
      seen.add(identity)
    }
    switch (value.tag) {
      case 'List': case 'Tuple': return value.elements.forEach(visit)
      case 'Dict': return value.entries.forEach((entry) => entry.forEach(visit))
      case 'CustomObject': return visit(value.state)
      case 'Object': return attributes(value, context).forEach(([, attribute]) => visit(attribute))
    }
  }
  visit(root)
  return shared
}

function attributes(object: IValue & { tag: 'Object' }, context: PickleContext): (readonly [string, IValue])[] {
  if (object.pickledState !== undefined) throw unpicklable(object.type)
  return context.attributesOf(object.type).map((name) => {
    const value = object.slots.get(name)
    if (value === undefined) throw new Error(`${object.type.name} has no value for ${name}`)
    return [name, value] as const
  })
}

const LIST_BUILDERS: Partial<Record<Type['kind'], string>> = {
  IntType: 'build_intlist', FloatType: 'build_doublelist', BoolType: 'build_boollist', TensorType: 'build_tensorlist',
}

class Pickler {
  readonly writer: PickleWriter = new PickleWriter()
  readonly #context: PickleContext
  readonly #shared: ReadonlySet<object>
  readonly #memo: Map<object, number> = new Map()
  /** By element type, as the unpickled storage has one. */
  readonly #storages: Map<Storage, Map<string, number>> = new Map()
  readonly #devices: Map<string, number> = new Map()

  constructor(context: PickleContext, shared: ReadonlySet<object>) {
    this.#context = context
    this.#shared = shared
  }

  value(value: IValue): void {
    const identity = identityOf(value)
    const known = identity && this.#memo.get(identity)
    if (known !== undefined) return this.writer.get(known)
    this.#content(value)
    if (identity && this.#shared.has(identity)) this.#memo.set(identity, this.writer.put())
  }

  #content(value: IValue): void {
    const { writer } = this
    switch (value.tag) {
      case 'None': return writer.none()
      case 'Bool': return writer.bool(value.value)
      case 'Int': return writer.int(value.value)
      case 'Double': return writer.float(value.value)
      case 'String': return writer.string(value.value)
      case 'ComplexDouble': return this.#complex(value.real, value.imag)
      case 'Device': return this.#device(value.value)
      case 'Tensor': return this.#tensor(value.value)
      case 'Tuple': return this.#tuple(value.elements)
      case 'List': return this.#list(value)
      case 'Dict': return this.#dict(value)
      case 'Object': return this.#object(value)
      case 'CustomObject':
        writer.qualified(value.type.name)
        writer.newObject()
        this.value(value.state)
        return writer.build()
      case 'Enum':
        if (!this.#context.hasCode) throw unpicklable(value.type)
        writer.qualified(value.type.name)
        this.value(value.value)
        return writer.reduce()
    }
  }

  #complex(real: number, imag: number): void {
    this.writer.global('builtins', 'complex')
    this.writer.float(real)
    this.writer.float(imag)
    this.writer.shortTuple(2)
    this.writer.reduce()
  }

  #device(name: string): void {
    const known = this.#devices.get(name)
    if (known !== undefined) return this.writer.get(known)
    this.writer.global('torch', 'device')
    this.writer.string(name)
    this.writer.shortTuple(1)
    this.writer.reduce()
    this.#devices.set(name, this.writer.put())
  }

  #tuple(elements: readonly IValue[]): void {
    const isShort = elements.length <= 3
    if (!isShort) this.writer.mark()
    for (const element of elements) this.value(element)
    if (isShort) this.writer.shortTuple(elements.length as 0 | 1 | 2 | 3)
    else this.writer.tuple()
  }

  #list(list: IValue & { tag: 'List' }): void {
    const { writer } = this
    const builder = LIST_BUILDERS[list.elementType.kind]
    writer.global('torch.jit._pickle', builder ?? 'restore_type_tag')
    if (builder) writer.mark()
    writer.emptyList()
    writer.mark()
    for (const element of list.elements) this.value(element)
    writer.appends()
    if (builder) {
      writer.tuple()
      writer.reduce()
    } else {
      this.#typeTag({ kind: 'ListType', element: list.elementType })
    }
  }

  #dict(dict: IValue & { tag: 'Dict' }): void {
    this.writer.global('torch.jit._pickle', 'restore_type_tag')
    this.writer.emptyDict()
    this.writer.mark()
    for (const [key, value] of dict.entries) {
      this.value(key)
      this.value(value)
    }
    this.writer.setItems()
    this.#typeTag({ kind: 'DictType', key: dict.keyType, value: dict.valueType })
  }

  /** Completes a call of `restore_type_tag` on the container that was just written. */
  #typeTag(type: Type): void {
    if (!this.#context.hasCode && unsupportedPart(type)) throw unpicklable(type)
    this.writer.string(this.#context.hasCode ? annotationString(type) : pickledTypeString(type))
    this.writer.shortTuple(2)
    this.writer.reduce()
  }

  #object(object: IValue & { tag: 'Object' }): void {
    const { writer } = this
    writer.qualified(object.type.name)
    writer.newObject()
    writer.emptyDict()
    writer.mark()
    for (const [name, value] of attributes(object, this.#context)) {
      writer.string(name)
      this.value(value)
    }
    writer.setItems()
    writer.build()
  }

  #tensor(tensor: Tensor): void {
    const { writer } = this
    writer.global('torch._utils', tensor.quantizer ? '_rebuild_qtensor' : '_rebuild_tensor_v2')
    writer.mark()
    this.#storage(tensor)
    writer.int(tensor.storageOffset)
    for (const numbers of [tensor.sizes, tensor.strides]) {
      writer.mark()
      for (const number of numbers) writer.int(number)
      writer.tuple()
    }
    if (tensor.quantizer) this.#quantizer(tensor.quantizer)
    writer.bool(tensor.requiresGrad)
    // Hooks of the backward pass: none.
    writer.global('collections', 'OrderedDict')
    writer.shortTuple(0)
    writer.reduce()
    writer.tuple()
    writer.reduce()
  }

  #quantizer(quantizer: NonNullable<Tensor['quantizer']>): void {
    const { writer } = this
    writer.mark()
    writer.global('torch', quantizer.scheme)
    if (quantizer.scheme === 'per_tensor_affine') {
      writer.float(quantizer.scale)
      writer.int(quantizer.zeroPoint)
    } else {
      this.#tensor(quantizer.scales)
      this.#tensor(quantizer.zeroPoints)
      writer.int(quantizer.axis)
    }
    writer.tuple()
  }

  #storage({ storage, scalarType }: Tensor): void {
    const { writer } = this
    const byType = this.#storages.get(storage) ?? new Map<string, number>()
    this.#storages.set(storage, byType)
    const known = byType.get(scalarType)
    if (known !== undefined) return writer.get(known)
    writer.mark()
    writer.string('storage')
    writer.global('torch', SCALAR_TYPES[scalarType].storage)
    writer.string(this.#context.storageKey(storage))
    writer.string('cpu')
    writer.int(Math.floor(storage.byteLength / SCALAR_TYPES[scalarType].bytes))
    writer.tuple()
    writer.persistentId()
    byType.set(scalarType, writer.put())
  }
}

function unpicklable(type: Type): PetalError {
  return new PetalError({
    code: 'NOT_MOBILE',
    message: `The model holds a value of type ${typeString(type)}, which PyTorch's lite interpreter cannot load.`,
    cause: 'Enums and unions are unknown to it, and so are objects that save themselves with __getstate__, or inside lists and dicts.',
    fix: 'Replace the value by ints, strings or tensors.',
  })
}
