import { describe, expect, test } from 'vitest'
import { bytesSource } from '../archive/byte-source.ts'
import { contiguousStrides, SCALAR_TYPES, type ScalarType, type Storage, type Tensor } from '../archive/tensor.ts'
import { openArchive } from '../archive/zip-reader.ts'
import type { PetalError } from '../errors.ts'
import { classType } from '../ir/class-type.ts'
import { Graph } from '../ir/graph.ts'
import {
  boolValue, doubleValue, intListValue, intValue, ivalueType, NONE, stringValue, tensorValue, type IValue, type ObjectValue,
} from '../ir/ivalue.ts'
import { parseGraph } from '../ir/parser.ts'
import type { Argument, FunctionSchema } from '../ir/schema.ts'
import { IntType, listOf, optionalOf, StringType, TensorType, tupleOf, type Type } from '../ir/types.ts'
import { countOperators } from '../report/operators.ts'
import { inspectLite } from '../report/inspect.ts'
import { unpickleRecords } from '../script/unpickle.ts'
import type { Method, Program } from '../program.ts'
import { emitLite } from './lite.ts'

const NET = '__torch__.pkg.___torch_mangle_3.Net'

function storage(identity: string, scalarType: ScalarType, bytes: Uint8Array): Storage {
  return { identity, byteLength: bytes.length, scalarType, read: async (a, b) => bytes.subarray(a, b), stream: async function* () { yield bytes } }
}

/** Only these can want gradients. */
const isFloat = (scalarType: ScalarType): boolean => /Half|Float|Double/.test(scalarType)

function tensor(store: Storage, sizes: number[], extra: Partial<Tensor> = {}): Tensor {
  return { scalarType: store.scalarType, sizes, strides: contiguousStrides(sizes), storageOffset: 0, storage: store, requiresGrad: isFloat(store.scalarType), ...extra }
}

function net(attributes: Record<string, IValue>): ObjectValue {
  const type = classType(NET, { isModule: true })
  for (const [name, value] of Object.entries(attributes)) {
    type.attributes.push({ name, type: ivalueType(value), isParameter: false, isBuffer: false })
  }
  return { tag: 'Object', type, slots: new Map(Object.entries(attributes)) }
}

/** What an optimized module is emitted from. */
function program(root: ObjectValue, methods: readonly Method[]): Program {
  return { root, methods, flags: { mobile_optimized: true } }
}

function argument(name: string, type: Type, defaultValue?: IValue): Argument {
  return { name, type, kwargOnly: false, isOut: false, ...defaultValue && { defaultValue } }
}

function schema(root: ObjectValue, inputs: Argument[], returns: Type): FunctionSchema {
  return {
    name: `${NET}.forward`, overload: '', arguments: [argument('self', root.type), ...inputs], returns: [argument('', returns)],
    isVararg: false, isVarret: false,
  }
}

function method(root: ObjectValue, graph: string, inputs: Argument[], returns: Type, name = 'forward'): Method {
  return { name, schema: schema(root, inputs, returns), graph: parseGraph(graph, { types: new Map([[NET, root.type]]) }) }
}

async function bytesOf(file: { size: number; stream(): AsyncIterable<Uint8Array> }): Promise<Uint8Array> {
  const bytes = new Uint8Array(file.size)
  let at = 0
  for await (const piece of file.stream()) {
    bytes.set(piece, at)
    at += piece.length
  }
  expect(at).toBe(file.size)
  return bytes
}

/** The elements of a tuple that lies in other ones. */
function elementsAt(value: IValue, ...path: number[]): readonly IValue[] {
  type TupleValue = IValue & { tag: 'Tuple' }
  return path.reduce((at, index) => at.elements[index] as TupleValue, value as TupleValue).elements
}

/** A method that returns constants, and what a reader finds in their place. */
async function roundTrip(values: IValue[]): Promise<readonly IValue[]> {
  const root = net({})
  const graph = new Graph()
  graph.block.addInput(root.type)
  const constants = values.map((value) => graph.insertConstant(value))
  graph.block.registerOutput(graph.insertOp('prim::TupleConstruct', constants, tupleOf(constants.map(({ type }) => type))))
  const file = emitLite(program(root, [{ name: 'forward', schema: schema(root, [], graph.outputs[0]!.type), graph }]))
  const archive = await openArchive(bytesSource(await bytesOf(file)))
  const { values: [table] } = await unpickleRecords(archive, [{ name: 'bytecode.pkl', storages: 'constants/' }], {
    resolveClass: (name) => classType(name), parseType: (text) => { expect(text).toBe('List[str]'); return listOf(StringType) },
  })
  return elementsAt(table!, 1, 1, 2, 1)
}

