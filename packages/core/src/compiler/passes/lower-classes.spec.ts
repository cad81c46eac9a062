import { describe, expect, it } from 'vitest'
import { expectPass, tidied } from '../../../test/ir.ts'
import { classType } from '../ir/class-type.ts'
import { IntType, optionalOf, TensorType, type Type } from '../ir/types.ts'
import { lowerClasses } from './lower-classes.ts'

const BOX = classType('Box')
for (const [name, type] of Object.entries({ value: IntType, tensor: optionalOf(TensorType) })) {
  BOX.attributes.push({ name, type, isParameter: false, isBuffer: false })
}
const types = new Map<string, Type>([['Box', BOX]])

function expectLowered(before: string, after?: string): void {
  expectPass(tidied(lowerClasses), before, after, { types })
}

describe('LowerClasses', () => {
  it('gives what was assigned last to what is read', () => {
    expectLowered(`graph(%x : Tensor, %i : int, %j : int):
  %o : Box = prim::CreateObject()
   = prim::SetAttr[name="value"](%o, %i)
   = prim::SetAttr[name="tensor"](%o, %x)
  %a : int = prim::GetAttr[name="value"](%o)
   = prim::SetAttr[name="value"](%o, %j)
  %b : int = prim::GetAttr[name="value"](%o)
  %t : Tensor? = prim::GetAttr[name="tensor"](%o)
  return (%a, %b, %t)`, `graph(%x : Tensor, %i : int, %j : int):
  return (%i, %j, %x)`)
  })

  it('carries what branches and loops assign', () => {
    expectLowered(`graph(%i : int, %c : bool):
  %true : bool = prim::Constant[value=1]()
  %o : Box = prim::CreateObject()
   = prim::SetAttr[name="value"](%o, %i)
   = prim::Loop(%i, %true)
    block0(%k : int):
      %before : int = prim::GetAttr[name="value"](%o)
       = prim::If(%c)
        block0():
          %more : int = aten::add(%before, %k)
           = prim::SetAttr[name="value"](%o, %more)
          -> ()
        block1():
          -> ()
      -> (%true)
  %after : int = prim::GetAttr[name="value"](%o)
  return (%after)`, `graph(%i : int, %c : bool):
  %true : bool = prim::Constant[value=1]()
  %after : int = prim::Loop(%i, %true, %i)
    block0(%k : int, %before : int):
      %next : int = prim::If(%c)
        block0():
          %more : int = aten::add(%before, %k)
          -> (%more)
        block1():
          -> (%before)
      -> (%true, %next)
  return (%after)`)
  })

  it('takes apart objects that branches choose between', () => {
    expectLowered(`graph(%i : int, %j : int, %c : bool):
  %o : Box = prim::If(%c)
    block0():
      %a : Box = prim::CreateObject()
       = prim::SetAttr[name="value"](%a, %i)
      -> (%a)
    block1():
      %b : Box = prim::CreateObject()
       = prim::SetAttr[name="value"](%b, %j)
      -> (%b)
  %v : int = prim::GetAttr[name="value"](%o)
  return (%v)`, `graph(%i : int, %j : int, %c : bool):
  %v : int = prim::If(%c)
    block0():
      -> (%i)
    block1():
      -> (%j)
  return (%v)`)
  })

  it('takes apart an object that a loop replaces in each round', () => {
    expectLowered(`graph(%i : int):
  %true : bool = prim::Constant[value=1]()
  %first : Box = prim::CreateObject()
   = prim::SetAttr[name="value"](%first, %i)
  %last : Box = prim::Loop(%i, %true, %first)
    block0(%k : int, %o : Box):
      %v : int = prim::GetAttr[name="value"](%o)
      %w : int = aten::mul(%v, %k)
      %next : Box = prim::CreateObject()
       = prim::SetAttr[name="value"](%next, %w)
      -> (%true, %next)
  %v : int = prim::GetAttr[name="value"](%last)
  return (%v)`, `graph(%i : int):
  %true : bool = prim::Constant[value=1]()
  %v : int = prim::Loop(%i, %true, %i)
    block0(%k : int, %o : int):
      %w : int = aten::mul(%o, %k)
      -> (%true, %w)
  return (%v)`)
  })

  it('keeps an object that is also known by the name it had before the branch', () => {
    expectLowered(`graph(%i : int, %j : int, %c : bool):
  %a : Box = prim::CreateObject()
   = prim::SetAttr[name="value"](%a, %i)
  %o : Box = prim::If(%c)
    block0():
      -> (%a)
    block1():
      %b : Box = prim::CreateObject()
       = prim::SetAttr[name="value"](%b, %j)
      -> (%b)
   = prim::SetAttr[name="value"](%o, %j)
  %v : int = prim::GetAttr[name="value"](%a)
  return (%v)`)
  })

  it('keeps an object from before a loop that each round may merge again', () => {
    expectLowered(`graph(%i : int, %c : bool):
  %true : bool = prim::Constant[value=1]()
  %a : Box = prim::CreateObject()
   = prim::SetAttr[name="value"](%a, %i)
   = prim::Loop(%i, %true)
    block0(%k : int):
      %o : Box = prim::If(%c)
        block0():
          -> (%a)
        block1():
          %b : Box = prim::CreateObject()
           = prim::SetAttr[name="value"](%b, %k)
          -> (%b)
       = prim::SetAttr[name="value"](%o, %k)
      %v : int = prim::GetAttr[name="value"](%o)
       = prim::Print(%v)
      -> (%true)
  return (%i)`)
  })

  it('keeps objects that two outputs share, and that lists hold', () => {
    expectLowered(`graph(%i : int, %c : bool):
  %o : Box, %p : Box = prim::If(%c)
    block0():
      %a : Box = prim::CreateObject()
       = prim::SetAttr[name="value"](%a, %i)
      -> (%a, %a)
    block1():
      %b : Box = prim::CreateObject()
       = prim::SetAttr[name="value"](%b, %i)
      -> (%b, %b)
   = prim::SetAttr[name="value"](%o, %i)
  %v : int = prim::GetAttr[name="value"](%p)
  %q : Box = prim::CreateObject()
   = prim::SetAttr[name="value"](%q, %i)
  %l : Box[] = prim::ListConstruct(%q)
  %w : int = prim::GetAttr[name="value"](%q)
  return (%v, %l, %w)`)
  })

  it('tells objects apart, and their class', () => {
    expectLowered(`graph():
  %a : Box = prim::CreateObject()
  %b : Box = prim::CreateObject()
  %same : bool = aten::__is__(%a, %a)
  %other : bool = aten::__isnot__(%a, %b)
  %box : bool = prim::isinstance[types=[Box]](%a)
  %int : bool = prim::isinstance[types=[int]](%a)
  return (%same, %other, %box, %int)`, `graph():
  %same : bool = prim::Constant[value=1]()
  %other : bool = prim::Constant[value=1]()
  %box : bool = prim::Constant[value=1]()
  %int : bool = prim::Constant[value=0]()
  return (%same, %other, %box, %int)`)
  })

  it('takes tuples with objects apart where branches merge them', () => {
    const { log } = expectPass(lowerClasses, `graph(%i : int, %c : bool):
  %t : (int, Box) = prim::If(%c)
    block0():
      %a : Box = prim::CreateObject()
      %s : (int, Box) = prim::TupleConstruct(%i, %a)
      -> (%s)
    block1():
      %b : Box = prim::CreateObject()
      %u : (int, Box) = prim::TupleConstruct(%i, %b)
      -> (%u)
  %n : int, %o : Box = prim::TupleUnpack(%t)
  return (%n)`, `graph(%i : int, %c : bool):
  %n0 : int, %o0 : Box = prim::If(%c)
    block0():
      %a : Box = prim::CreateObject()
      %s : (int, Box) = prim::TupleConstruct(%i, %a)
      %p : int, %q : Box = prim::TupleUnpack(%s)
      -> (%p, %q)
    block1():
      %b : Box = prim::CreateObject()
      %u : (int, Box) = prim::TupleConstruct(%i, %b)
      %r : int, %v : Box = prim::TupleUnpack(%u)
      -> (%r, %v)
  %t : (int, Box) = prim::TupleConstruct(%n0, %o0)
  %n : int, %o : Box = prim::TupleUnpack(%t)
  return (%n)`, { types })
    expect(log.changes.get('lower_classes')).toBe(1)
  })
})
