import { SCALAR_TYPES, type Storage, type Tensor } from '../../archive/tensor.ts'
import { PetalError } from '../../errors.ts'
import type { ClassType } from '../../ir/class-type.ts'
import type { IValue, ListValue } from '../../ir/ivalue.ts'
import { typeString, type Type } from '../../ir/types.ts'
import { pickledTypeString, unsupportedPart } from '../mobile-types.ts'
import { IVALUE_KINDS, OBJECT_KINDS, QSCHEMES, STORAGE_ALIGNMENT, type IValueKind } from './schema.ts'
import { numbers, struct, text, type Part } from './writer.ts'

/** Sizes, strides and offsets are 32-bit integers there, in elements. */
const MAX_INT32 = 2 ** 31 - 1

/**
 * The values of a flatbuffer, which refer to one another by number: what a value holds comes before it, as loaders read them in order.
 * Number 0 is None. What is shared is there once. Source: torch/csrc/jit/serialization/flatbuffer_serializer.cpp.
 */
export class ValuePool {
  readonly values: Part[] = [{ kind: 'table', table: 'IValue', fields: {} }]
  readonly objectTypes: Part[] = []
  readonly storageParts: Part[] = []
  readonly storages: Map<Part, Storage> = new Map()
  readonly #attributesOf: (type: ClassType) => readonly string[]
  readonly #known: Map<string | object, number> = new Map()
  readonly #types: Map<string, number> = new Map()
  readonly #storageIndex: Map<string, number> = new Map()

  /** `attributesOf` gives the attributes that objects of a class are saved with; their order is the order of slots. */
  constructor(attributesOf: (type: ClassType) => readonly string[]) {
    this.#attributesOf = attributesOf
  }

  /** Appends what is no value of the language: a function. */
  add(kind: IValueKind, part: Part): number {
    return this.values.push({ kind: 'table', table: 'IValue', fields: { val_type: IVALUE_KINDS.indexOf(kind), val: part } }) - 1
  }

  /** The number of a value. Throws `NOT_MOBILE` for what the lite interpreter cannot load. Values nest no deeper than the reader's limit allowed. */
  index(value: IValue): number {
    if (value.tag === 'None') return 0
    const key = keyOf(value)
    const known = key === undefined ? undefined : this.#known.get(key)
    if (known !== undefined) return known
    const index = this.#append(value)
    if (key !== undefined) this.#known.set(key, index)
    return index
  }

