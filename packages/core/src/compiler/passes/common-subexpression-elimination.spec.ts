import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { commonSubexpressionElimination } from './common-subexpression-elimination.ts'

function kept(text: string): void {
  expect(expectPass(commonSubexpressionElimination, text).log.changes.size).toBe(0)
}

describe('EliminateCommonSubexpression', () => {
  it('computes once, and takes what a block around has', () => {
    expectPass(commonSubexpressionElimination, `graph(%x : Tensor, %c : bool):
  %n : int = prim::Constant[value=0]()
  %a : int = aten::size(%x, %n)
  %b : int = aten::size(%x, %n)
  %s : int = aten::add(%a, %b)
  %y : int = prim::If(%c)
    block0():
      %m : int = prim::Constant[value=0]()
      %d : int = aten::size(%x, %m)
      -> (%d)
    block1():
      -> (%s)
  return (%y)`, `graph(%x : Tensor, %c : bool):
  %n : int = prim::Constant[value=0]()
  %a : int = aten::size(%x, %n)
  %s : int = aten::add(%a, %a)
  %y : int = prim::If(%c)
    block0():
      -> (%a)
    block1():
      -> (%s)
  return (%y)`)
  })

  it('does not take from a block beside', () => {
    kept(`graph(%x : int, %c : bool):
  %y : int = prim::If(%c)
    block0():
      %a : int = aten::neg(%x)
      -> (%a)
    block1():
      %b : int = aten::neg(%x)
      -> (%b)
  return (%y)`)
  })

  it('merges fresh tensors that stay inside, but not two that are returned', () => {
    expectPass(commonSubexpressionElimination, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::relu(%x)
  %y : Tensor = aten::matmul(%a, %b)
  return (%y)`, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %y : Tensor = aten::matmul(%a, %a)
  return (%y)`)
    kept('graph(%x : Tensor):\n  %a : Tensor = aten::relu(%x)\n  %b : Tensor = aten::relu(%x)\n  return (%a, %b)')
    kept(`graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::relu(%x)
  %l : Tensor[] = prim::ListConstruct(%a, %b)
  return (%l)`)
  })

  it('does not join two returned tensors through a third', () => {
    expectPass(commonSubexpressionElimination, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::relu(%x)
  %c : Tensor = aten::relu(%x)
  %d : Tensor = aten::sigmoid(%a)
  return (%b, %c, %d)`, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %c : Tensor = aten::relu(%x)
  %d : Tensor = aten::sigmoid(%a)
  return (%a, %c, %d)`)
  })

  it('merges attribute reads and views, which are the same memory anyway', () => {
    expectPass(commonSubexpressionElimination, `graph(%self : __torch__.M):
  %a : Tensor = prim::GetAttr[name="w"](%self)
  %b : Tensor = prim::GetAttr[name="w"](%self)
  %c : Tensor = prim::GetAttr[name="v"](%self)
  return (%a, %b, %c)`, `graph(%self : __torch__.M):
  %a : Tensor = prim::GetAttr[name="w"](%self)
  %c : Tensor = prim::GetAttr[name="v"](%self)
  return (%a, %a, %c)`)
  })

  it('keeps reads with a write between them', () => {
    kept(`graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %w : Tensor = aten::sigmoid_(%x)
  %b : Tensor = aten::relu(%x)
  %y : Tensor = aten::matmul(%a, %b)
  return (%y)`)
    kept(`graph(%l : int[], %n : int):
  %a : int = aten::len(%l)
  %w : int[] = aten::append(%l, %n)
  %b : int = aten::len(%l)
  return (%a, %b)`)
    kept(`graph(%self : __torch__.M, %x : Tensor):
  %a : Tensor = prim::GetAttr[name="w"](%self)
  prim::SetAttr[name="w"](%self, %x)
  %b : Tensor = prim::GetAttr[name="w"](%self)
  return (%a, %b)`)
  })

  it('keeps a write into a list\'s tensor between two readings of the list', () => {
    kept(`graph(%x : Tensor, %n : int):
  %a : Tensor = aten::relu(%x)
  %l : Tensor[] = prim::ListConstruct(%a, %a)
  %b : Tensor = aten::cat(%l, %n)
  %w : Tensor = aten::sigmoid_(%a)
  %c : Tensor = aten::cat(%l, %n)
  %y : Tensor = aten::matmul(%b, %c)
  return (%y)`)
  })

  it('keeps tensors that a loop writes to in a later round', () => {
    kept(`graph(%x : Tensor, %q : Tensor, %n : int, %t : bool):
  %p : Tensor = aten::relu(%q)
  %y : Tensor = prim::Loop(%n, %t, %x)
    block0(%i : int, %z : Tensor):
      %w : Tensor = aten::sigmoid_(%z)
      %a : Tensor = aten::relu(%q)
      -> (%t, %a)
  return (%y, %p)`)
  })

  it('keeps two objects that the graph tells apart', () => {
    kept(`graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::relu(%x)
  %c : bool = aten::__is__(%a, %b)
  return (%c)`)
  })

  it('keeps random operators, effects and different overloads or attributes', () => {
    kept(`graph(%x : Tensor, %f : float):
  %t : bool = prim::Constant[value=1]()
  %a : Tensor = aten::dropout(%x, %f, %t)
  %b : Tensor = aten::dropout(%x, %f, %t)
  %c : Tensor = custom::op(%x)
  %d : Tensor = custom::op(%x)
  return ()`)
    kept(`graph(%x : Any):
  %a : bool = prim::isinstance[types=[int]](%x)
  %b : bool = prim::isinstance[types=[str]](%x)
  return (%a, %b)`)
  })
})
