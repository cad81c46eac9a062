import { describe, expect, it } from 'vitest'
import { codeOf, NET, programOf, readBack, textOf, type ProgramOptions } from '../../../../test/code.ts'
import { refusalOf } from '../../../../test/support/refusal.ts'
import { toIValue } from '../../ir/graph.ts'
import { doubleValue, intListValue, intValue, stringValue, tensorValue, tupleValue, type IValue } from '../../ir/ivalue.ts'
import { literalTensor } from '../../ir/literal.ts'
import { parseGraph } from '../../ir/parser.ts'
import { AnyType, IntType, optionalOf, StringType, TensorType, type Type } from '../../ir/types.ts'
import { parseTypeExpression } from '../../ir/type-parser.ts'

const LINEAR = '__torch__.torch.classes.xnnpack.LinearOpContext'

/** The text of `forward` after it was written and read. */
async function again(text: string, options?: ProgramOptions): Promise<string> {
  return textOf((await readBack(programOf(text, options))).method('forward')!.graph())
}

/** Expects that reading gives the same graph, or `after` where code cannot be as brief. */
async function same(text: string, after: string = text, options?: ProgramOptions): Promise<void> {
  const program = programOf(text, options)
  expect(await again(text, options), codeOf(program)).toBe(textOf(parseGraph(after, { types: new Map([[NET, program.root.type]]) })))
}

const HEAD = `graph(%self : ${NET}, %x : Tensor, %n : int, %c : bool`

/** A value in whose tensors the bytes stand for the storage, which has another name in a file. */
function bare(value: IValue): unknown {
  switch (value.tag) {
    case 'Tensor': return { ...value.value, storage: [...value.value.storage.resident!], requiresGrad: false }
    case 'Tuple': return value.elements.map(bare)
    case 'CustomObject': return [value.type.name, bare(value.state)]
    default: return value
  }
}

describe('constants', () => {
  it.each([
    ['int', '-9223372036854775808'], ['int', '9223372036854775807'], ['float', '1e-07'], ['float', '0.1'], ['float', '1e+22'],
    ['float', '-0.'], ['float', '3.'], ['float', 'inf'], ['float', '-inf'], ['float', 'nan'], ['bool', '1'],
    ['str', '"a\\"b\\\\c\\n\\t\\x00\\x7f"'], ['str', '"é\\n☃"'], ['Device', '"cpu"'],
    ['complex', '1.-2.j'], ['complex', '-0.5+1e-07j'],
    ['(int, str, float)', '(1, "a", inf)'], ['(int)', '(1)'], ['(int, str)', '(1, "é")'],
    ['Tensor', '<Tensor Float[2] {1., -0.}>'], ['Tensor', '<Tensor Bool[2, 1] {1, 0}>'],
    ['Tensor', '<Tensor Float[3, 2] "w" strides=[1, 3] offset=1>'],
    ['Tensor', '<Tensor QInt8[2] "q" scale=0.5 zero_point=-3>'], ['Tensor?', '<Tensor Half[4] "h">'],
    [LINEAR, `<CustomObject ${LINEAR} <(Tensor, int)>(<Tensor Float[1] {1.}>, 2)>`],
  ])('of type %s read back: %s', async (type, value) => {
    const text = `graph(%self : ${NET}):\n  %0 : ${type} = prim::Constant[value=${value}]()\n  return (%0)`
    const program = programOf(text)
    const back = (await readBack(program)).method('forward')!.graph().outputs[0]!
    const written = program.methods[0]!.graph.outputs[0]!
    expect(bare(toIValue(back)!)).toEqual(bare(toIValue(written)!))
  })

  it('that are lists and dicts become ones that are made anew for each call', async () => {
    const made = async (type: string, value: string): Promise<string> =>
      (await again(`graph(%self : ${NET}):\n  %0 : ${type} = prim::Constant[value=${value}]()\n  return (%0)`)).split('\n')[1]!.trim()
    const [one, other] = ['<int prim::Constant[value=1]()>', '<int prim::Constant[value=-2]()>']
    expect(await made('int[]', '[1, -2]')).toBe(`%1 : int[] = prim::ListConstruct(${one}, ${other})`)
    expect(await made('float[]', '[]')).toBe('%1 : float[] = prim::ListConstruct()')
    expect(await made('int?[]', '[1, None]')).toContain('%1 : int?[] = prim::ListConstruct')
    expect(await made('int[][]', '[[1], []]')).toBe('%1 : int[] = prim::ListConstruct(<int prim::Constant[value=1]()>)')
    expect(await made('Dict(str, int)', '{"a": 1}')).toContain('%1 : Dict(str, int) = prim::DictConstruct')
  })

  it('that are long lists are not written out', async () => {
    const value = intListValue(Array.from({ length: 5000 }, (_, i) => i))
    const program = programOf(`graph(%self : ${NET}):\n  %0 : int[] = prim::Constant[value=[7]]()\n  return (%0)`)
    program.methods[0]!.graph.outputs[0]!.node.attributes.set('value', { kind: 'ival', value })
    expect(codeOf(program)).toContain('return CONSTANTS.c0\n')
    expect(toIValue((await readBack(program)).method('forward')!.graph().outputs[0]!)).toEqual(value)
  })

  it('that are equal tensors stay two tensors, and one stays one', () => {
    const text = (second: string): string => codeOf(programOf(`graph(%self : ${NET}):
  %a : Tensor = prim::Constant[value=<Tensor Float[1] {1.}>]()
  %b : Tensor = prim::Constant[value=<Tensor Float[1] {1.}>]()
  %r : (Tensor, Tensor) = prim::TupleConstruct(%a, ${second})
  return (%r)`))
    expect(text('%b')).toContain('(CONSTANTS.c0, CONSTANTS.c1)')
    expect(text('%a')).toContain('(CONSTANTS.c0, CONSTANTS.c0)')
  })
})