  #append(value: Exclude<IValue, { tag: 'None' }>): number {
    switch (value.tag) {
      case 'Bool': return this.add('Bool', struct('u8', [Number(value.value)]))
      case 'Int': return this.add('Int', struct('i64', [value.value]))
      case 'Double': return this.add('Double', struct('f64', [value.value]))
      case 'ComplexDouble': return this.add('ComplexDouble', struct('f64', [value.real, value.imag]))
      case 'String': return this.add('String', { kind: 'table', table: 'String', fields: { data: text(value.value) } })
      case 'Device': return this.add('Device', { kind: 'table', table: 'Device', fields: { str: text(value.value) } })
      case 'Tensor': return this.add('TensorMetadata', this.#tensor(value.value))
      case 'Tuple': return this.add('Tuple', { kind: 'table', table: 'Tuple', fields: { items: this.#indices(value.elements) } })
      case 'List': return this.#list(value)
      case 'Dict': return this.add('Dict', {
        kind: 'table', table: 'Dict',
        fields: {
          keys: this.#indices(value.entries.map(([entryKey]) => entryKey)), values: this.#indices(value.entries.map(([, entry]) => entry)),
          annotation_str: annotation({ kind: 'DictType', key: value.keyType, value: value.valueType }),
        },
      })
      case 'Object': return this.#object(value)
      case 'CustomObject': {
        const state = this.index(value.state)
        const typeIndex = this.typeIndex(value.type.name, OBJECT_KINDS.customClass)
        return this.add('Object', { kind: 'table', table: 'Object', fields: { type_index: typeIndex, state } })
      }
      case 'Enum': throw unknown(value.type)
    }
  }

  #indices(values: readonly IValue[]): Part {
    return numbers('u32', values.map((value) => this.index(value)))
  }

  #list(list: ListValue): number {
    const make = LISTS[list.elementType.kind]
    if (make) return this.add(make.kind, { kind: 'table', table: make.kind, fields: { items: make.items(list.elements) } })
    const fields = { items: this.#indices(list.elements), annotation_str: annotation({ kind: 'ListType', element: list.elementType }) }
    return this.add('List', { kind: 'table', table: 'List', fields })
  }

  #object(object: IValue & { tag: 'Object' }): number {
    if (object.pickledState !== undefined) throw unknown(object.type)
    const names = this.#attributesOf(object.type)
    const attrs = this.#indices(names.map((name) => {
      const value = object.slots.get(name)
      if (value === undefined) throw new Error(`${object.type.name} has no value for ${name}`)
      return value
    }))
    const typeIndex = this.typeIndex(object.type.name, OBJECT_KINDS.classWithField, names)
    return this.add('Object', { kind: 'table', table: 'Object', fields: { type_index: typeIndex, attrs } })
  }

  /** The number of a class among the types of objects. */
  typeIndex(name: string, kind: number, attributes?: readonly string[]): number {
    let index = this.#types.get(name)
    if (index === undefined) {
      const fields = { type_name: text(name), type: kind, ...attributes && { attr_names: vectorOf(attributes.map(text)) } }
      index = this.objectTypes.push({ kind: 'table', table: 'ObjectType', fields }) - 1
      this.#types.set(name, index)
    }
    return index
  }

  #tensor({ storage, scalarType, storageOffset, sizes, strides, requiresGrad, quantizer }: Tensor): Part {
    const tooLarge = [storageOffset, ...sizes, ...strides].find((each) => each > MAX_INT32)
    if (tooLarge !== undefined) throw tooLargeFor(`a tensor with a size, stride or offset of ${tooLarge}`)
    return {
      kind: 'table', table: 'TensorMetadata',
      fields: {
        storage_location_index: this.#storage(storage), scalar_type: SCALAR_TYPES[scalarType].code, storage_offset: storageOffset,
        sizes: numbers('i32', sizes), strides: numbers('i32', strides), ...requiresGrad && { requires_grad: true },
        ...quantizer && {
          quantized_schema: {
            kind: 'table', table: 'QuantizedSchema',
            fields: {
              qscheme: QSCHEMES[quantizer.scheme],
              ...quantizer.scheme === 'per_tensor_affine' ? { scale: quantizer.scale, zero_point: Number(quantizer.zeroPoint) } : {
                scales: this.#tensor(quantizer.scales), zero_points: this.#tensor(quantizer.zeroPoints), axis: Number(quantizer.axis),
              },
            },
          },
        },
      },
    }
  }

  #storage(storage: Storage): number {
    let index = this.#storageIndex.get(storage.identity)
    if (index === undefined) {
      const data: Part = { kind: 'data', size: storage.byteLength, align: STORAGE_ALIGNMENT }
      this.storages.set(data, storage)
      index = this.storageParts.push({ kind: 'table', table: 'StorageData', fields: { data } }) - 1
      this.#storageIndex.set(storage.identity, index)
    }
    return index
  }
}

/** Lists that hold their elements themselves. */
const LISTS: Partial<Record<Type['kind'], { readonly kind: 'IntList' | 'DoubleList' | 'BoolList'; readonly items: (elements: readonly IValue[]) => Part }>> = {
  IntType: { kind: 'IntList', items: (elements) => numbers('i64', elements.map((element) => (element as { value: bigint }).value)) },
  FloatType: { kind: 'DoubleList', items: (elements) => numbers('f64', elements.map((element) => (element as { value: number }).value)) },
  BoolType: { kind: 'BoolList', items: (elements) => numbers('u8', elements.map((element) => Number((element as { value: boolean }).value))) },
}

/** A vector of references. */
export function vectorOf(items: readonly Part[]): Part {
  return { kind: 'vector', items }
}

function annotation(type: Type): Part {
  if (unsupportedPart(type)) throw unknown(type)
  return text(pickledTypeString(type))
}

/** What makes a value the same value: its content for scalars, the tensor in a tensor, itself for what has identity. */
function keyOf(value: IValue): string | object | undefined {
  switch (value.tag) {
    case 'Bool': case 'Int': case 'String': case 'Device': return `${value.tag} ${value.value}`
    case 'Double': return `Double ${Object.is(value.value, -0) ? '-0' : value.value}`
    case 'Tensor': return value.value
    case 'List': case 'Dict': case 'Object': case 'CustomObject': return value
    default: return undefined
  }
}

function unknown(type: Type): PetalError {
  return new PetalError({
    code: 'NOT_MOBILE',
    message: `The model holds a value of type ${typeString(type)}, which PyTorch's lite interpreter cannot load.`,
    cause: 'Enums and unions are unknown to it, and so are objects that save themselves with __getstate__, or inside lists and dicts.',
    fix: 'Replace the value by ints, strings or tensors.',
  })
}

/** The refusal of what 32-bit numbers cannot hold. */
export function tooLargeFor(what: string): PetalError {
  return new PetalError({
    code: 'FLATBUFFER_TOO_LARGE',
    message: `A flatbuffer cannot hold ${what}.`,
    cause: 'Its numbers have 32 bits, so that it ends before 2 GiB.',
    fix: 'Write a zip archive: format=ptl.',
  })
}
