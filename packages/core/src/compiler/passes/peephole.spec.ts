import { describe, expect, it } from 'vitest'
import { expectPass, tidied } from '../../../test/ir.ts'
import { peephole } from './peephole.ts'

const pass = tidied(peephole)

function kept(text: string): void {
  expect(expectPass(pass, text).log.changes.size).toBe(0)
}

describe('PeepholeOptimize', () => {
  it('decides None by type', () => {
    expectPass(pass, `graph(%x : Tensor, %o : Tensor?):
  %none : NoneType = prim::Constant()
  %a : bool = aten::__is__(%x, %none)
  %b : bool = aten::__isnot__(%none, %x)
  %c : bool = aten::__is__(%none, %none)
  %d : bool = aten::__is__(%o, %none)
  return (%a, %b, %c, %d)`, `graph(%x : Tensor, %o : Tensor?):
  %none : NoneType = prim::Constant()
  %a : bool = prim::Constant[value=0]()
  %b : bool = prim::Constant[value=1]()
  %c : bool = prim::Constant[value=1]()
  %d : bool = aten::__is__(%o, %none)
  return (%a, %b, %c, %d)`)
  })

  it('removes casts that say nothing, and keeps the others', () => {
    expectPass(pass, `graph(%x : Tensor, %o : Tensor?):
  %a : Tensor? = prim::unchecked_cast(%x)
  %b : Tensor = prim::unchecked_cast(%o)
  %c : Tensor = aten::_unwrap_optional(%b)
  return (%a, %c)`, `graph(%x : Tensor, %o : Tensor?):
  %b : Tensor = prim::unchecked_cast(%o)
  return (%x, %b)`)
  })

  it('makes outputs of branches as narrow as they are', () => {
    expectPass(pass, `graph(%x : Tensor, %c : bool):
  %none : NoneType = prim::Constant()
  %true : bool = prim::Constant[value=1]()
  %false : bool = prim::Constant[value=0]()
  %y : Tensor?, %d : bool = prim::If(%c)
    block0():
      %a : Tensor = aten::relu(%x)
      -> (%a, %true)
    block1():
      -> (%x, %false)
  %e : bool = aten::__isnot__(%y, %none)
  return (%y, %d, %e)`, `graph(%x : Tensor, %c : bool):
  %y : Tensor = prim::If(%c)
    block0():
      %a : Tensor = aten::relu(%x)
      -> (%a)
    block1():
      -> (%x)
  %e : bool = prim::Constant[value=1]()
  return (%y, %c, %e)`)
  })

  it('knows a condition inside of its branches, and a value compared with itself', () => {
    expectPass(pass, `graph(%x : Tensor, %c : bool, %f : float):
  %a : bool = prim::If(%c)
    block0():
      %d : bool = aten::__not__(%c)
      -> (%d)
    block1():
      -> (%c)
  %e : bool = aten::__is__(%x, %x)
  %g : bool = aten::__is__(%f, %f)
  %p : Tensor, %q : Tensor = prim::If(%c)
    block0():
      %r : Tensor = aten::relu(%x)
      -> (%r, %r)
    block1():
      -> (%x, %x)
  return (%a, %e, %g, %p, %q)`, `graph(%x : Tensor, %c : bool, %f : float):
  %a : bool = prim::If(%c)
    block0():
      %true : bool = prim::Constant[value=1]()
      %d : bool = aten::__not__(%true)
      -> (%d)
    block1():
      %false : bool = prim::Constant[value=0]()
      -> (%false)
  %e : bool = prim::Constant[value=1]()
  %g : bool = aten::__is__(%f, %f)
  %p : Tensor = prim::If(%c)
    block0():
      %r : Tensor = aten::relu(%x)
      -> (%r)
    block1():
      -> (%x)
  return (%a, %e, %g, %p, %p)`)
  })

  it('takes back a number that was made a tensor', () => {
    expectPass(pass, `graph(%i : int, %f : float):
  %a : Tensor = prim::NumToTensor(%i)
  %b : int = aten::Int(%a)
  %c : Scalar = aten::ScalarImplicit(%a)
  %d : Tensor = prim::NumToTensor(%f)
  %e : float = aten::Float(%d)
  return (%b, %c, %e)`, 'graph(%i : int, %f : float):\n  return (%i, %i, %f)')
  })

  it('keeps the round trip when it converts, or when the tensor is written to', () => {
    kept('graph(%f : float):\n  %a : Tensor = prim::NumToTensor(%f)\n  %b : int = aten::Int(%a)\n  return (%b)')
    kept('graph(%i : int):\n  %a : Tensor = prim::NumToTensor(%i)\n  %w : Tensor = aten::neg_(%a)\n  %b : int = aten::Int(%a)\n  return (%b)')
  })

  it('knows neutral numbers of ints', () => {
    expectPass(pass, `graph(%i : int):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %a : int = aten::add(%i, %0)
  %b : int = aten::mul(%a, %1)
  %c : int = aten::floordiv(%b, %1)
  %d : int = aten::Int(%c)
  %e : bool = aten::eq(%d, %i)
  return (%d, %e)`, `graph(%i : int):
  %e : bool = prim::Constant[value=1]()
  return (%i, %e)`)
  })

  it('leaves alone what is only right for some inputs', () => {
    kept(`graph(%x : Tensor, %f : float):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %a : Tensor = aten::add(%x, %0, %1)
  %b : Tensor = aten::mul(%a, %1)
  %c : bool = aten::eq(%f, %f)
  %d : int[] = prim::Constant[value=[1, 1]]()
  %e : bool = prim::Constant[value=0]()
  %n : Tensor? = prim::Constant()
  %g : Tensor = aten::conv2d(%b, %b, %n, %d, %d, %d, %1)
  %h : int = aten::dim(%g)
  return (%b, %c, %h)`.replace("  %e : bool = prim::Constant[value=0]()\n", ''))
  })

  it('turns a matrix back', () => {
    expectPass(pass, `graph(%x : Tensor):
  %a : Tensor = aten::t(%x)
  %b : Tensor = aten::t(%a)
  %c : Tensor = aten::relu(%b)
  return (%c)`, 'graph(%x : Tensor):\n  %c : Tensor = aten::relu(%x)\n  return (%c)')
  })

  it('does not when the matrix itself is turned in between', () => {
    kept(`graph(%x : Tensor):
  %a : Tensor = aten::t(%x)
  %b : Tensor = aten::t_(%x)
  %c : Tensor = aten::t(%a)
  return (%c)`)
  })
})
