import type { ByteSource } from '../archive/byte-source.ts'
import { contiguousStrides, SCALAR_TYPES, type ScalarType, type Storage, type Tensor } from '../archive/tensor.ts'
import type { BytecodeOperator, Instruction } from '../emit/emitter.ts'
import { FILE_IDENTIFIER, INSTRUCTION_BYTES, IVALUE_KINDS, OBJECT_KINDS, OPCODE_NUMBERS, type IValueKind } from '../emit/flatbuffer/schema.ts'
import { OPCODES, type Opcode } from '../emit/opcodes.ts'
import { classType } from '../ir/class-type.ts'
import { boolValue, doubleValue, intValue, NONE, stringValue, tensorValue, tupleValue, type IValue } from '../ir/ivalue.ts'
import { AnyType, BoolType, FloatType, IntType } from '../ir/types.ts'
import { FlatbufferView, type TableView } from './flatbuffer-view.ts'

/** A method as a file for the lite interpreter holds it. */
export interface StoredMethod {
  readonly name: string
  readonly instructions: readonly Instruction[]
  readonly operators: readonly BytecodeOperator[]
  readonly arguments: readonly StoredArgument[] | undefined
  readonly returns: readonly StoredArgument[] | undefined
}

/** An argument or a result. */
export interface StoredArgument {
  readonly name: string
  readonly type: string
  readonly defaultValue: IValue
}

/** What a file for the lite interpreter holds, whatever it is written into. */
export interface StoredModule {
  readonly bytecodeVersion: number
  readonly operatorVersion: number
  readonly methods: readonly StoredMethod[]
  /** The module and the constants of methods. */
  readonly values: readonly IValue[]
}

/** An instruction by its name. Throws what `broken` makes for one that the lite interpreter has not. */
export function knownOpcode(name: string, broken: (why: string) => Error): Opcode {
  const known = OPCODES.find((op) => op === name)
  if (known === undefined) throw broken(`it has the unknown instruction '${name}'`)
  return known
}

/** Whether a file says that it is a flatbuffer of PyTorch's. */
export async function isFlatbuffer(source: ByteSource): Promise<boolean> {
  if (source.size < 8) return false
  return new TextDecoder('latin1').decode(await source.read(4, 8)) === FILE_IDENTIFIER
}

/** Reads what a flatbuffer says; of tensors everything but their bytes. `broken` makes the error for what cannot be. */
export async function readFlatbuffer(source: ByteSource, broken: (why: string) => Error): Promise<StoredModule> {
  const view = new FlatbufferView(source, broken)
  const module = await view.table('Module', 0)
  const reader = new ModuleReader(view, module, broken)
  const values = await reader.values()
  const methods: StoredMethod[] = []
  for (const index of await view.indices(module, 'methods')) methods.push(await reader.method(index))
  return {
    bytecodeVersion: await view.number(module, 'bytecode_version'), operatorVersion: await view.number(module, 'operator_version'),
    methods, values: [values[await view.number(module, 'state_obj')] ?? NONE, ...reader.constants],
  }
}

/** The text of an extra file in a flatbuffer; undefined where it has none of that name. */
export async function flatbufferExtraFile(source: ByteSource, name: string, broken: (why: string) => Error): Promise<string | undefined> {
  const view = new FlatbufferView(source, broken)
  for (const file of await view.tables(await view.table('Module', 0), 'extra_files', 'ExtraFile')) {
    if (await view.string(file, 'name') === name) return await view.string(file, 'content')
  }
  return undefined
}

const SCALAR_TYPE_OF: ReadonlyMap<number, ScalarType> = new Map(Object.entries(SCALAR_TYPES).map(([name, { code }]) => [code, name as ScalarType]))

function unread(): never {
  throw new Error('the bytes of a described file are not read')
}

