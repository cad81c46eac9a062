import { describe, expect, it } from 'vitest'
import { expectPass, graphOf, recordLog, structure, tidied } from '../../../test/ir.ts'
import { constantPropagation } from './constant-propagation.ts'
import { toIValue } from '../ir/graph.ts'
import { printValue } from '../ir/print-value.ts'
import { AnyType } from '../ir/types.ts'
import { verify } from '../ir/verifier.ts'

const pass = tidied(constantPropagation)

/** Runs the pass on `type = op(constants)` and gives the printed result, or undefined when it was left alone. */
function folded(type: string, op: string, ...constants: [string, string][]): string | undefined {
  const declared = constants.map(([t, v], i) => `  %c${i} : ${t} = prim::Constant${v === '' ? '' : `[value=${v}]`}()\n`).join('')
  const graph = graphOf(`graph():\n${declared}  %r : ${type} = ${op}(${constants.map((_, i) => `%c${i}`).join(', ')})\n  %s : int = test::use(%r)\n  return (%s)`)
  pass.run(graph, recordLog())
  verify(graph)
  const use = [...graph.block.nodes()].find((node) => node.kind === 'test::use')!
  const value = toIValue(use.input(0))
  return value && printValue(value, AnyType, new Map())
}

const int = (value: number | string): [string, string] => ['int', String(value)]
const float = (value: number | string): [string, string] => ['float', String(value)]
const str = (value: string): [string, string] => ['str', JSON.stringify(value)]

