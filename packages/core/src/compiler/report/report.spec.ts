import { describe, expect, test } from 'vitest'
import { emitBytecode } from '../emit/bytecode.ts'
import type { Graph } from '../ir/graph.ts'
import { boolValue, doubleValue, intListValue, intValue, NONE, stringValue, tensorValue, tupleValue, type IValue } from '../ir/ivalue.ts'
import { parseGraph } from '../ir/parser.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import { IntType, optionalOf, StringType, TensorType, type Type } from '../ir/types.ts'
import { literal } from './literal.ts'
import { countInstructions, countOperators } from './operators.ts'
import { countElements } from './parameters.ts'
import { PassRecord } from './pass-record.ts'
import { inputsOf, outputsOf } from './ports.ts'
import { warningsOf } from './warnings.ts'

test.each([
  ['None', NONE], ['True', boolValue(true)], ['-3', intValue(-3)], ['2.0', doubleValue(2)], ['0.5', doubleValue(0.5)], ['-0.0', doubleValue(-0)],
  ['-inf', doubleValue(-Infinity)], ['nan', doubleValue(NaN)], ['"a\\"b"', stringValue('a"b')], ['[1, 2]', intListValue([1, 2])],
  ['(1,)', tupleValue([intValue(1)])], ['()', tupleValue([])],
] satisfies [string, IValue][])('the literal %s', (text, value) => {
  expect(literal(value)).toBe(text)
})

describe('operators', () => {
  test('are counted alike in a graph and in its bytecode', () => {
    const graph = parseGraph(`graph(%x : Tensor, %n : int, %c : bool):
      %t : bool = prim::Constant[value=1]()
      %1 : int = prim::Constant[value=1]()
      %y : Tensor = prim::Loop(%n, %t, %x)
        block0(%i : int, %z : Tensor):
          %w : Tensor = prim::If(%c)
            block0():
              %a : Tensor = aten::add(%z, %x, %1)
              -> (%a)
            block1():
              %b : Tensor = aten::relu(%z)
              -> (%b)
          -> (%t, %w)
      %d : int = aten::dim(%y)
      %l : Tensor[] = prim::ListConstruct(%y, %x)
      %u : Tensor = aten::stack(%l, %d)
      %v : Tensor = aten::add(%u, %x, %1)
      return (%v)`)
    const counts = countOperators([graph])
    expect(counts).toEqual({
      'aten::add.Tensor': 2, 'aten::dim': 1, 'aten::relu': 1, 'aten::stack': 1, 'prim::If': 1, 'prim::ListConstruct': 1, 'prim::Loop': 1,
    })
    expect(Object.keys(counts)).toEqual(Object.keys(counts).toSorted())
    expect(countInstructions([emitBytecode(graph, () => 0)])).toEqual(counts)
  })
})

describe('what passes tell', () => {
  test('equal reasons are counted, and known names come first', () => {
    const record = new PassRecord()
    record.changed('later', 2)
    record.changed('conv_bn_fusion', 1)
    record.changed('conv_bn_fusion', 3)
    record.declined('conv_bn_fusion', 'aten::conv2d', 'it is used twice')
    record.declined('conv_bn_fusion', 'aten::conv2d', 'it is used twice')
    record.declined('conv_bn_fusion', 'aten::conv3d', 'it is used twice')
    expect(record.facts(['remove_dropout', 'conv_bn_fusion'], ['remove_dropout'])).toEqual([
      { name: 'remove_dropout', applied: 0, blocked: true, declined: [] },
      {
        name: 'conv_bn_fusion', applied: 4, blocked: false,
        declined: [
          { what: 'aten::conv2d', why: 'it is used twice', count: 2 }, { what: 'aten::conv3d', why: 'it is used twice', count: 1 },
        ],
      },
      { name: 'later', applied: 2, blocked: false, declined: [] },
    ])
  })
})

function schema(returns: Type): FunctionSchema {
  return {
    name: 'forward', overload: '', isVararg: false, isVarret: false,
    arguments: [
      { name: 'self', type: TensorType, kwargOnly: false, isOut: false },
      { name: 'x', type: TensorType, kwargOnly: false, isOut: false },
      { name: 'mode', type: optionalOf(StringType), kwargOnly: false, isOut: false, defaultValue: NONE },
    ],
    returns: [{ name: '', type: returns, kwargOnly: false, isOut: false }],
  }
}

describe('inputs and outputs', () => {
  test('without self, with printed defaults', () => {
    expect(inputsOf(schema(TensorType))).toEqual([{ name: 'x', type: 'Tensor' }, { name: 'mode', type: 'Optional[str]', default: 'None' }])
  })

  test('a tuple is several outputs, named where it is a named one', () => {
    expect(outputsOf(schema(TensorType))).toEqual([{ name: '', type: 'Tensor' }])
    expect(outputsOf(schema({ kind: 'TupleType', elements: [TensorType, IntType] })))
      .toEqual([{ name: '', type: 'Tensor' }, { name: '', type: 'int' }])
    expect(outputsOf(schema({ kind: 'TupleType', name: '__torch__.P', fields: ['a', 'b'], elements: [TensorType, IntType] })))
      .toEqual([{ name: 'a', type: 'Tensor' }, { name: 'b', type: 'int' }])
  })
})

test('elements are counted once, wherever a tensor is', () => {
  const storage = { identity: 's', byteLength: 24, scalarType: 'Float' as const, read: async () => new Uint8Array(24), async *stream() {} }
  const tensor = { scalarType: 'Float' as const, sizes: [2, 3], strides: [3, 1], storageOffset: 0, storage, requiresGrad: false }
  const value = tensorValue(tensor)
  const copies: IValue = { tag: 'List', elementType: TensorType, elements: [tensorValue({ ...tensor })] }
  expect(countElements([tupleValue([value, tensorValue(tensor)]), copies])).toBe(12)
})

function graphWith(line: string): Graph {
  return parseGraph(`graph(%x : Tensor, %f : float):
      ${line}
      return (%x)`)
}

describe('warnings', () => {
  test('nothing to say of an ordinary model', () => {
    expect(warningsOf([graphWith('%y : Tensor = aten::relu(%x)')], ['cpu'])).toEqual([])
  })

  test('weights from another device', () => {
    expect(warningsOf([graphWith('%y : Tensor = aten::relu(%x)')], ['cpu', 'cuda:0'])).toEqual([expect.stringContaining('saved on cuda:0;')])
  })

  test('an operator that came with PyTorch 2', () => {
    const [warning] = warningsOf([graphWith(`%l : int[] = prim::ListConstruct()
      %n : NoneType = prim::Constant()
      %y : Tensor = aten::rms_norm(%x, %l, %n, %n)`)], [])
    expect(warning).toContain('aten::rms_norm came with PyTorch 2 after its last release for phones, 2.1')
  })

  test('an operator that came with PyTorch 2, and that its releases for phones have', () => {
    const [warning] = warningsOf([graphWith(`%n : NoneType = prim::Constant()
      %p : float = prim::Constant[value=0.]()
      %no : bool = prim::Constant[value=0]()
      %y : Tensor = aten::scaled_dot_product_attention(%x, %x, %x, %n, %p, %no, %n, %no)`)], [])
    expect(warning).toContain('aten::scaled_dot_product_attention came with PyTorch 2: lite interpreters older than 2.0')
  })

  test('an operator of a library', () => {
    expect(warningsOf([graphWith('%y : Tensor = torchvision::nms(%x, %x, %f)')], [])).toEqual([expect.stringContaining('torchvision::nms')])
  })
})