describe('constants', () => {
  test('plain values', async () => {
    const values = [
      NONE, boolValue(true), intValue(-1), intValue(256), intValue(2n ** 63n - 1n), intValue(-(2n ** 63n)), doubleValue(-0), doubleValue(NaN),
      stringValue('žluť 🐴\n'), intListValue([1, 2 ** 40]), { tag: 'List', elementType: StringType, elements: [stringValue('a')] },
      { tag: 'ComplexDouble', real: 1, imag: -2 }, { tag: 'Device', value: 'cpu' },
    ] satisfies IValue[]
    expect(await roundTrip(values)).toEqual(values)
  })

  test('tensors of every element type', async () => {
    for (const scalarType of Object.keys(SCALAR_TYPES) as ScalarType[]) {
      if (scalarType.startsWith('Q')) continue
      const bytes = new Uint8Array(3 * SCALAR_TYPES[scalarType].bytes).map((_, i) => i % 2)
      const [read] = await roundTrip([tensorValue(tensor(storage('s', scalarType, bytes), [3]))])
      const value = (read as IValue & { tag: 'Tensor' }).value
      expect(value).toMatchObject({ scalarType, sizes: [3], strides: [1], storageOffset: 0, requiresGrad: isFloat(scalarType) })
      expect(await value.storage.read(0, bytes.length)).toEqual(bytes)
    }
  })

  test('views of one storage share it, and equal storages share a record', async () => {
    const bytes = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer)
    const first = storage('same', 'Float', bytes)
    const read = await roundTrip([
      tensorValue(tensor(first, [2, 2])), tensorValue(tensor(first, [2], { storageOffset: 2 })),
      tensorValue(tensor(storage('same', 'Float', bytes), [4])), tensorValue(tensor(first, [2, 2], { strides: [1, 2] })),
    ])
    const tensors = read.map((value) => (value as IValue & { tag: 'Tensor' }).value)
    expect(new Set(tensors.map((each) => each.storage)).size).toBe(1)
    expect(tensors.map(({ sizes, strides, storageOffset }) => [sizes, strides, storageOffset]))
      .toEqual([[[2, 2], [2, 1], 0], [[2], [1], 2], [[4], [1], 0], [[2, 2], [1, 2], 0]])
  })

  test('0 dimensions, no elements, quantized', async () => {
    const scales = tensor(storage('scales', 'Double', new Uint8Array(16)), [2])
    const zeroPoints = tensor(storage('zeros', 'Long', new Uint8Array(16)), [2])
    const quantized = storage('q', 'QInt8', new Uint8Array([1, 2, 3, 4]))
    const read = await roundTrip([
      tensor(storage('scalar', 'Float', new Uint8Array(4)), []), tensor(storage('none', 'Float', new Uint8Array()), [0, 3]),
      tensor(quantized, [2, 2], { quantizer: { scheme: 'per_tensor_affine', scale: 0.5, zeroPoint: 1n } }),
      tensor(quantized, [2, 2], { quantizer: { scheme: 'per_channel_affine', scales, zeroPoints, axis: 0n } }),
    ].map(tensorValue))
    expect(read.map((value) => (value as IValue & { tag: 'Tensor' }).value)).toMatchObject([
      { sizes: [] }, { sizes: [0, 3] }, { quantizer: { scale: 0.5, zeroPoint: 1n } }, { quantizer: { scheme: 'per_channel_affine', axis: 0n } },
    ])
  })

  test('an enum is refused', () => {
    const root = net({})
    const graph = new Graph()
    graph.block.addInput(root.type)
    const type = { kind: 'EnumType', name: '__torch__.Color', value: IntType, members: ['RED'] } as const
    graph.block.registerOutput(graph.insertConstant({ tag: 'Enum', type, name: 'RED', value: intValue(1) }))
    expect(() => emitLite(program(root, [{ name: 'forward', schema: schema(root, [], IntType), graph }]))).toThrow('Color')
  })
})

