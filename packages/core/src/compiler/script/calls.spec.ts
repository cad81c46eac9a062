import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/refusal.ts'
import { allNodes, Graph, toIValue } from '../ir/graph.ts'
import { requiresNewerRuntime } from '../ir/ops/index.ts'
import { parseSchema } from '../ir/schema-parser.ts'
import { schemaName } from '../ir/schema.ts'
import { parseAnnotationString } from '../ir/type-parser.ts'
import { annotationString } from '../ir/types.ts'
import { emitBuiltinCall, matchFunctionSchema, tryConvertToType, type NamedValue } from './schema-matching.ts'

const RANGE = { file: 'code/__torch__.py', line: 7 }

function inputs(graph: Graph, ...types: string[]): NamedValue[] {
  return types.map((type) => ({ value: graph.block.addInput(parseAnnotationString(type)) }))
}

function kinds(graph: Graph): string[] {
  return [...allNodes(graph.block)].map((node) => (node.schema ? schemaName(node.schema) : node.kind))
}

describe('emitBuiltinCall', () => {
  it('completes a call with constants for defaults', () => {
    const graph = new Graph()
    const output = emitBuiltinCall(graph, 'aten::conv2d', inputs(graph, 'Tensor', 'Tensor'), [], RANGE)
    expect(output.node.inputs.slice(2).map((value) => toIValue(value)?.tag)).toEqual(['None', 'List', 'List', 'List', 'Int'])
    expect(output.node.range).toEqual(RANGE)
  })

  it('puts nothing into the graph for overloads that do not fit', () => {
    const graph = new Graph()
    emitBuiltinCall(graph, 'aten::add', inputs(graph, 'Tensor', 'Tensor'), [], RANGE)
    expect(kinds(graph)).toEqual(['prim::Constant', 'aten::add.Tensor'])
  })

  it('repeats a number for a list of a length', () => {
    const graph = new Graph()
    const { node } = emitBuiltinCall(graph, 'aten::max_pool2d', inputs(graph, 'Tensor', 'int'), [], RANGE)
    expect(node.input(1).node.kind).toBe('prim::ListConstruct')
    expect(node.input(1).node.inputs.map((value) => value.id)).toEqual([graph.inputs[1]!.id, graph.inputs[1]!.id])
  })

  it('gathers positional arguments into a list', () => {
    const graph = new Graph()
    const { node } = emitBuiltinCall(graph, 'aten::view', inputs(graph, 'Tensor', 'int', 'Tensor'), [], RANGE)
    expect(kinds(graph)).toEqual(['aten::IntImplicit', 'prim::ListConstruct', 'aten::view'])
    expect(node.inputs.length).toBe(2)
  })

  it('packs several outputs into a tuple with the names that the schema gives', () => {
    const graph = new Graph()
    const output = emitBuiltinCall(graph, 'aten::max', inputs(graph, 'Tensor', 'int'), [], RANGE)
    expect(output.node.kind).toBe('prim::TupleConstruct')
    expect(output.type).toMatchObject({ kind: 'TupleType', fields: ['values', 'indices'] })
  })

  it('binds type variables', () => {
    const graph = new Graph()
    expect(annotationString(emitBuiltinCall(graph, 'aten::items', inputs(graph, 'Dict[str, List[int]]'), [], RANGE).type)).toBe('List[Tuple[str, List[int]]]')
    expect(() => emitBuiltinCall(graph, 'aten::append', inputs(graph, 'List[int]', 'str'), [], RANGE)).toThrow('No form of aten::append')
  })

  it('takes the receiver as self', () => {
    const graph = new Graph()
    const [self] = inputs(graph, 'Tensor')
    expect(schemaName(emitBuiltinCall(graph, 'aten::size', [], [], RANGE, self!).node.schema!)).toBe('aten::size')
  })

  it('marks calls that only PyTorch 2 understands', () => {
    const graph = new Graph()
    const [sequences, side] = inputs(graph, 'List[Tensor]', 'str')
    const newer = emitBuiltinCall(graph, 'aten::pad_sequence', [sequences!], [{ ...side!, name: 'padding_side' }], RANGE)
    expect(requiresNewerRuntime(newer.node.schema!)).toBe(true)
    expect(requiresNewerRuntime(emitBuiltinCall(graph, 'aten::pad_sequence', [sequences!], [], RANGE).node.schema!)).toBe(false)
  })

  it('keeps integer division of old archives', () => {
    const graph = new Graph()
    const output = emitBuiltinCall(graph, 'aten::div', inputs(graph, 'Tensor', 'Tensor'), [], RANGE, undefined, 3)
    expect(output.node.kind).toBe('prim::If')
    const [exact, truncated] = output.node.blocks.map((block) => block.outputs[0]!.node)
    expect([exact!.schema!.overload, truncated!.schema!.overload]).toEqual(['Tensor', 'Tensor_mode'])
    expect(toIValue(truncated!.input(2))).toEqual({ tag: 'String', value: 'trunc' })
    expect(emitBuiltinCall(graph, 'aten::div', inputs(graph, 'Tensor', 'Tensor'), [], RANGE, undefined, 4).node.kind).toBe('aten::div')
  })

  it('names an unknown operator and what it may have been', () => {
    const graph = new Graph()
    const error = refusalOf(() => emitBuiltinCall(graph, 'aten::conv2', inputs(graph, 'Tensor'), [], RANGE))
    expect(error).toMatchObject({ code: 'UNKNOWN_OPERATOR', location: { file: 'code/__torch__.py', line: 7 } })
    expect(error.message).toContain('aten::conv2d')
  })

  it('says why no overload fits', () => {
    const graph = new Graph()
    const error = refusalOf(() => emitBuiltinCall(graph, 'aten::relu', inputs(graph, 'str'), [], RANGE))
    expect(error).toMatchObject({ code: 'NO_MATCHING_OPERATOR' })
    expect(error.message).toContain('\'self\' is a Tensor, not a str')
    expect(kinds(graph)).toEqual([])
  })
})

