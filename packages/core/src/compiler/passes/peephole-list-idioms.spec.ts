import { describe, expect, it } from 'vitest'
import { expectPass, tidied } from '../../../test/ir.ts'
import { peepholeListIdioms } from './peephole-list-idioms.ts'

const pass = tidied(peepholeListIdioms)

function kept(text: string): void {
  expect(expectPass(pass, text).log.changes.size).toBe(0)
}

describe('PeepholeOptimizeListIdioms', () => {
  it('reads from lists whose elements are known', () => {
    expectPass(pass, `graph(%x : Tensor, %y : Tensor, %i : int):
  %m1 : int = prim::Constant[value=-1]()
  %l : Tensor[] = prim::ListConstruct(%x, %y)
  %a : int = aten::len(%l)
  %b : Tensor = aten::__getitem__(%l, %m1)
  %k : Tensor[] = prim::ListConstruct(%b)
  %j : Tensor[] = aten::add(%l, %k)
  %c : Tensor, %d : Tensor, %e : Tensor = prim::ListUnpack(%j)
  return (%a, %b, %e)`, `graph(%x : Tensor, %y : Tensor, %i : int):
  %a : int = prim::Constant[value=2]()
  return (%a, %y, %y)`)
  })

  it('reads from dicts of constant keys', () => {
    expectPass(pass, `graph(%x : Tensor, %y : Tensor):
  %a : str = prim::Constant[value="a"]()
  %b : str = prim::Constant[value="b"]()
  %d : Dict(str, Tensor) = prim::DictConstruct(%a, %x, %b, %y)
  %r : Tensor = aten::__getitem__(%d, %b)
  %n : int = aten::len(%d)
  return (%r, %n)`, `graph(%x : Tensor, %y : Tensor):
  %n : int = prim::Constant[value=2]()
  return (%y, %n)`)
  })

  it('keeps reads out of range, with an unknown index, or of a list that is written to or known elsewhere', () => {
    kept(`graph(%x : Tensor, %i : int):
  %two : int = prim::Constant[value=2]()
  %l : Tensor[] = prim::ListConstruct(%x)
  %a : Tensor = aten::__getitem__(%l, %two)
  %b : Tensor = aten::__getitem__(%l, %i)
  return (%a, %b)`)
    kept(`graph(%x : Tensor, %c : bool):
  %l : Tensor[] = prim::ListConstruct(%x)
  prim::If(%c)
    block0():
      %m : Tensor[] = aten::append(%l, %x)
      -> ()
    block1():
      -> ()
  %a : int = aten::len(%l)
  return (%a)`)
    kept(`graph(%x : Tensor):
  %l : Tensor[] = prim::ListConstruct(%x)
  %u : int = custom::op(%l)
  %a : int = aten::len(%l)
  return (%a)`)
  })
})
