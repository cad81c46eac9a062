import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { deadCodeElimination } from './dead-code-elimination.ts'

function kept(text: string): void {
  expect(expectPass(deadCodeElimination, text).log.changes.size).toBe(0)
}

/** A batch norm whose result nobody uses. */
function batchNorm(training: number): string {
  return `graph(%x : Tensor, %m : Tensor):
  %none : Tensor? = prim::Constant()
  %t : bool = prim::Constant[value=${training}]()
  %e : float = prim::Constant[value=0.1]()
  %y : Tensor = aten::batch_norm(%x, %none, %none, %m, %m, %t, %e, %e, %t)
  return (%x)`
}

describe('EliminateDeadCode', () => {
  it('removes what nothing needs', () => {
    const { log } = expectPass(deadCodeElimination, `graph(%x : Tensor, %c : bool):
  %one : int = prim::Constant[value=1]()
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::add(%a, %a, %one)
  %d : Tensor, %e : Tensor = prim::If(%c)
    block0():
      %f : Tensor = aten::sigmoid(%x)
      -> (%f, %b)
    block1():
      -> (%a, %a)
  return (%d)`, `graph(%x : Tensor, %c : bool):
  %a : Tensor = aten::relu(%x)
  %d : Tensor = prim::If(%c)
    block0():
      %f : Tensor = aten::sigmoid(%x)
      -> (%f)
    block1():
      -> (%a)
  return (%d)`)
    expect(log.changes.get('eliminate_dead_code')).toBe(2)
  })

  it('removes a write to memory of its own, and what it wrote to', () => {
    expectPass(deadCodeElimination, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::sigmoid_(%a)
  %l : int[] = prim::ListConstruct()
  %n : int = prim::Constant[value=1]()
  %m : int[] = aten::append(%l, %n)
  return (%x)`, 'graph(%x : Tensor):\n  return (%x)')
  })

  it('keeps a write to an input, through a view too', () => {
    kept(`graph(%x : Tensor):
  %n : int = prim::Constant[value=0]()
  %v : Tensor = aten::select(%x, %n, %n)
  %b : Tensor = aten::sigmoid_(%v)
  return ()`)
  })

  it('keeps a write to memory that is needed later, in either branch', () => {
    kept(`graph(%x : Tensor, %c : bool):
  %a : Tensor = aten::relu(%x)
  prim::If(%c)
    block0():
      %b : Tensor = aten::sigmoid_(%a)
      -> ()
    block1():
      -> ()
  return (%a)`)
  })

  it('removes a write that comes after the last read', () => {
    expectPass(deadCodeElimination, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %y : Tensor = aten::sigmoid(%a)
  %b : Tensor = aten::sigmoid_(%a)
  return (%y)`, `graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %y : Tensor = aten::sigmoid(%a)
  return (%y)`)
  })

  it('keeps a write to a tensor in a list that is needed', () => {
    kept(`graph(%x : Tensor):
  %n : int = prim::Constant[value=0]()
  %a : Tensor = aten::relu(%x)
  %l : Tensor[] = prim::ListConstruct(%a, %x)
  %b : Tensor = aten::sigmoid_(%a)
  %y : Tensor = aten::cat(%l, %n)
  return (%y)`)
  })

  it('keeps a write that the next round of a loop reads', () => {
    kept(`graph(%x : Tensor, %n : int):
  %true : bool = prim::Constant[value=1]()
  %zero : int = prim::Constant[value=0]()
  %a : Tensor = aten::relu(%x)
  %t : Tensor = prim::Loop(%n, %true, %x)
    block0(%i : int, %s : Tensor):
      %r : Tensor = aten::select(%a, %zero, %zero)
      %s2 : Tensor = aten::sub(%s, %r, %n)
      %w : Tensor = aten::sigmoid_(%r)
      -> (%true, %s2)
  return (%t)`)
  })

  it('removes a carried value that only computes itself, and keeps what the condition needs', () => {
    expectPass(deadCodeElimination, `graph(%x : Tensor, %n : int):
  %true : bool = prim::Constant[value=1]()
  %y : Tensor, %z : Tensor, %k : int = prim::Loop(%n, %true, %x, %x, %n)
    block0(%i : int, %p : Tensor, %q : Tensor, %j : int):
      %r : Tensor = aten::relu(%p)
      %s : Tensor = aten::sigmoid(%q)
      %m : int = aten::add(%j, %i)
      %c : bool = aten::lt(%m, %n)
      -> (%c, %r, %s, %m)
  return (%y)`, `graph(%x : Tensor, %n : int):
  %true : bool = prim::Constant[value=1]()
  %y : Tensor, %k : int = prim::Loop(%n, %true, %x, %n)
    block0(%i : int, %p : Tensor, %j : int):
      %r : Tensor = aten::relu(%p)
      %m : int = aten::add(%j, %i)
      %c : bool = aten::lt(%m, %n)
      -> (%c, %r, %m)
  return (%y)`.replace('%y : Tensor, %k : int = prim::Loop', '%y : Tensor, %k : int = prim::Loop'))
  })

  it('keeps side effects in their blocks, with what they need', () => {
    kept(`graph(%x : Tensor, %s : str, %c : bool):
  prim::If(%c)
    block0():
      %b : str = aten::upper(%s)
      prim::RaiseException(%b)
      -> ()
    block1():
      -> ()
  return (%x)`)
  })

  it('keeps operators that nothing is known of, attribute writes and calls', () => {
    kept(`graph(%self : __torch__.M, %x : Tensor):
  %a : Tensor = custom::op(%x)
  prim::SetAttr[name="n"](%self, %x)
  %b : Tensor = prim::CallMethod[name="f"](%self, %x)
  return (%x)`)
  })

  it('keeps batch_norm in training mode, which writes its statistics, and removes it otherwise', () => {
    kept(batchNorm(1))
    expectPass(deadCodeElimination, batchNorm(0), 'graph(%x : Tensor, %m : Tensor):\n  return (%x)')
  })

  it('ends quickly on deep nests and long chains', () => {
    const depth = 40
    const open = Array.from({ length: depth }, (_, i) =>
      `%r${i} : Tensor = prim::Loop(%n, %t, ${i === 0 ? '%x' : `%p${i - 1}`})\n block0(%i${i} : int, %p${i} : Tensor):\n`).join('')
    const close = Array.from({ length: depth }, (_, i) => {
      const level = depth - 1 - i
      return ` %y${level} : Tensor = aten::relu(${level === depth - 1 ? `%p${level}` : `%r${level + 1}`})\n -> (%t, %y${level})\n`
    }).join('')
    kept(`graph(%x : Tensor, %n : int, %t : bool):\n${open}${close}  return (%r0)`)
  })
})