describe('conversions', () => {
  it('makes a list of a tuple, reading its elements once', () => {
    const graph = new Graph()
    const [tuple] = inputs(graph, 'Tuple[int, int]')
    const list = tryConvertToType(graph, parseAnnotationString('List[int]'), tuple!.value, RANGE)
    expect(annotationString(list.type)).toBe('List[int]')
    expect(kinds(graph)).toEqual(['prim::TupleUnpack', 'prim::ListConstruct'])
  })

  it('converts inside tuples', () => {
    const graph = new Graph()
    const [tuple] = inputs(graph, 'Tuple[Tensor, int]')
    expect(annotationString(tryConvertToType(graph, parseAnnotationString('Tuple[float, int]'), tuple!.value, RANGE).type)).toBe('Tuple[float, int]')
    expect(kinds(graph)).toEqual(['prim::TupleUnpack', 'aten::FloatImplicit', 'prim::TupleConstruct'])
  })

  it('matches calls of script functions', () => {
    const graph = new Graph()
    const schema = parseSchema('f(Tensor self, int[] sizes, float scale=2., *, str mode) -> (int, t)'.replace(', t', ', Tensor'))
    const [self, sizes, mode] = inputs(graph, 'Tensor', 'Tuple[int, int]', 'str')
    const matched = matchFunctionSchema(schema, graph, [self!, sizes!], [{ ...mode!, name: 'mode' }], RANGE)
    expect(matched.inputs.map((value) => annotationString(value.type))).toEqual(['Tensor', 'List[int]', 'float', 'str'])
    expect(refusalOf(() => matchFunctionSchema(schema, graph, [self!], [], RANGE)).message).toContain('\'sizes\' is missing')
    expect(refusalOf(() => matchFunctionSchema(schema, graph, [self!, sizes!], [{ ...mode!, name: 'mood' }], RANGE)).message).toContain('\'mode\' is missing')
  })
})
