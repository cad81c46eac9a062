import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/refusal.ts'
import type { Expr } from './ast.ts'
import { parserOf } from './parser.ts'
import { classMembers, indexSource, type ClassPart } from './source-index.ts'

const parse = (text: string): Expr => parserOf({ name: 'code/t.py', text }).wholeExpression()

function statements(text: string): ReturnType<ReturnType<typeof parserOf>['statements']> {
  return parserOf({ name: 'code/t.py', text }).statements()
}

describe('expressions', () => {
  it.each([
    ['12', { kind: 'Int', value: 12n }],
    ['2.', { kind: 'Float', value: 2 }],
    ['1.0000000000000001e-05', { kind: 'Float', value: 1e-5 }],
    ['3.j', { kind: 'Imaginary', value: 3 }],
    ['"a\\n\\"\\\\\\303\\251\\t"', { kind: 'String', value: 'a\n"\\é\t' }],
    ['\'x\' "y"', { kind: 'String', value: 'xy' }],
    ['()', { kind: 'Tuple', elements: [] }],
    ['(a,)', { kind: 'Tuple', elements: [{ kind: 'Name', name: 'a' }] }],
    ['(a)', { kind: 'Name', name: 'a' }],
    ['-1', { kind: 'Unary', operator: '-', operand: { value: 1n } }],
    ['1.+2.j', { kind: 'Binary', operator: '+' }],
    ['{"a": 1, }', { kind: 'Dict', keys: [{ value: 'a' }], values: [{ value: 1n }] }],
    ['f(a, b=c, )', { kind: 'Call', args: [{ name: 'a' }], keywords: [{ name: 'b', value: { name: 'c' } }] }],
    ['(t)[1:-1]', { kind: 'Subscript', indices: [{ kind: 'Slice', start: { value: 1n } }] }],
    ['x[:, ::2]', { kind: 'Subscript', indices: [{ kind: 'Slice' }, { kind: 'Slice', step: { value: 2n } }] }],
  ])('%s', (text, expected) => {
    expect(parse(text)).toMatchObject(expected)
  })

  it('counts lines inside of brackets', () => {
    expect(parse('f(a,\n  b)')).toMatchObject({ args: [{ line: 1 }, { line: 2 }] })
  })
})

describe('statements', () => {
  it('reads blocks, unpacking and declarations', () => {
    expect(statements('if a:\n  b, c, = d\nelse:\n  pass\nx, y = 1, z\nn : Optional[int] = None\nreturn x\n')).toMatchObject([
      { kind: 'If', body: [{ kind: 'Assign', target: { kind: 'Tuple' }, value: { kind: 'Name' } }], orElse: [{ kind: 'Pass', line: 4 }] },
      { kind: 'Assign', target: { kind: 'Tuple' }, value: { kind: 'Tuple' }, line: 5 },
      { kind: 'Assign', type: { kind: 'Subscript' }, value: { kind: 'None' } },
      { kind: 'Return' },
    ])
  })

  it('needs no line end after the last line, and passes over comments and blank lines', () => {
    expect(statements('# c\n\nfor i in range(n):\n  # d\n\n  x = i')).toMatchObject([{ kind: 'For', line: 3, body: [{ line: 6 }] }])
  })
})

describe('refusals', () => {
  it('shows the place', () => {
    const error = refusalOf(() => statements('a = 1\nb = = 2\nc = 3\n'))
    expect(error.code).toBe('UNSUPPORTED_SYNTAX')
    expect(error.message).toContain('code/t.py:2: expected an expression but found \'=\'')
    expect(error.location).toEqual({ file: 'code/t.py', line: 2, frame: '  1 | a = 1\n> 2 | b = = 2\n  3 | c = 3\n  4 | ' })
  })

  it.each([
    ['f(a', 'a bracket is not closed'],
    ['"abc', 'a string is not closed'],
    ['"\\q"', 'unknown escape'],
    ['"\\377"', 'unknown escape'],
    ['a ? b', 'unexpected character'],
    ['1x', 'malformed number'],
    ['lambda', 'unexpected \'lambda\''],
    ['f(a=1, b)', 'follows a keyword argument'],
    [`${'('.repeat(1e5)}a`, 'nested more than 200 deep'],
    [`${'-'.repeat(1e5)}a`, 'too many signs'],
    [`a${'.b'.repeat(1e5)}`, 'too long'],
    [`a${'+1'.repeat(1e5)}`, 'too long'],
  ])('%.20s', (text, message) => {
    expect(refusalOf(() => parse(text)).message).toContain(message)
  })

  it('limits blocks', () => {
    const text = Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}if a:`).join('\n')
    expect(refusalOf(() => statements(text)).message).toContain('nested more than 400 deep')
  })

  it('refuses indentation that fits nothing', () => {
    expect(refusalOf(() => statements('if a:\n    b = 1\n  c = 2\n')).message).toContain('fits no enclosing block')
  })
})

describe('indexSource', () => {
  const text = [
    'op_version_set = 1', 'import __torch__.a', 'class A(Module):', '  __parameters__ = ["w", ]', '  w : Tensor', '  def forward(self: __torch__.A,',
    '    x: Tensor) -> Tensor:', '    return x', '  def g(self) -> int:', '    return 1', 'class P(NamedTuple):', '  x : int', 'def f(x: Tensor) -> Tensor:',
    '  return x', '',
  ].join('\n')

  it('finds classes, functions and methods without reading bodies', () => {
    const parts = indexSource({ name: 'code/__torch__.py', text })
    expect(parts).toMatchObject([
      { kind: 'class', name: 'A', base: 'Module', line: 3 }, { kind: 'class', name: 'P', base: 'NamedTuple' }, { kind: 'def', name: 'f', line: 13 },
    ])
    const { methods, fields } = classMembers(parts[0] as ClassPart)
    expect(methods).toMatchObject([{ name: 'forward', line: 6 }, { name: 'g', line: 9 }])
    expect(fields).toMatchObject([{ line: 4 }])
  })

  it('refuses anything else', () => {
    expect(refusalOf(() => indexSource({ name: 'code/t.py', text: 'x = 1\n' })).message).toContain('expected a class or a function')
  })
})
