import { describe, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { eliminateNoOps } from './eliminate-no-ops.ts'

describe('EliminateNoOps', () => {
  it('removes detach', () => {
    expectPass(eliminateNoOps, `graph(%x : Tensor):
  %a : Tensor = aten::detach(%x)
  %b : Tensor = aten::relu(%a)
  return (%b)`, 'graph(%x : Tensor):\n  %b : Tensor = aten::relu(%x)\n  return (%b)')
  })

  it('keeps it where the result is told apart from the tensor', () => {
    expectPass(eliminateNoOps, `graph(%x : Tensor):
  %a : Tensor = aten::detach(%x)
  %c : bool = aten::__is__(%a, %x)
  return (%a, %c)`)
  })

  it('keeps it where the tensor changes its shape in place', () => {
    expectPass(eliminateNoOps, `graph(%x : Tensor):
  %z : int = prim::Constant[value=0]()
  %a : Tensor = aten::detach(%x)
  %b : Tensor = aten::unsqueeze_(%x, %z)
  %d : int = aten::dim(%a)
  return (%d)`)
  })
})
