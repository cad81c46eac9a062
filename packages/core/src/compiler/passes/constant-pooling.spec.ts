import { describe, expect, it } from 'vitest'
import { expectPass, graphOf, recordLog } from '../../../test/ir.ts'
import { Graph } from '../ir/graph.ts'
import { intValue } from '../ir/ivalue.ts'
import { lazyAliasDb } from '../ir/alias-analysis.ts'
import { constantPooling } from './constant-pooling.ts'

describe('ConstantPooling', () => {
  it('merges equal constants, from inner blocks too, and moves them to the front in order', () => {
    const { log } = expectPass(constantPooling, `graph(%x : Tensor, %c : bool):
  %a : Tensor = aten::relu(%x)
  %one : int = prim::Constant[value=1]()
  %b : Tensor = aten::add(%a, %a, %one)
  %y : Tensor = prim::If(%c)
    block0():
      %uno : int = prim::Constant[value=1]()
      %two : int = prim::Constant[value=2]()
      %d : Tensor = aten::add(%b, %b, %two)
      %e : Tensor = aten::add(%d, %b, %uno)
      -> (%e)
    block1():
      %deux : int = prim::Constant[value=2]()
      %f : Tensor = aten::add(%b, %b, %deux)
      -> (%f)
  return (%y)`, `graph(%x : Tensor, %c : bool):
  %one : int = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::add(%a, %a, %one)
  %y : Tensor = prim::If(%c)
    block0():
      %d : Tensor = aten::add(%b, %b, %two)
      %e : Tensor = aten::add(%d, %b, %one)
      -> (%e)
    block1():
      %f : Tensor = aten::add(%b, %b, %two)
      -> (%f)
  return (%y)`)
    expect(log.changes.get('constant_pooling')).toBe(2)
  })

  it('tells types, zeros and views apart', () => {
    expect(expectPass(constantPooling, `graph():
  %a : int = prim::Constant[value=1]()
  %b : float = prim::Constant[value=1.]()
  %c : bool = prim::Constant[value=1]()
  %d : float = prim::Constant[value=0.]()
  %e : float = prim::Constant[value=-0.]()
  %f : int? = prim::Constant[value=1]()
  %g : int? = prim::Constant()
  %h : Tensor? = prim::Constant()
  %i : str = prim::Constant[value="1"]()
  %j : Tensor = prim::Constant[value=<Tensor Float[2, 2] "w">]()
  %k : Tensor = prim::Constant[value=<Tensor Float[2, 2] "w" strides=[1, 2]>]()
  %l : Tensor = prim::Constant[value=<Tensor Float[2] {1., 0.}>]()
  %m : Tensor = prim::Constant[value=<Tensor Float[2] {1., -0.}>]()
  return ()`).log.changes.size).toBe(0)
  })

  it('merges tensors of one storage, even when they are returned', () => {
    expectPass(constantPooling, `graph():
  %a : Tensor = prim::Constant[value=<Tensor Float[2] "w">]()
  %b : Tensor = prim::Constant[value=<Tensor Float[2] "w">]()
  return (%a, %b)`, `graph():
  %a : Tensor = prim::Constant[value=<Tensor Float[2] "w">]()
  return (%a, %a)`)
  })

  it('merges equal tensors that are only read, but not with one that is returned, which the caller may change', () => {
    expectPass(constantPooling, `graph(%x : Tensor):
  %a : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %b : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %c : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %y : Tensor = aten::matmul(%x, %a)
  %z : Tensor = aten::matmul(%y, %b)
  return (%z, %c)`, `graph(%x : Tensor):
  %a : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %c : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %y : Tensor = aten::matmul(%x, %a)
  %z : Tensor = aten::matmul(%y, %a)
  return (%z, %c)`)
  })

  it('keeps a constant apart that is written to', () => {
    expectPass(constantPooling, `graph(%x : Tensor):
  %a : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %b : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %c : Tensor = aten::relu_(%b)
  %y : Tensor = aten::matmul(%x, %a)
  return (%y)`)
  })

  it('is linear', () => {
    const graph = new Graph()
    for (let i = 0; i < 30_000; i++) graph.block.registerOutput(graph.insertConstant(intValue(i % 100)))
    const begin = performance.now()
    expect(constantPooling.simplify(graph, lazyAliasDb(graph))).toBe(29_900)
    expect(performance.now() - begin).toBeLessThan(3000)
    expect(graphOf('graph():\n  return ()').outputs.length).toBe(0)
    constantPooling.run(graph, recordLog())
  })
})
