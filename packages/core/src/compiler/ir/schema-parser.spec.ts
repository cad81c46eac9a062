import { describe, expect, it } from 'vitest'
import { parseSchema } from './schema-parser.ts'
import { schemaToString } from './schema-printer.ts'

describe('parseSchema', () => {
  it('reads arguments, defaults, lists of a length and keyword-only arguments', () => {
    const schema = parseSchema('aten::f.over(Tensor(a!) self, int[2] stride=1, float[]? scales=None, *, Scalar alpha=1, bool b=False) -> Tensor(a!)')
    expect([schema.name, schema.overload]).toEqual(['aten::f', 'over'])
    expect(schema.arguments.map(({ name, kwargOnly, size }) => [name, kwargOnly, size])).toEqual([
      ['self', false, undefined], ['stride', false, 2], ['scales', false, undefined], ['alpha', true, undefined], ['b', true, undefined],
    ])
    expect(schema.arguments[1]!.defaultValue).toEqual({
      tag: 'List', elementType: { kind: 'IntType' }, elements: [{ tag: 'Int', value: 1n }, { tag: 'Int', value: 1n }],
    })
    expect(schema.arguments[3]!.defaultValue).toEqual({ tag: 'Int', value: 1n })
    expect(schema.returns[0]!.alias).toEqual({ isWrite: true, before: ['a'], after: ['a'] })
  })

  it.each([
    ['int x=-100', { tag: 'Int', value: -100n }], ['int x=9223372036854775807', { tag: 'Int', value: 9223372036854775807n }],
    ['float x=1', { tag: 'Double', value: 1 }], ['float x=1e-05', { tag: 'Double', value: 1e-5 }], ['Scalar x=0.5', { tag: 'Double', value: 0.5 }],
    ['float? x=1', { tag: 'Double', value: 1 }], ['int? x=long', { tag: 'Int', value: 4n }],
    ['MemoryFormat x=contiguous_format', { tag: 'Int', value: 0n }], ['int x=Mean', { tag: 'Int', value: 1n }], ['Layout x=strided', { tag: 'Int', value: 0n }],
    ['complex x=2j', { tag: 'ComplexDouble', real: 0, imag: 2 }], ['str x="a\\n\\"\\\\\\101"', { tag: 'String', value: 'a\n"\\A' }],
    ['str x=\'it\'', { tag: 'String', value: 'it' }], ['Device x="cpu"', { tag: 'Device', value: 'cpu' }], ['Tensor? x=None', { tag: 'None' }],
    ['int[] x=[]', { tag: 'List', elementType: { kind: 'IntType' }, elements: [] }],
    ['int[] x=[0, -1]', { tag: 'List', elementType: { kind: 'IntType' }, elements: [{ tag: 'Int', value: 0n }, { tag: 'Int', value: -1n }] }],
  ])('reads the default of %s', (argument, value) => {
    expect(parseSchema(`a::b(${argument}) -> ()`).arguments[0]!.defaultValue).toEqual(value)
  })

  it.each([
    ['Tensor(a!) x', { isWrite: true, before: ['a'], after: ['a'] }], ['t(c -> *) x', { isWrite: false, before: ['c'], after: ['*'] }],
    ['Tensor(a|b) x', { isWrite: false, before: ['a', 'b'], after: ['a', 'b'] }],
    ['Tensor(a!)[] x', { isWrite: true, before: [], after: [], contained: { isWrite: true, before: ['a'], after: ['a'] } }],
  ])('reads the alias annotation of %s', (argument, alias) => {
    expect(parseSchema(`a::b(${argument}) -> ()`).arguments[0]!.alias).toEqual(alias)
  })

  it('marks outputs that are written into', () => {
    const schema = parseSchema('aten::f.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)')
    expect(schema.arguments.map(({ isOut }) => isOut)).toEqual([false, true])
  })

  it.each([
    'prim::x(...) -> ...', 'a::b(Any x, ...) -> (int, ...)', 'a::b() -> ()', 'a::b(Dict(str, t) self) -> ((str, t)[])', 'a::b(Tensor x) -> (Tensor values, Tensor indices)',
    'a::b(t[](a!) self, t(c -> *) el) -> t[](a!)', 'a::b(Dict(str, t)(a!) self, str k) -> t(*)?', 'a::b(int[2]? x=None, str s="\\"\\\\") -> Tensor(a)[]',
    'a::b(int[] x=[0, 0], int[2] y=0) -> Tensor', 'a::b(__torch__.torch.classes.x.Y p) -> ((int, int))', 'f(int x) -> int',
  ])('prints %s back', (text) => {
    expect(schemaToString(parseSchema(text))).toBe(text)
  })

  it.each([
    '', 'a::b', 'a::b(', 'a::b()', 'a::b() ->', 'a::b(int) -> int', 'a::b(int x=) -> int', 'a::b(int x=foo) -> int', 'a::b(..., int x) -> int',
    'a::b(int x) -> int extra more', 'a::b(int[1000000000] x=1) -> int', 'a::b(str x="open) -> int', 'a::b(Nope x) -> int', `a::b(${'('.repeat(1e5)}`,
  ])('refuses %j', (text) => {
    expect(() => parseSchema(text)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^BAD_(SCHEMA|TYPE)$/) as string }))
  })
})
