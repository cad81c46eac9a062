import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bytesSource } from '../../archive/byte-source.ts'
import { contiguousStrides, type ScalarType, type Storage, type Tensor } from '../../archive/tensor.ts'
import { PetalError } from '../../errors.ts'
import { classType } from '../../ir/class-type.ts'
import { intListValue, ivalueType, NONE, stringValue, tensorValue, type IValue } from '../../ir/ivalue.ts'
import { parseGraph } from '../../ir/parser.ts'
import { TensorType } from '../../ir/types.ts'
import type { Method, Program } from '../../program.ts'
import { inspectLite, readLite } from '../../report/inspect.ts'
import { emitLite } from '../lite.ts'
import { STORAGE_ALIGNMENT } from './schema.ts'
import { emitFlatbuffer } from './index.ts'

const NET = '__torch__.pkg.Net'

function storage(identity: string, bytes: Uint8Array, scalarType: ScalarType = 'Float'): Storage {
  return { identity, byteLength: bytes.length, scalarType, read: async (a, b) => bytes.subarray(a, b), stream: async function* () { yield bytes } }
}

function tensor(store: Storage, sizes: number[], extra: Partial<Tensor> = {}): Tensor {
  return { scalarType: store.scalarType, sizes, strides: contiguousStrides(sizes), storageOffset: 0, storage: store, requiresGrad: false, ...extra }
}

function program(attributes: Record<string, IValue>, graphs: Record<string, string>): Program {
  const type = classType(NET, { isModule: true })
  for (const [name, value] of Object.entries(attributes)) type.attributes.push({ name, type: ivalueType(value), isParameter: false, isBuffer: false })
  const methods = Object.entries(graphs).map(([name, text]): Method => {
    const graph = parseGraph(text, { types: new Map([[NET, type]]) })
    return {
      name, graph,
      schema: {
        name: `${NET}.${name}`, overload: '', isVararg: false, isVarret: false,
        arguments: graph.inputs.map((value, i) => ({ name: i === 0 ? 'self' : value.debugName!, type: value.type, kwargOnly: false, isOut: false, ...i > 1 && { defaultValue: NONE } })),
        returns: graph.outputs.map((value) => ({ name: '', type: value.type, kwargOnly: false, isOut: false })),
      },
    }
  })
  return { root: { tag: 'Object', type, slots: new Map(Object.entries(attributes)) }, methods, flags: { mobile_optimized: true } }
}

const FLOATS = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer)

function example(): Program {
  return program({
    weight: tensorValue(tensor(storage('w', FLOATS), [2, 2])),
    odd: tensorValue(tensor(storage('odd', new Uint8Array([1, 2, 3]), 'Byte'), [3])),
    history: intListValue([1, 2]),
    names: { tag: 'List', elementType: { kind: 'StringType' }, elements: [stringValue('a'), stringValue('ž')] },
    packed: {
      tag: 'CustomObject', type: classType('__torch__.torch.classes.xnnpack.LinearOpContext'),
      state: { tag: 'Tuple', type: { kind: 'TupleType', elements: [] }, elements: [tensorValue(tensor(storage('w', FLOATS), [4])), NONE, NONE, NONE] },
    },
  }, {
    forward: `graph(%self : ${NET}, %x : Tensor, %s : str?):
      %w : Tensor = prim::GetAttr[name="weight"](%self)
      %h : int[] = prim::GetAttr[name="history"](%self)
      %n : int = prim::Constant[value=-7]()
      %1 : int[] = aten::append(%h, %n)
      %y : Tensor = aten::mm(%x, %w)
      %t : (Tensor, int[]) = prim::TupleConstruct(%y, %h)
      return (%t)`,
    size: `graph(%self : ${NET}, %x : Tensor):
      %d : int = aten::dim(%x)
      return (%d)`,
  })
}

async function bytesOf(file: { size: number; stream(): AsyncIterable<Uint8Array> }): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of file.stream()) parts.push(piece.slice())
  const bytes = new Uint8Array(Buffer.concat(parts))
  expect(bytes.length).toBe(file.size)
  return bytes
}