describe('the file', () => {
  const shared = storage('buffer', 'Float', new Uint8Array(16))
  const example = (): { root: ObjectValue; methods: Method[] } => {
    const root = net({ unused: intValue(3), calls: intValue(7), history: intListValue([1]), buffer: tensorValue(tensor(shared, [4])) })
    const forward = method(root, `graph(%self : ${NET}, %n : int, %s : str?):
      %h : int[] = prim::GetAttr[name="history"](%self)
      %c : int = prim::GetAttr[name="calls"](%self)
      %1 : int = aten::add(%c, %n)
       = prim::SetAttr[name="calls"](%self, %1)
      %2 : int[] = aten::append(%h, %1)
      return (%1)`, [argument('n', IntType, intValue(2)), argument('s', optionalOf(StringType), NONE)], IntType)
    const other = method(root, `graph(%self : ${NET}, %x : Tensor):
      %b : Tensor = prim::GetAttr[name="buffer"](%self)
      %c : float = prim::Constant[value=1.5]()
      %y : Tensor = aten::div(%x, %b)
      %t : (Tensor, Tensor) = prim::TupleConstruct(%y, %b)
      return (%t)`, [argument('x', TensorType)], tupleOf([TensorType, TensorType]), 'other')
    return { root, methods: [forward, other] }
  }

  test('has the attributes of the module in the order of the class, then its flags', async () => {
    const { root, methods } = example()
    const file = emitLite(program(root, methods))
    const archive = await openArchive(bytesSource(await bytesOf(file)))
    expect([...archive.records.keys()]).toEqual(['data/0', 'data.pkl', 'bytecode.pkl', 'version'])
    const { values: [data] } = await unpickleRecords(archive, [{ name: 'data.pkl', storages: 'data/' }], {
      resolveClass: (name) => classType(name), parseType: () => listOf(IntType),
    })
    expect([...(data as ObjectValue).slots]).toMatchObject([
      ['unused', { value: 3n }], ['calls', { value: 7n }], ['history', { elements: [{ value: 1n }] }], ['buffer', { tag: 'Tensor' }], ['mobile_optimized', { value: true }],
    ])
    expect(new TextDecoder().decode(await archive.records.get('version')!.read())).toBe('4\n')
  })

  test('is the same every time', async () => {
    const files = [example(), example()].map(({ root, methods }) => emitLite(program(root, methods)))
    const [first, second, third] = [await bytesOf(files[0]!), await bytesOf(files[0]!), await bytesOf(files[1]!)]
    expect(second).toEqual(first)
    expect(third).toEqual(first)
  })

  test('tells inspect what it is', async () => {
    const { root, methods } = example()
    const facts = await inspectLite(bytesSource(await bytesOf(emitLite(program(root, methods)))))
    expect(facts.inputs).toEqual([{ name: 'n', type: 'int', default: '2' }, { name: 's', type: 'Optional[str]', default: 'None' }])
    expect(facts.outputs).toEqual([{ name: '', type: 'int' }])
    expect(facts.operators.after).toEqual(countOperators(methods.map(({ graph }) => graph)))
    expect(facts).toMatchObject({ bytecodeVersion: 8, operatorVersion: 4, parameters: 4 })
  })

  test.each([['aten::gelu', 10, '.data/version'], ['aten::relu', 3, 'version']])('%s needs version %i', async (operator, version, record) => {
    const root = net({})
    const inputs = operator === 'aten::gelu' ? '%x, %s' : '%x'
    const file = emitLite(program(root, [method(root, `graph(%self : ${NET}, %x : Tensor, %s : str):
      %y : Tensor = ${operator}(${inputs})
      return (%y)`, [argument('x', TensorType), argument('s', StringType)], TensorType)]))
    expect(file.operatorVersion).toBe(version)
    expect((await openArchive(bytesSource(await bytesOf(file)))).records.has(record)).toBe(true)
  })

  test('an attribute that is an object of unknown state is refused', () => {
    const type = classType('__torch__.Packed')
    const root = net({ packed: { tag: 'Object', type, slots: new Map(), pickledState: NONE } })
    const forward = method(root, `graph(%self : ${NET}):
      %p : __torch__.Packed = prim::GetAttr[name="packed"](%self)
      return (%p)`, [], type)
    let error: unknown
    try { emitLite(program(root, [forward])) } catch (thrown) { error = thrown }
    expect((error as PetalError).code).toBe('NOT_MOBILE')
  })
})
