import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { removeListMutation } from './remove-list-mutation.ts'

function kept(text: string): void {
  expect(expectPass(removeListMutation, text).log.changes.size).toBe(0)
}

describe('RemoveListMutation', () => {
  it('makes the list complete where it is made', () => {
    expectPass(removeListMutation, `graph(%x : int, %y : int):
  %0 : int = prim::Constant[value=0]()
  %m1 : int = prim::Constant[value=-1]()
  %l : int[] = prim::ListConstruct(%x)
  %a : int = aten::add(%x, %y)
  %b : int[] = aten::append(%l, %a)
  aten::insert(%l, %0, %y)
  %c : int[] = aten::_set_item(%l, %m1, %x)
  %k : int[] = prim::ListConstruct(%x, %y)
  aten::extend(%l, %k)
  %n : int = aten::len(%l)
  return (%l, %n)`, `graph(%x : int, %y : int):
  %0 : int = prim::Constant[value=0]()
  %m1 : int = prim::Constant[value=-1]()
  %a : int = aten::add(%x, %y)
  %k : int[] = prim::ListConstruct(%x, %y)
  %l : int[] = prim::ListConstruct(%y, %x, %x, %x, %y)
  %n : int = aten::len(%l)
  return (%l, %n)`)
  })

  it('stops at the first other use', () => {
    expectPass(removeListMutation, `graph(%x : int):
  %l : int[] = prim::ListConstruct()
  %a : int[] = aten::append(%l, %x)
  %n : int = aten::len(%l)
  %b : int[] = aten::append(%l, %n)
  return (%l)`, `graph(%x : int):
  %l : int[] = prim::ListConstruct(%x)
  %n : int = aten::len(%l)
  %b : int[] = aten::append(%l, %n)
  return (%l)`)
  })

  it('keeps writes in inner blocks, to lists from elsewhere, and those that raise', () => {
    kept(`graph(%x : int, %c : bool):
  %l : int[] = prim::ListConstruct()
  prim::If(%c)
    block0():
      %a : int[] = aten::append(%l, %x)
      -> ()
    block1():
      -> ()
  %b : int[] = aten::append(%l, %x)
  return (%l)`)
    kept('graph(%l : int[], %x : int):\n  %a : int[] = aten::append(%l, %x)\n  return (%a)')
    kept(`graph(%x : int):
  %one : int = prim::Constant[value=1]()
  %l : int[] = prim::ListConstruct(%x)
  %a : int[] = aten::_set_item(%l, %one, %x)
  return (%l)`)
  })

  it('follows the list under the name a write gives it', () => {
    expectPass(removeListMutation, `graph(%x : int):
  %l : int[] = prim::ListConstruct()
  %a : int[] = aten::append(%l, %x)
  %n : int = aten::len(%a)
  %b : int[] = aten::append(%l, %n)
  return (%l)`, `graph(%x : int):
  %l : int[] = prim::ListConstruct(%x)
  %n : int = aten::len(%l)
  %b : int[] = aten::append(%l, %n)
  return (%l)`)
  })
})