describe('a flatbuffer', () => {
  test('says what the same program says in a zip archive', async () => {
    const [zip, flat] = await Promise.all([emitLite(example()), emitFlatbuffer(example())].map(async (file) => readLite(bytesSource(await bytesOf(file)))))
    const { bytes: _, ...facts } = zip!.facts
    expect(flat!.facts).toMatchObject({ ...facts, format: 'flatbuffer', bytecodeVersion: 9, runtimes: ['2.0', '2.1'] })
    expect(flat!.needs).toEqual(zip!.needs)
    expect(flat!.facts.methods).toEqual({ size: { inputs: [{ name: 'x', type: 'Tensor' }], outputs: [{ name: '', type: 'int' }] } })
  })

  test('has its storages once, where loaders can use them as they lie', async () => {
    const bytes = await bytesOf(emitFlatbuffer(example()))
    const at = Buffer.from(bytes).indexOf(FLOATS)
    expect(at % STORAGE_ALIGNMENT).toBe(0)
    expect(Buffer.from(bytes).indexOf(FLOATS, at + 1)).toBe(-1)
    expect(Buffer.from(bytes).indexOf(new Uint8Array([3, 0, 0, 0, 1, 2, 3])) % STORAGE_ALIGNMENT).toBe(STORAGE_ALIGNMENT - 4)
  })

  test('is the same every time', async () => {
    const file = emitFlatbuffer(example())
    expect(await bytesOf(file)).toEqual(await bytesOf(file))
    expect(await bytesOf(emitFlatbuffer(example()))).toEqual(await bytesOf(file))
  })

  test.each<[string, Tensor]>([
    ['a model of 2 GiB', tensor({ ...storage('large', FLOATS), byteLength: 2 ** 31 }, [4])],
    ['a size of 2^31', tensor(storage('wide', FLOATS), [0, 2 ** 31])],
  ])('%s does not fit', (_, value) => {
    expect(() => emitFlatbuffer(program({ weight: tensorValue(value) }, { forward: `graph(%self : ${NET}):
      %w : Tensor = prim::GetAttr[name="weight"](%self)
      return (%w)` }))).toThrow(expect.objectContaining({ code: 'FLATBUFFER_TOO_LARGE' }))
  })

  test.each([
    ['written to', '%y : Tensor = aten::add_(%w, %x, %one)', true],
    ['written to through a view', '%v : Tensor = aten::view(%w, %sizes)\n      %y : Tensor = aten::add_(%v, %x, %one)', true],
    ['read', '%y : Tensor = aten::add(%w, %x, %one)', false],
    ['read, and the result written to', '%s : Tensor = aten::add(%w, %x, %one)\n      %y : Tensor = aten::add_(%s, %x, %one)', false],
  ])('a tensor of the file that is %s', (_, code, isRefused) => {
    const given = program({ weight: tensorValue(tensor(storage('w', FLOATS), [4])) }, { forward: `graph(%self : ${NET}, %x : Tensor):
      %one : int = prim::Constant[value=1]()
      %sizes : int[] = prim::ListConstruct(%one)
      %w : Tensor = prim::GetAttr[name="weight"](%self)
      ${code}
      return (%y)` })
    if (isRefused) expect(() => emitFlatbuffer(given)).toThrow(expect.objectContaining({ code: 'FLATBUFFER_READ_ONLY', what: expect.stringContaining("'weight'") as string }))
    else expect(emitFlatbuffer(given).bytecodeVersion).toBe(9)
  })

  test('named tuples are tuples, as loaders take their types for classes', () => {
    const named = program({}, { forward: `graph(%self : ${NET}, %x : Tensor):
      %t : (Tensor) = prim::TupleConstruct(%x)
      return (%t)` })
    named.methods[0]!.graph.outputs[0]!.type = { kind: 'TupleType', elements: [TensorType], name: '__torch__.Point', fields: ['x'] }
    expect(emitLite(named).codes[0]!.types).toEqual(['__torch__.Point[NamedTuple, [[x, Tensor]]]'])
    expect(emitFlatbuffer(named).codes[0]!.types).toEqual([])
  })
})

describe('reading', () => {
  const written = readFileSync(new URL('../../../../test/fixtures/archive/flatbuffer.ptl', import.meta.url))

  test('a flatbuffer of PyTorch', async () => {
    const facts = await inspectLite(bytesSource(written))
    expect(facts).toMatchObject({ format: 'flatbuffer', bytecodeVersion: 9 })
    expect(facts.inputs.length).toBeGreaterThan(0)
    expect(Object.keys(facts.operators.after).length).toBeGreaterThan(0)
  })

  test('a file that was cut or changed anywhere is refused or read, at once', async () => {
    const bytes = await bytesOf(emitFlatbuffer(example()))
    const check = async (changed: Uint8Array): Promise<void> => {
      try { await inspectLite(bytesSource(changed)) } catch (error) { expect(error).toBeInstanceOf(PetalError) }
    }
    for (let length = 8; length < bytes.length; length += 7) await check(bytes.subarray(0, length))
    for (let at = 8; at < bytes.length; at += 3) {
      for (const value of [0, 0x7f, 0xff]) {
        const changed = bytes.slice()
        changed[at] = value
        await check(changed)
      }
    }
  })
})
