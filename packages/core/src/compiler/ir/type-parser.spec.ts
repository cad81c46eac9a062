import { describe, expect, it } from 'vitest'
import { classType } from './class-type.ts'
import { MAX_TYPE_DEPTH } from './text-cursor.ts'
import { parseAnnotationString, parseTypeExpression, type TypeResolver } from './type-parser.ts'
import { annotationString, typeString, type Type } from './types.ts'

const NET = classType('__torch__.Net', { isModule: true })
const PAIR: Type = { kind: 'TupleType', name: '__torch__.Pair', elements: [{ kind: 'IntType' }, { kind: 'TensorType' }], fields: ['a', 'b'] }
const resolve: TypeResolver = (name) => ({ '__torch__.Net': NET as Type, '__torch__.Pair': PAIR })[name]

describe('types in graph notation', () => {
  it.each([
    'int', 'Tensor?', 'int[]', 'Tensor?[]', 'int[][]', 'float[]?', 'Dict(str, Tensor)', '(int, Tensor)', '()', '(str, t)[]', 'Union(int, str)',
    'Future(Tensor)', 'RRef(t)', 'Await(t)', 'Device', 'Scalar', 'Any', 'NoneType', 'complex', 'Generator?', 'Stream', 'Storage', 'QScheme',
    '__torch__.Net', 'Dict(int, (Tensor, __torch__.Net?))[]', '__torch__.torch.classes.xnnpack.Conv2dOpContext',
  ])('reads %s back', (text) => {
    expect(typeString(parseTypeExpression(text, resolve))).toBe(text)
  })

  it('takes what the JIT sees as ints for ints', () => {
    for (const name of ['ScalarType', 'Layout', 'MemoryFormat', 'SymInt']) expect(parseTypeExpression(name)).toEqual({ kind: 'IntType' })
  })

  it('reads tensors with sizes as tensors', () => {
    expect(parseTypeExpression('Float(1, 3, *, strides=[9, 3, 1], requires_grad=0, device=cpu)')).toEqual({ kind: 'TensorType' })
  })

  it.each(['', 'Tensr', 'int[', 'Dict(str)', '(int', 'int]', 'Future(', '__torch__.Unknown', 'int?int', 'constructor.x', '\u0000'])('refuses %j', (text) => {
    expect(() => parseTypeExpression(text, resolve)).toThrow(expect.objectContaining({ code: 'BAD_TYPE' }))
  })
})

describe('types in code', () => {
  it.each([
    'int', 'Optional[Tensor]', 'List[int]', 'List[Optional[Tensor]]', 'Dict[str, Tensor]', 'Tuple[int, Tensor]', 'Tuple[()]', 'Union[int, str]',
    'Future[Tensor]', 'number', 'Device', 'Any', 'NoneType', '__torch__.Net', '__torch__.Pair', 'Dict[str, List[Tuple[int, __torch__.Net]]]',
    '__torch__.torch.classes.quantized.Conv2dPackedParamsBase',
  ])('reads %s back', (text) => {
    expect(annotationString(parseAnnotationString(text, resolve))).toBe(text)
  })

  it('gives the very class that the resolver knows', () => {
    expect(parseAnnotationString('List[__torch__.Net]', resolve)).toEqual({ kind: 'ListType', element: NET })
    expect((parseAnnotationString('__torch__.Net', resolve))).toBe(NET)
  })

  it('reads unions with None of one other type as optional', () => {
    expect(annotationString(parseAnnotationString('Union[int, NoneType]'))).toBe('Optional[int]')
  })

  it.each(['List[int, int]', 'Dict[int]', 'Foo', 'List', 'Optional[', 'Tuple[int', 'hasOwnProperty', 'toString[int]'])('refuses %j', (text) => {
    expect(() => parseAnnotationString(text)).toThrow(expect.objectContaining({ code: 'BAD_TYPE' }))
  })
})

describe('hostile text', () => {
  it.each([
    ['(', 1e6], ['int[]', 1], ['Future(', 1e5],
  ] as const)('is refused in bounded time: %s repeated', (unit, times) => {
    const text = unit === 'int[]' ? `int${'[]'.repeat(1e6)}` : unit.repeat(times)
    expect(() => parseTypeExpression(text)).toThrow(expect.objectContaining({ code: 'BAD_TYPE' }))
    expect(() => parseAnnotationString('List['.repeat(1e5))).toThrow(`deeper than ${MAX_TYPE_DEPTH}`)
  })
})