describe('loops', () => {
  it('with a number of trips are for', async () => {
    await same(`${HEAD}):
  %t : bool = prim::Constant[value=1]()
  %a : Tensor, %b : Tensor = prim::Loop(%n, %t, %x, %x)
    block0(%i : int, %p : Tensor, %q : Tensor):
      %r : Tensor = aten::mul(%p, %i)
      -> (%t, %q, %r)
  %s : (Tensor, Tensor) = prim::TupleConstruct(%a, %b)
  return (%s)`)
  })

  it('with a condition are while', async () => {
    await same(`${HEAD}):
  %max : int = prim::Constant[value=9223372036854775807]()
  %y : Tensor = prim::Loop(%max, %c, %x)
    block0(%i : int, %p : Tensor):
      %r : Tensor = aten::neg(%p)
      %d : bool = aten::is_floating_point(%r)
      -> (%d, %r)
  return (%y)`)
  })

  it('with both count their trips', () => {
    const code = codeOf(programOf(`${HEAD}):
  %y : Tensor = prim::Loop(%n, %c, %x)
    block0(%i : int, %p : Tensor):
      %r : Tensor = aten::mul(%p, %i)
      %d : bool = aten::is_floating_point(%r)
      -> (%d, %r)
  return (%y)`))
    expect(code).toContain([
      '    i = 0', '    _0 = torch.__and__(c, torch.gt(n, 0))', '    while _0:',
      '      r = torch.mul(p, i)', '      d = torch.is_floating_point(r)',
      '      _2 = torch.add(i, 1)', '      _1 = torch.__and__(d, torch.lt(_2, n))', '      i, _0, p = _2, _1, r', '',
    ].join('\n').replaceAll(' p =', ' y =').replaceAll('(p,', '(y,'))
  })

  it('carry what may be None', async () => {
    await same(`${HEAD}):
  %t : bool = prim::Constant[value=1]()
  %none : Tensor? = prim::Constant()
  %y : Tensor? = prim::Loop(%n, %t, %none)
    block0(%i : int, %p : Tensor?):
      %r : Tensor = aten::neg(%x)
      -> (%t, %r)
  return (%y)`)
  })
})

describe('branches', () => {
  it('give values of the type that is declared, whichever is taken', async () => {
    await same(`${HEAD}):
  %none : NoneType = prim::Constant()
  %y : Tensor?, %z : int = prim::If(%c)
    block0():
      %r : Tensor = aten::neg(%x)
      -> (%r, %n)
    block1():
      -> (%none, %n)
  %s : (Tensor?, int) = prim::TupleConstruct(%y, %z)
  return (%s)`)
  })

  it('may be empty, raise and be nested', async () => {
    await same(`${HEAD}):
  %m : str = prim::Constant[value="no {}"]()
  %none : NoneType = prim::Constant()
   = prim::If(%c)
    block0():
      -> ()
    block1():
      %f : str = aten::format(%m, %n, %c)
       = prim::RaiseException(%f, %none)
      -> ()
  return (%x)`)
  })
})

