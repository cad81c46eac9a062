import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../test/ir.ts'
import { toIValue } from './graph.ts'
import { parseGraph } from './parser.ts'
import { printGraph } from './printer.ts'
import { schemaName } from './schema.ts'

function roundTrip(text: string): void {
  expect(printGraph(graphOf(text))).toBe(text)
}

describe('graph text', () => {
  it('is read and written in PyTorch\'s notation', () => {
    roundTrip(`graph(%self : __torch__.Net,
      %x.1 : Tensor):
  %0 : int = prim::Constant[value=1]()
  %w : Tensor = prim::GetAttr[name="weight"](%self)
  %y : Tensor = aten::add(%x.1, %w, %0)
   = prim::SetAttr[name="weight"](%self, %y)
  return (%y)`.replace('   = prim', '   = prim'))
  })

  it('has blocks with inputs and outputs', () => {
    roundTrip(`graph(%x : Tensor,
      %c : bool,
      %n : int):
  %t : bool = prim::Constant[value=1]()
  %y : Tensor = prim::Loop(%n, %t, %x)
    block0(%i : int, %z : Tensor):
      %r : Tensor = prim::If(%c)
        block0():
          %a : Tensor = aten::relu(%z)
          -> (%a)
        block1():
          -> (%z)
      -> (%t, %r)
  return (%y)`)
  })

  it('has a notation for every constant', () => {
    const constants = [
      ['int', '-9223372036854775808'], ['float', '1e-7'], ['float', '0.00001'], ['float', '-0.'], ['float', 'inf'], ['float', '-inf'], ['float', 'nan'],
      ['float', '0.1'], ['bool', '0'], ['str', '"a\\"b\\\\c\\n\\x00é"'], ['Device', '"cpu"'], ['int[]', '[1, -2]'], ['float[]', '[]'],
      ['(int, str, float[])', '(1, "a", [1., inf])'], ['Dict(str, int)', '{"a": 1, "b": 2}'], ['int?', '3'], ['Any', '<int>3'], ['Scalar', '<float>2.'],
      ['complex', '1.-2.j'], ['int?[]', '[1, None]'], ['Any', '<int[]>[1]'],
      ['Tensor', '<Tensor Float[2] {1., -0.}>'], ['Tensor', '<Tensor Long[] {7}>'], ['Tensor', '<Tensor Bool[2, 1] {1, 0}>'],
      ['Tensor', '<Tensor Float[2, 3] "w">'], ['Tensor', '<Tensor Float[3, 2] "w" strides=[1, 3] offset=1 requires_grad>'],
      ['Tensor', '<Tensor QInt8[2] "q" scale=0.5 zero_point=-3>'], ['Tensor[]', '[<Tensor Double[0] {}>]'], ['Tensor?', '<Tensor Half[4] "h">'],
      ['__torch__.torch.classes.xnnpack.Linear', '<CustomObject __torch__.torch.classes.xnnpack.Linear <(Tensor, int)>(<Tensor Float[1] {1.}>, 2)>'],
      ['__torch__.M', '<Object __torch__.M 0>'],
    ]
    for (const [type, value] of constants) roundTrip(`graph():\n  %0 : ${type} = prim::Constant[value=${value}]()\n  return (%0)`)
    roundTrip('graph():\n  %0 : int? = prim::Constant()\n  return (%0)')
    roundTrip('graph():\n  %0 : Function = prim::Constant[name="f"]()\n  return (%0)')
  })

  it('shares memory between constants of one storage name', () => {
    const graph = parseGraph(`graph():
  %a : Tensor = prim::Constant[value=<Tensor Float[2, 3] "w">]()
  %b : Tensor = prim::Constant[value=<Tensor Float[6] "w">]()
  return (%a, %b)`)
    const [a, b] = graph.outputs.map((value) => toIValue(value))
    expect(a?.tag === 'Tensor' && b?.tag === 'Tensor' && a.value.storage === b.value.storage && a.value.storage.byteLength).toBe(24)
  })

  it('selects overloads by static types, and names them only where needed', () => {
    const text = `graph(%x : Tensor,
      %i : int,
      %f : float):
  %0 : Tensor = aten::add(%x, %x, %i)
  %1 : Tensor = aten::add(%x, %f, %i)
  %2 : int = aten::add(%i, %i)
  %3 : float = aten::add(%f, %f)
  %4 : Scalar = aten::add.Scalar(%i, %i)
  return (%0, %1, %2, %3, %4)`.replace('%4 : Scalar = aten::add.Scalar(%i, %i)', '%4 : float = aten::add(%i, %f)')
    const graph = graphOf(text)
    expect([...graph.block.nodes()].map((node) => schemaName(node.schema!)))
      .toEqual(['aten::add.Tensor', 'aten::add.Scalar', 'aten::add.int', 'aten::add.float', 'aten::add.int_float'])
    expect(printGraph(graph)).toBe(text)
    const named = graphOf('graph(%i : int):\n  %0 : Scalar = aten::add.(%i, %i)\n  return (%0)')
    expect(printGraph(named)).toContain('aten::add.(%i, %i)')
  })

  it('makes names unique', () => {
    const graph = parseGraph('graph(%x : int, %x.1 : int):\n  return (%x, %x.1)')
    graph.inputs[1]!.debugName = 'x'
    expect(printGraph(graph)).toBe('graph(%x : int,\n      %x.1 : int):\n  return (%x, %x.1)')
    expect(printGraph(graph, { numbered: true })).toBe('graph(%0 : int,\n      %1 : int):\n  return (%0, %1)')
  })

  it('keeps subgraphs', () => {
    roundTrip(`graph(%x : Tensor):
  %f : Future(Tensor) = prim::fork[Subgraph=graph(%y : Tensor):
      %0 : Tensor = aten::relu(%y)
      return (%0)](%x)
  return (%f)`)
  })

  it('says which line is wrong', () => {
    expect(() => parseGraph('graph(%x : Tensor):\n  %y : Tensor = aten::relu(%z)\n  return (%y)')).toThrow('line 2: %z is not defined here')
    expect(() => parseGraph('graph(%x : Tensor):\n  %y : Tensor = aten::relu(%x, %x, %x)\n  return (%y)')).toThrow('no overload of aten::relu takes (Tensor, Tensor, Tensor)')
    expect(() => parseGraph('graph(%x : Tensor):\n  %x : Tensor = aten::relu(%x)\n  return (%x)')).toThrow('%x is defined twice')
    expect(() => parseGraph('graph(%x : Nothing):\n  return (%x)')).not.toThrow()
    expect(() => parseGraph('graph(%x : Tensor):\n  return (%x) more')).toThrow('expected the end')
  })
})