class ModuleReader {
  readonly constants: IValue[] = []
  readonly #view: FlatbufferView
  readonly #module: TableView
  readonly #broken: (why: string) => Error
  readonly #values: IValue[] = []
  readonly #functions: Map<number, TableView> = new Map()
  readonly #storages: Map<number, Storage> = new Map()
  #types: TableView[] = []

  constructor(view: FlatbufferView, module: TableView, broken: (why: string) => Error) {
    this.#view = view
    this.#module = module
    this.#broken = broken
  }

  /** All values by number; those of functions are None. */
  async values(): Promise<readonly IValue[]> {
    this.#types = await this.#view.tables(this.#module, 'object_types', 'ObjectType')
    for (const table of await this.#view.tables(this.#module, 'ivalues', 'IValue')) {
      const kind = IVALUE_KINDS[await this.#view.number(table, 'val_type')]
      const at = await this.#view.target(table, 'val')
      if (kind === undefined || (at === undefined && kind !== 'NONE')) throw this.#broken('a value in it is of no known kind')
      this.#values.push(kind === 'NONE' ? NONE : await this.#value(kind, at!))
    }
    return this.#values
  }

  /** A value that was read before: what a value holds comes before it. */
  #known(index: number): IValue {
    const value = this.#values[index]
    if (value === undefined) throw this.#broken(`a value in it refers to number ${index}, which is not before it`)
    return value
  }

