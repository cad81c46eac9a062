import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { removeDropout } from './remove-dropout.ts'

const HEAD = `graph(%x : Tensor, %flag : bool):
  %p : float = prim::Constant[value=0.5]()
  %on : bool = prim::Constant[value=1]()
  %off : bool = prim::Constant[value=0]()
`

describe('removeDropout', () => {
  it.each(['dropout', 'dropout_', 'feature_dropout', 'alpha_dropout', 'feature_alpha_dropout_'])('removes a %s that is off', (name) => {
    const { log } = expectPass(removeDropout, `${HEAD}  %y : Tensor = aten::${name}(%x, %p, %off)\n  %z : Tensor = aten::relu(%y)\n  return (%z)`,
      `${HEAD}  %z : Tensor = aten::relu(%x)\n  return (%z)`)
    expect(log.changes.get('remove_dropout')).toBe(1)
  })

  it('removes one that drops nothing', () => {
    expectPass(removeDropout, `${HEAD}  %q : float = prim::Constant[value=0.]()\n  %y : Tensor = aten::dropout(%x, %q, %on)\n  return (%y)`,
      `${HEAD}  %q : float = prim::Constant[value=0.]()\n  return (%x)`)
  })

  it('removes in blocks, and several in a row', () => {
    expectPass(removeDropout, `${HEAD}  %r : Tensor = prim::If(%flag)
    block0():
      %a : Tensor = aten::dropout(%x, %p, %off)
      %b : Tensor = aten::dropout(%a, %p, %off)
      -> (%b)
    block1():
      -> (%x)
  return (%r)`, `${HEAD}  %r : Tensor = prim::If(%flag)
    block0():
      -> (%x)
    block1():
      -> (%x)
  return (%r)`)
  })

  it.each(['%on', '%flag'])('keeps one that is or may be on', (train) => {
    expect(expectPass(removeDropout, `${HEAD}  %y : Tensor = aten::dropout(%x, %p, ${train})\n  return (%y)`).log.declines).toHaveLength(1)
  })
})
