import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { lowerSimpleTuples } from './lower-tuples.ts'

describe('LowerSimpleTuples', () => {
  it('takes elements from where the tuple was made, also through other tuples', () => {
    expectPass(lowerSimpleTuples, `graph(%x : Tensor, %i : int):
  %one : int = prim::Constant[value=1]()
  %m : int = prim::Constant[value=-2]()
  %t : (Tensor, int) = prim::TupleConstruct(%x, %i)
  %u : ((Tensor, int), int) = prim::TupleConstruct(%t, %one)
  %a : (Tensor, int), %b : int = prim::TupleUnpack(%u)
  %c : Tensor, %d : int = prim::TupleUnpack(%a)
  %e : (Tensor, int) = prim::TupleIndex(%u, %m)
  %f : int = prim::TupleIndex(%e, %one)
  %g : (int) = prim::TupleSlice[beg=1, end=2](%e)
  %h : int = prim::TupleUnpack(%g)
  return (%c, %d, %f, %h)`, `graph(%x : Tensor, %i : int):
  %one : int = prim::Constant[value=1]()
  %m : int = prim::Constant[value=-2]()
  return (%x, %i, %i, %i)`)
  })

  it('keeps tuples that come from elsewhere or go elsewhere', () => {
    expect(expectPass(lowerSimpleTuples, `graph(%x : (Tensor, int), %y : Tensor, %i : int):
  %a : Tensor, %b : int = prim::TupleUnpack(%x)
  %t : (Tensor, int) = prim::TupleConstruct(%y, %i)
  %n : (int, int) = prim::TupleConstruct(%i, %i)
  %c : int = prim::TupleIndex(%n, %i)
  return (%a, %t, %c)`).log.changes.size).toBe(0)
  })
})