  async #value(kind: IValueKind, at: number): Promise<IValue> {
    switch (kind) {
      case 'NONE': return NONE
      case 'Int': return intValue((await this.#view.view(at, 8)).getBigInt64(0, true))
      case 'Bool': return boolValue((await this.#view.view(at, 1)).getUint8(0) !== 0)
      case 'Double': return doubleValue((await this.#view.view(at, 8)).getFloat64(0, true))
      case 'ComplexDouble': {
        const view = await this.#view.view(at, 16)
        return { tag: 'ComplexDouble', real: view.getFloat64(0, true), imag: view.getFloat64(8, true) }
      }
      case 'Function':
        this.#functions.set(this.#values.length, await this.#view.tableAt('Function', at))
        return NONE
      case 'TensorMetadata': return tensorValue(await this.#tensor(await this.#view.tableAt('TensorMetadata', at)))
      default: return await this.#held(kind, await this.#view.tableAt(kind, at))
    }
  }

  async #held(kind: IValueKind, table: TableView): Promise<IValue> {
    const view = this.#view
    const elements = async (field: string): Promise<IValue[]> => (await view.indices(table, field)).map((index) => this.#known(index))
    switch (kind) {
      case 'String': return stringValue(await view.string(table, 'data'))
      case 'Device': return { tag: 'Device', value: await view.string(table, 'str') }
      case 'Tuple': return tupleValue(await elements('items'))
      case 'List': return { tag: 'List', elementType: AnyType, elements: await elements('items') }
      case 'IntList': return { tag: 'List', elementType: IntType, elements: await this.#numbers(table, 8, (data, i) => intValue(data.getBigInt64(8 * i, true))) }
      case 'DoubleList': return { tag: 'List', elementType: FloatType, elements: await this.#numbers(table, 8, (data, i) => doubleValue(data.getFloat64(8 * i, true))) }
      case 'BoolList': return { tag: 'List', elementType: BoolType, elements: await this.#numbers(table, 1, (data, i) => boolValue(data.getUint8(i) !== 0)) }
      case 'Dict': {
        const [keys, values] = [await elements('keys'), await elements('values')]
        if (keys.length !== values.length) throw this.#broken('a dict in it has not as many keys as values')
        return { tag: 'Dict', keyType: AnyType, valueType: AnyType, entries: keys.map((key, i) => [key, values[i]!] as const) }
      }
      case 'EnumValue': return this.#known(await view.number(table, 'value'))
      default: return await this.#object(table)
    }
  }

  async #numbers(table: TableView, size: number, make: (data: DataView, index: number) => IValue): Promise<IValue[]> {
    const { view, count } = await this.#view.vector(table, 'items', size)
    return Array.from({ length: count }, (_, i) => make(view, i))
  }

  async #object(table: TableView): Promise<IValue> {
    const type = this.#types[await this.#view.number(table, 'type_index')]
    if (type === undefined) throw this.#broken('an object in it has no class')
    const named = classType(await this.#view.string(type, 'type_name'))
    if (await this.#view.number(type, 'type') !== OBJECT_KINDS.classWithField) {
      return { tag: 'CustomObject', type: named, state: this.#known(await this.#view.number(table, 'state')) }
    }
    const names = await this.#view.strings(type, 'attr_names')
    const values = (await this.#view.indices(table, 'attrs')).map((index) => this.#known(index))
    if (names.length !== values.length) throw this.#broken('an object in it has not as many values as attributes')
    return { tag: 'Object', type: named, slots: new Map(names.map((name, i) => [name, values[i]!])) }
  }

  async #tensor(table: TableView): Promise<Tensor> {
    const scalarType = SCALAR_TYPE_OF.get(await this.#view.number(table, 'scalar_type'))
    if (scalarType === undefined) throw this.#broken('a tensor in it has elements of no known type')
    const { view, count } = await this.#view.vector(table, 'sizes', 4)
    const sizes = Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true))
    if (sizes.some((size) => size < 0)) throw this.#broken('a tensor in it has a negative size')
    return {
      scalarType, sizes, strides: contiguousStrides(sizes), storageOffset: await this.#view.number(table, 'storage_offset'),
      storage: this.#storage(await this.#view.number(table, 'storage_location_index'), scalarType), requiresGrad: false,
    }
  }

  /** Only to tell storages apart: nobody reads the weights of a file that is described. */
  #storage(index: number, scalarType: ScalarType): Storage {
    let storage = this.#storages.get(index)
    if (storage === undefined) {
      storage = { identity: String(index), byteLength: 0, scalarType, read: unread, stream: unread }
      this.#storages.set(index, storage)
    }
    return storage
  }

  async method(index: number): Promise<StoredMethod> {
    const table = this.#functions.get(index)
    if (table === undefined) throw this.#broken(`it has no method number ${index}`)
    const view = this.#view
    const { view: code, count } = await view.vector(table, 'instructions', INSTRUCTION_BYTES)
    const instructions = Array.from({ length: count }, (_, i): Instruction => {
      const at = i * INSTRUCTION_BYTES
      const number = code.getUint8(at)
      return { op: knownOpcode(OPCODE_NUMBERS[number] ?? String(number), this.#broken), x: code.getInt32(at + 4, true), n: code.getUint16(at + 2, true) }
    })
    const operators: BytecodeOperator[] = []
    for (const operator of await view.tables(table, 'operators', 'Operator')) {
      operators.push({
        name: await view.string(operator, 'name'), overload: await view.string(operator, 'overload_name'),
        numArgs: await view.number(operator, 'num_args_serialized'),
      })
    }
    for (const constant of await view.indices(table, 'constants')) this.constants.push(this.#known(constant))
    const schema = await view.target(table, 'schema')
    const schemaTable = schema === undefined ? undefined : await view.tableAt('Schema', schema)
    return {
      name: await view.string(table, 'qn'), operators, instructions,
      arguments: schemaTable && await this.#arguments(schemaTable, 'arguments'), returns: schemaTable && await this.#arguments(schemaTable, 'returns'),
    }
  }

  async #arguments(schema: TableView, field: string): Promise<StoredArgument[]> {
    const found: StoredArgument[] = []
    for (const each of await this.#view.tables(schema, field, 'Arg')) {
      found.push({
        name: await this.#view.string(each, 'name'), type: await this.#view.string(each, 'type'),
        defaultValue: this.#known(await this.#view.number(each, 'default_value')),
      })
    }
    return found
  }
}