describe('types that code does not tell by itself', () => {
  it('are declared', async () => {
    await same(`${HEAD}):
  %e : Tensor[] = prim::ListConstruct()
  %i : int[] = prim::ListConstruct()
  %o : Tensor?[] = prim::ListConstruct(%x, %x)
  %d : Dict(str, Tensor[]) = prim::DictConstruct()
  %y : Tensor = aten::index(%x, %o)
  %r : (Tensor[], int[], Tensor, Dict(str, Tensor[])) = prim::TupleConstruct(%e, %i, %y, %d)
  return (%r)`)
  })

  it('are cast to where no declaration does', async () => {
    const code = codeOf(programOf(`${HEAD}, %o : Tensor?):
  %y : Tensor = prim::If(%c)
    block0():
      %u : Tensor = prim::unchecked_cast(%o)
      -> (%u)
    block1():
      -> (%x)
  return (%y)`, { returns: optionalOf(TensorType) }))
    expect(code).toContain('u = unchecked_cast(Tensor, o)')
    expect(codeOf(programOf(`${HEAD}):\n  return (%x)`, { returns: IntType }))).toContain('return unchecked_cast(int, x)')
  })

  it('of conversions stay', async () => {
    await same(`${HEAD}):
  %a : int = aten::Int(%x)
  %b : float = aten::Float(%n)
  %d : int = aten::IntImplicit(%x)
  %e : Scalar = aten::ScalarImplicit(%x)
  %f : bool = aten::Bool(%n)
  %g : str = aten::str(%n)
  %h : Tensor = aten::add(%x, %e, %d)
  %r : (int, float, bool, str, Tensor) = prim::TupleConstruct(%a, %b, %f, %g, %h)
  return (%r)`)
  })
})

describe('calls', () => {
  it('mean the same form of an operator', async () => {
    await same(`${HEAD}):
  %one : int = prim::Constant[value=1]()
  %none : NoneType = prim::Constant()
  %f : float = prim::Constant[value=1.]()
  %a : Tensor = aten::add(%x, %x, %one)
  %b : Tensor = aten::add(%x, %n, %n)
  %c.1 : Tensor = aten::sum(%x, %none)
  %d : Tensor = aten::clamp(%x, %none, %f)
  %e : Tensor = aten::div(%x, %x)
  %m : Tensor, %i : Tensor = aten::max(%x, %one, %c)
  %s : Tensor[] = aten::split(%x, %one, %n)
  %t : Tensor = aten::to(%x, %n, %c, %c, %none)
  %r : (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor[], Tensor, Tensor) = prim::TupleConstruct(%a, %b, %c.1, %d, %e, %s, %i, %t)
  return (%r)`)
  })

  it('leave out what is the default, and name what only goes by name', () => {
    const code = codeOf(programOf(`${HEAD}):
  %one : int = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %none : NoneType = prim::Constant()
  %a : Tensor = aten::add(%x, %x, %one)
  %b : Tensor = aten::add(%a, %x, %two)
  %d : Tensor = aten::add(%a, %x, %two, %b)
  %size : int[] = prim::ListConstruct(%n)
  %e : Tensor = aten::zeros(%size, %none, %none, %none, %none)
  return (%d)`))
    expect(code).toContain('a = torch.add(x, x)\n    b = torch.add(a, x, alpha=2)\n    d = torch.add(a, x, alpha=2, out=b)\n')
    expect(code).toContain('e = torch.zeros(size)\n')
  })

  it('whose writes PyTorch would drop are hidden from it', () => {
    const code = codeOf(programOf(`${HEAD}):
  %a : Tensor = aten::type_as(%x, %x)
  %b : Tensor = aten::relu_(%a)
  return (%n)`))
    expect(code).toContain('a = [torch.type_as(x, x)][0]\n')
    expect(codeOf(programOf(`${HEAD}):\n  %a : Tensor = aten::type_as(%x, %x)\n  return (%a)`))).toContain('a = torch.type_as(x, x)\n')
  })

  it('that no code means are refused with their place', () => {
    const program = programOf(`${HEAD}):\n  %a : Tensor = aten::neg(%x)\n  return (%a)`)
    const node = program.methods[0]!.graph.outputs[0]!.node
    node.schema = { ...node.schema!, name: 'aten::neg', overload: 'other' }
    node.range = { file: 'net.py', line: 7 }
    expect(refusalOf(() => codeOf(program))).toMatchObject({ code: 'NO_TORCHSCRIPT', location: { file: 'net.py', line: 7 } })
  })
})