describe('ConstantPropagation', () => {
  it.each<[string, string, string, [string, string][], string | undefined]>([
    ['7 // -2', 'int', 'aten::floordiv', [int(7), int(-2)], '<int>-4'],
    ['-7 // 2', 'int', 'aten::floordiv', [int(-7), int(2)], '<int>-4'],
    ['-7 % 3', 'int', 'aten::remainder', [int(-7), int(3)], '<int>2'],
    ['7 % -3', 'int', 'aten::remainder', [int(7), int(-3)], '<int>-2'],
    ['-7.5 % 2.', 'float', 'aten::remainder', [float(-7.5), float(2)], '<float>0.5'],
    ['7 / 2', 'float', 'aten::div', [int(7), int(2)], '<float>3.5'],
    ['division by zero is left to raise', 'int', 'aten::floordiv', [int(7), int(0)], undefined],
    ['overflow is left', 'int', 'aten::add', [int('9223372036854775807'), int(1)], undefined],
    ['2 ** 10', 'float', 'aten::pow', [int(2), int(10)], '<float>1024.'],
    ['1 + 0.5', 'float', 'aten::add', [int(1), float(0.5)], '<float>1.5'],
    ['round half to even', 'float', 'aten::round', [float(2.5)], '<float>2.'],
    ['floor to int', 'int', 'aten::floor', [float(-2.5)], '<int>-3'],
    ['int of nan is left', 'int', 'aten::Int', [float('nan')], undefined],
    ['string comparison', 'bool', 'aten::eq', [str('a'), str('a')], '<bool>1'],
    ['strings join', 'str', 'aten::add', [str('a'), str('b')], '<str>"ab"'],
    ['None is None', 'bool', 'aten::__is__', [['int?', ''], ['NoneType', '']], '<bool>1'],
    ['1 is not None', 'bool', 'aten::__isnot__', [['int?', '1'], ['NoneType', '']], '<bool>1'],
    ['range length', 'int', 'aten::__range_length', [int(0), int(10), int(3)], '<int>4'],
    ['range length backwards', 'int', 'aten::__range_length', [int(10), int(0), int(-3)], '<int>4'],
    ['list item from the end', 'int', 'aten::__getitem__', [['int[]', '[1, 2, 3]'], int(-1)], '<int>3'],
    ['list item out of range', 'int', 'aten::__getitem__', [['int[]', '[1, 2, 3]'], int(3)], undefined],
    ['len', 'int', 'aten::len', [['int[]', '[1, 2, 3]']], '<int>3'],
    ['dict item', 'int', 'aten::__getitem__', [['Dict(str, int)', '{"a": 1}'], str('a')], '<int>1'],
    ['in list', 'bool', 'aten::__contains__', [['int[]', '[1, 2]'], int(2)], '<bool>1'],
    ['lists of equal content', 'bool', 'aten::eq', [['int[]', '[1, 2]'], ['int[]', '[1, 2]']], '<bool>1'],
    ['tensor dim', 'int', 'aten::dim', [['Tensor', '<Tensor Float[2, 3] "w">']], '<int>2'],
    ['tensor size', 'int', 'aten::size', [['Tensor', '<Tensor Float[2, 3] "w">'], int(-1)], '<int>3'],
    ['tensor dtype', 'int', 'prim::dtype', [['Tensor', '<Tensor Float[2, 3] "w">']], '<int>6'],
    ['item', 'Scalar', 'aten::item', [['Tensor', '<Tensor Double[] {0.5}>']], '<float>0.5'],
    ['int of a tensor', 'int', 'aten::Int', [['Tensor', '<Tensor Float[1] {-1.5}>']], '<int>-1'],
    ['int of a large tensor is left to raise', 'int', 'aten::Int', [['Tensor', '<Tensor Float[2] {1., 2.}>']], undefined],
    ['exp is left to the C library', 'float', 'aten::exp', [float(1)], undefined],
  ])('%s', (_, type, op, constants, result) => {
    expect(folded(type, op, ...constants)).toBe(result)
  })

  it('sees constant tensors otherwise without touching their bytes', () => {
    expectPass(pass, `graph(%x : Tensor):
  %w : Tensor = prim::Constant[value=<Tensor Float[2, 3] "w">]()
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %t : Tensor = aten::t(%w)
  %u : Tensor = aten::unsqueeze(%t, %zero)
  %s : Tensor = aten::select(%u, %one, %one)
  %y : Tensor = aten::matmul(%x, %s)
  return (%y)`, `graph(%x : Tensor):
  %s : Tensor = prim::Constant[value=<Tensor Float[1, 2] "w" strides=[6, 3] offset=1>]()
  %y : Tensor = aten::matmul(%x, %s)
  return (%y)`.replace('strides=[6, 3]', 'strides=[3, 3]'))
  })

  it('takes the branch that is left, also with an exception in the other', () => {
    expectPass(pass, `graph(%x : Tensor):
  %m : str = prim::Constant[value="no"]()
  %none : NoneType = prim::Constant()
  %one : int = prim::Constant[value=1]()
  %c : bool = aten::eq(%one, %one)
  prim::If(%c)
    block0():
      -> ()
    block1():
      prim::RaiseException(%m, %none)
      -> ()
  %y : Tensor = prim::If(%c)
    block0():
      %a : Tensor = aten::relu(%x)
      -> (%a)
    block1():
      -> (%x)
  return (%y)`, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  return (%a)`)
  })

  it('reads no constant early that an app gets hold of and may change, only its shape', () => {
    expectPass(pass, `graph():
  %w : Tensor = prim::Constant[value=<Tensor Double[] {0.5}>]()
  %v : float = aten::Float(%w)
  %d : int = aten::dim(%w)
  return (%w, %v, %d)`, `graph():
  %w : Tensor = prim::Constant[value=<Tensor Double[] {0.5}>]()
  %v : float = aten::Float(%w)
  %d : int = prim::Constant[value=0]()
  return (%w, %v, %d)`)
  })

  it('keeps an exception that is reached', () => {
    expectPass(pass, `graph(%x : Tensor):
  %m : str = prim::Constant[value="no"]()
  %none : NoneType = prim::Constant()
  %f : bool = prim::Constant[value=0]()
  prim::If(%f)
    block0():
      -> ()
    block1():
      prim::RaiseException(%m, %none)
      -> ()
  return (%x)`, `graph(%x : Tensor):
  %m : str = prim::Constant[value="no"]()
  %none : NoneType = prim::Constant()
  prim::RaiseException(%m, %none)
  return (%x)`)
  })

  it('removes loops that never run, carried values that never change and outputs that are alike', () => {
    expectPass(pass, `graph(%x : Tensor, %n : int, %c : bool):
  %true : bool = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %a : Tensor = prim::Loop(%zero, %true, %x)
    block0(%i : int, %p : Tensor):
      %q : Tensor = aten::relu(%p)
      -> (%true, %q)
  %b : Tensor, %d : Tensor = prim::Loop(%n, %true, %a, %x)
    block0(%j : int, %r : Tensor, %s : Tensor):
      %t : Tensor = aten::add(%r, %s, %j)
      -> (%true, %t, %s)
  %e : int, %f : Tensor = prim::If(%c)
    block0():
      %two : int = prim::Constant[value=2]()
      -> (%two, %b)
    block1():
      %deux : int = prim::Constant[value=2]()
      -> (%deux, %b)
  return (%b, %d, %e, %f)`, `graph(%x : Tensor, %n : int, %c : bool):
  %true : bool = prim::Constant[value=1]()
  %b : Tensor = prim::Loop(%n, %true, %x)
    block0(%j : int, %r : Tensor):
      %t : Tensor = aten::add(%r, %x, %j)
      -> (%true, %t)
  %two : int = prim::Constant[value=2]()
  return (%b, %x, %two, %b)`)
  })

  it('folds a list that is only read', () => {
    expectPass(pass, `graph(%x : Tensor):
  %n : int = prim::Constant[value=2]()
  %l : int[] = prim::ListConstruct(%n, %n)
  %y : Tensor = aten::reshape(%x, %l)
  return (%y)`, `graph(%x : Tensor):
  %l : int[] = prim::Constant[value=[2, 2]]()
  %y : Tensor = aten::reshape(%x, %l)
  return (%y)`)
  })

  it.each([
    ['is appended to', '%m : int[] = aten::append(%l, %n)\n  %y : Tensor = aten::reshape(%x, %l)\n  return (%y)'],
    ['is appended to in a loop', `%true : bool = prim::Constant[value=1]()
  prim::Loop(%n, %true)
    block0(%i : int):
      %m : int[] = aten::append(%l, %i)
      -> (%true)
  %y : Tensor = aten::reshape(%x, %l)\n  return (%y)`],
    ['is returned', 'return (%l)'],
    ['goes into a list that is returned', '%m : int[][] = prim::ListConstruct(%l)\n  return (%m)'],
    ['is handed to something unknown', '%y : Tensor = custom::op(%x, %l)\n  return (%y)'],
  ])('keeps a list that %s', (_, rest) => {
    expectPass(pass, `graph(%x : Tensor):
  %n : int = prim::Constant[value=2]()
  %l : int[] = prim::ListConstruct(%n, %n)
  ${rest}`)
  })

  it('does not look into tensors that are written to', () => {
    expectPass(pass, `graph(%x : Tensor):
  %w : Tensor = prim::Constant[value=<Tensor Float[1] {1.}>]()
  %v : Tensor = aten::sigmoid_(%w)
  %f : float = aten::Float(%w)
  %y : Tensor = aten::mul(%x, %f)
  return (%y)`)
  })

  it('keeps random operators, and dropout in training', () => {
    expectPass(pass, `graph():
  %n : int[] = prim::Constant[value=[2]]()
  %none : NoneType = prim::Constant()
  %y : Tensor = aten::rand(%n, %none, %none, %none, %none)
  return (%y)`)
  })

  it('decides isinstance of constants', () => {
    expectPass(pass, `graph(%x : Tensor):
  %n : Any = prim::Constant[value=<int>2]()
  %c : bool = prim::isinstance[types=[str, int]](%n)
  %y : Tensor = prim::If(%c)
    block0():
      -> (%x)
    block1():
      %a : Tensor = aten::relu(%x)
      -> (%a)
  return (%y)`, 'graph(%x : Tensor):\n  return (%x)')
  })

  it('gives the same graph when run again', () => {
    const graph = graphOf(`graph(%x : Tensor):
  %n : int = prim::Constant[value=2]()
  %m : int = aten::add(%n, %n)
  %y : Tensor = aten::add(%x, %m, %n)
  return (%y)`)
    pass.run(graph, recordLog())
    const once = structure(graph)
    const log = recordLog()
    pass.run(graph, log)
    expect(structure(graph)).toBe(once)
    expect(log.changes.size).toBe(0)
  })
})
