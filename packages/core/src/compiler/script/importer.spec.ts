import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../../test/support/refusal.ts'
import { printGraph } from '../ir/printer.ts'
import { typeString } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'
import { Importer } from './importer.ts'

/** An importer over `code/__torch__.py`. */
function importer(text: string, operatorVersion = 10): Importer {
  return new Importer({ sourceOf: (name) => name === '__torch__' ? { name: 'code/__torch__.py', text } : undefined, operatorVersion })
}

function graphOf(text: string, operatorVersion?: number): string {
  const graph = importer(text, operatorVersion).functionNamed('__torch__.f')!.graph()
  verify(graph)
  return printGraph(graph, { numbered: true })
}

describe('classes', () => {
  const text = [
    'op_version_set = 1', 'import __torch__.old', 'class A(Module):', '  __parameters__ = ["w", ]', '  __buffers__ = ["b", ]', '  __annotations__ = []',
    '  __annotations__["0"] = __torch__.B', '  w : Tensor', '  b : Optional[Tensor]', '  k : Final[int] = 3', '  l : Final[List[float]] = [1., -2.]',
    '  training : bool', '  def forward(self: __torch__.A,', '    x: Tensor, n: int=-1, s: List[int]=[1, 2], d: Optional[Device]=None) -> Tensor:',
    '    _0 = getattr(self, "0")', '    return torch.mul((_0).forward(x, ), self.k)', 'class B(Module):', '  a : __torch__.A', '  def forward(self: __torch__.B,',
    '    x: Tensor) -> Tensor:', '    return x', '',
  ].join('\n')

  it('are declared as they are written', () => {
    const type = importer(text).resolveClass('__torch__.A')
    expect(type).toMatchObject({
      kind: 'ClassType', isModule: true,
      attributes: [
        { name: '0', isParameter: false }, { name: 'w', isParameter: true, isBuffer: false }, { name: 'b', isParameter: false, isBuffer: true }, { name: 'training' },
      ],
    })
    if (type.kind !== 'ClassType') throw new Error()
    expect(type.constants.get('k')).toEqual({ tag: 'Int', value: 3n })
    expect(type.constants.get('l')).toMatchObject({ tag: 'List', elements: [{ value: 1 }, { value: -2 }] })
    const inner = type.attributes[0]!.type
    expect(inner.kind === 'ClassType' && inner.attributes[0]!.type).toBe(type)
    const { schema } = type.methods.get('forward')!
    expect(schema.arguments.map((argument) => [argument.name, typeString(argument.type), argument.defaultValue?.tag])).toEqual([
      ['self', '__torch__.A', undefined], ['x', 'Tensor', undefined], ['n', 'int', 'Int'], ['s', 'int[]', 'List'], ['d', 'Device?', 'None'],
    ])
    verify(type.methods.get('forward')!.graph())
  })

  it('may refer to one another, in a chain of any length', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => `class C${i}(Module):\n  next : __torch__.C${(i + 1) % 20_000}\n`).join('')
    const type = importer(chain).resolveClass('__torch__.C0')
    expect(type).toMatchObject({ attributes: [{ name: 'next', type: { name: '__torch__.C1' } }] })
  })

  it.each([
    ['class A(Module):\n  x : Tensor\n  x : int\n', 'declares x twice'],
    ['class A(Module):\n  x = 3\n', 'has no type'],
    ['class A(Module):\n  x : int = 3\n', 'not Final'],
    ['class A(Module):\n  x : Final[int] = f()\n', 'not written out'],
    ['class A(Module):\n  x : Final[int] = "s"\n', 'should be a int'],
    ['class A(Module):\n  x : Final[int] = 9223372036854775808\n', 'does not fit into 64 bits'],
    ['class A(Module):\n  x : Optional[Final[int]]\n', 'no type constructor Final'],
    ['class A(Module):\n  x : List[int, int]\n', 'List takes one type'],
    ['class A(Module):\n  x : __torch__.Nowhere\n', 'Nowhere'],
    ['class A(Module):\n  print(1)\n', 'something other than fields and methods'],
    ['class A(Whatever):\n  x : int\n', 'the base Whatever'],
    ['class A(NamedTuple):\n  x : __torch__.A\n', 'nested more than 100 deep'],
    ['class A(Enum):\n  X = 1\n  Y = "a"\n', 'different types'],
  ])('%j is refused', (text, message) => {
    const error = refusalOf(() => importer(text).resolveClass('__torch__.A'))
    expect(error.message).toContain(message)
    expect(error.location).toMatchObject({ file: 'code/__torch__.py', frame: expect.any(String) })
  })
})

it('limits NamedTuples that hold one another', () => {
  const text = Array.from({ length: 90 }, (_, i) => `class P${i}(NamedTuple):\n  a : __torch__.P${i + 1}\n  b : __torch__.P${i + 1}\n`).join('')
  expect(refusalOf(() => importer(`${text}class P90(NamedTuple):\n  a : int\n`).namedType('__torch__.P0')).message).toContain('more than 1000 parts')
})