describe('names', () => {
  it('are no words of the language, and each is given once', async () => {
    const text = `graph(%self : ${NET}, %torch : Tensor, %ops : Tensor, %a : Tensor):
  %a.1 : Tensor = aten::add(%torch, %ops, %1)
  %1 : int = prim::Constant[value=1]()
  return (%a.1)`.replace(/ {2}%a\.1[^\n]*\n( {2}%1[^\n]*\n)/, '$1  %a.1 : Tensor = aten::add(%torch, %ops, %1)\n')
    expect(codeOf(programOf(text))).toContain('torch0: Tensor,\n      ops0: Tensor,\n      a: Tensor) -> Tensor:\n')
    await same(text)
  })

  it('of attributes may be anything', async () => {
    const weight = tensorValue(literalTensor('Float', [1], [2]))
    const attributes: Record<string, IValue> = { '0': intValue(3), 'a.b': intValue(4), weight, n: intValue(5) }
    const text = `graph(%self : ${NET}):
  %a : int = prim::GetAttr[name="0"](%self)
  %b : int = prim::GetAttr[name="a.b"](%self)
  %w : Tensor = prim::GetAttr[name="weight"](%self)
   = prim::SetAttr[name="n"](%self, %a)
  %r : (int, int, Tensor) = prim::TupleConstruct(%a, %b, %w)
  return (%r)`
    await same(text, text, { attributes })
    const back = await readBack(programOf(text, { attributes }))
    expect(back.root.type.attributes.map(({ name, isParameter }) => [name, isParameter])).toEqual(
      [['0', false], ['a.b', false], ['weight', true], ['n', false], ['training', false]])
    expect(back.root.slots.get('a.b')).toEqual(intValue(4))
  })

  it('of constants of a class stay, as PyTorch looks some up', async () => {
    const program = programOf(`graph(%self : ${NET}, %x : Tensor):\n  return (%x)`)
    const constants = new Map<string, IValue>([
      ['eps', doubleValue(1e-5)], ['stride', tupleValue([intValue(1), intValue(2)])], ['sizes', intListValue([])], ['mode', stringValue('zeros')],
    ])
    for (const [name, value] of constants) program.root.type.constants.set(name, value)
    expect(codeOf(program)).toContain('  eps : Final[float] = 0.00001\n  stride : Final[Tuple[int, int]] = (1, 2)\n')
    expect((await readBack(program)).root.type.constants).toEqual(constants)
  })

  it('of flags are attributes of the module', async () => {
    const program = { ...programOf(`graph(%self : ${NET}, %x : Tensor):\n  return (%x)`), flags: { mobile_optimized: true } }
    const { root } = await readBack(program)
    expect([...root.slots]).toEqual([['training', { tag: 'Bool', value: false }], ['mobile_optimized', { tag: 'Bool', value: true }]])
  })
})

describe('types by name', () => {
  it('are defined where they are used', async () => {
    const elements = [TensorType, optionalOf(StringType)]
    const point: Type = { kind: 'TupleType', name: '__torch__.geo.Point', fields: ['x', 'label'], elements }
    const text = `graph(%self : ${NET}, %x : Tensor):
  %none : NoneType = prim::Constant()
  %p : __torch__.geo.Point = prim::TupleConstruct(%x, %none)
  return (%p)`
    const program = programOf(text.replace('__torch__.geo.Point', '(Tensor, NoneType)'))
    const output = program.methods[0]!.graph.outputs[0]!
    output.type = point
    const { methods: [method] } = program
    const schema = { ...method!.schema, returns: [{ ...method!.schema.returns[0]!, type: point }] }
    const named = { ...program, methods: [{ ...method!, schema }] }
    const back = await readBack(named)
    expect(back.typeNamed('__torch__.geo.Point')).toEqual(point)
    expect(back.method('forward')!.graph().outputs[0]!.type).toEqual(point)
  })

  it('stand in signatures, too', async () => {
    const text = `graph(%self : ${NET}, %x : Any, %d : Dict(int, Tensor?[]), %u : Union(int, str)):\n  return (%x)`
    const { schema } = (await readBack(programOf(text, { returns: AnyType }))).method('forward')!
    expect(schema.arguments.slice(1).map(({ type }) => type)).toEqual(
      ['Any', 'Dict(int, Tensor?[])', 'Union(int, str)'].map((type) => parseTypeExpression(type)))
  })
})