describe('functions', () => {
  it('name each parameter once', () => {
    expect(refusalOf(() => importer('def f(x: Tensor, x: Tensor) -> Tensor:\n  return x\n').functionNamed('__torch__.f')?.schema).message)
      .toContain('two parameters x')
  })

  it('may be as deep as the limits allow', () => {
    const ifs = Array.from({ length: 390 }, (_, i) => `${' '.repeat(2 * i + 2)}if torch.gt(torch.dim(x), ${i}):\n`).join('')
    expect(graphOf(`def f(x: Tensor) -> Tensor:\n${ifs}${' '.repeat(782)}y = x\n  return x\n`)).toContain('value=389')
    const calls = `${'torch.relu('.repeat(190)}x${')'.repeat(190)}`
    expect(graphOf(`def f(x: Tensor) -> Tensor:\n  return ${calls}\n`).match(/aten::relu/g)).toHaveLength(190)
  })

  it('may be long', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `  x${i + 1} = torch.add(x${i}, ${i})\n`).join('')
    const begin = performance.now()
    const graph = importer(`def f(x0: Tensor) -> Tensor:\n${lines}  return x20000\n`).functionNamed('__torch__.f')!.graph()
    expect(Array.from(graph.block.nodes()).filter(({ kind }) => kind === 'aten::add')).toHaveLength(20_000)
    // Far above what it takes; work that grows with the square would take minutes.
    expect(performance.now() - begin).toBeLessThan(10_000)
  })

  it('keep what a loop and an if declare', () => {
    expect(graphOf([
      'def f(x: Tensor, n: int) -> Optional[Tensor]:', '  y : Optional[Tensor] = None', '  for i in range(n):', '    if torch.gt(i, 2):', '      y0 : Optional[Tensor] = x',
      '    else:', '      y0 = y', '    y = y0', '  return y', '',
    ].join('\n'))).toBe([
      'graph(%0 : Tensor,', '      %1 : int):', '  %2 : NoneType = prim::Constant()', '  %3 : bool = prim::Constant[value=1]()', '  %4 : int = prim::Constant[value=2]()',
      '  %5 : Tensor? = prim::Loop(%1, %3, %2)', '    block0(%6 : int, %7 : Tensor?):', '      %8 : bool = aten::gt(%6, %4)', '      %9 : Tensor? = prim::If(%8)',
      '        block0():', '          -> (%0)', '        block1():', '          -> (%7)', '      -> (%3, %9)', '  return (%5)',
    ].join('\n'))
  })

  it('mean what they meant in older archives', () => {
    const text = 'def f(x: Tensor) -> Tensor:\n  return torch.div(x, 2)\n'
    expect(graphOf(text, 3)).toContain('trunc')
    expect(graphOf(text, 4)).not.toContain('trunc')
    expect(graphOf('def f(x: Tensor) -> Tensor:\n  return torch.true_divide(x, 2)\n', 3)).not.toContain('trunc')
  })

  it('call operators by their main name', () => {
    expect(graphOf('def f(x: Tensor) -> Tensor:\n  return torch.multiply_(torch.absolute(x), x)\n')).toMatch(/aten::abs\(.*\n.*aten::mul_\(/)
  })

  it.each([
    ['  return y\n', 'INVALID_MODEL_CODE', 'by the name \'y\''],
    ['  return 1\n', 'INVALID_MODEL_CODE', 'a int is returned as a Tensor'],
    ['  a, b, = (x, x, x)\n  return a\n', 'INVALID_MODEL_CODE', '3 values are unpacked into 2'],
    ['  if torch.gt(torch.dim(x), 1):\n    return x\n  else:\n    pass\n  return x\n', 'UNSUPPORTED_SYNTAX', 'returns before its end'],
    ['  y = x\n', 'UNSUPPORTED_SYNTAX', 'does not end with a return'],
    ['  return torch.nosuch(x)\n', 'UNKNOWN_OPERATOR', 'aten::nosuch'],
    ['  return torch.relu(x, x)\n', 'NO_MATCHING_OPERATOR', 'aten::relu'],
    ['  return CONSTANTS.c0\n', 'INVALID_MODEL_CODE', 'CONSTANTS.c0'],
    ['  y = 99999999999999999999\n  return x\n', 'INVALID_MODEL_CODE', '64 bits'],
    ['  y = torch.add(1, 2) + 3\n  return x\n', 'UNSUPPORTED_SYNTAX', 'complex number'],
    ['  y = torch\n  return y\n', 'INVALID_MODEL_CODE', 'not namespace'],
    ['  return (ops.quantized.linear_prepack(x)).unpack()\n', 'UNSUPPORTED_CUSTOM_CLASS', 'unpack'],
  ])('with %j are refused', (body, code, message) => {
    const error = refusalOf(() => graphOf(`def f(x: Tensor) -> Tensor:\n${body}`))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(error.location).toMatchObject({ file: 'code/__torch__.py', line: expect.any(Number), frame: expect.stringContaining('>') })
  })
})

describe('operators with two names', () => {
  it('are called by the keywords of the name that is written', () => {
    const graph = graphOf('def f(x: Tensor) -> Tensor:\n  return torch.clip(torch.swapaxes(x, axis0=0, axis1=1), max=1)\n')
    expect(graph).toContain('aten::transpose(')
    expect(graph).toContain('aten::clamp(')
  })

  it('never changed their meaning, whatever became of the operator they stand for', () => {
    const [division, alias] = ['div', 'true_divide'].map((name) => graphOf(`def f(x: Tensor, y: Tensor) -> Tensor:\n  return torch.${name}(x, y)\n`, 3))
    expect(division).toContain('prim::If')
    expect(alias).not.toContain('prim::If')
  })
})
