import { describe, expect, it } from 'vitest'
import { expectPass, graphOf, recordLog } from '../../../test/ir.ts'
import { allNodes } from '../ir/graph.ts'
import { unrollConstantLoops } from './loop-unrolling.ts'

function kept(text: string): void {
  expect(expectPass(unrollConstantLoops, text).log.changes.size).toBe(0)
}

const LOOP = (rounds: string, start: string, next: string): string => `graph(%x : Tensor, %n : int, %c : bool):
  %true : bool = prim::Constant[value=1]()
  %rounds : int = prim::Constant[value=${rounds}]()
  %y : Tensor = prim::Loop(${rounds === 'n' ? '%n' : '%rounds'}, ${start}, %x)
    block0(%i : int, %p : Tensor):
      %q : Tensor = aten::add(%p, %x, %i)
      -> (${next}, %q)
  return (%y)`

describe('UnrollConstantLoops', () => {
  it('writes the rounds one after another', () => {
    expectPass(unrollConstantLoops, LOOP('2', '%true', '%true'), `graph(%x : Tensor, %n : int, %c : bool):
  %true : bool = prim::Constant[value=1]()
  %rounds : int = prim::Constant[value=2]()
  %0 : int = prim::Constant[value=0]()
  %a : Tensor = aten::add(%x, %x, %0)
  %1 : int = prim::Constant[value=1]()
  %b : Tensor = aten::add(%a, %x, %1)
  return (%b)`)
  })

  it('unrolls inner loops first, with their blocks', () => {
    const { graph } = expectPass(unrollConstantLoops, `graph(%c : bool):
  %true : bool = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  prim::Loop(%two, %true)
    block0(%i : int):
      prim::Loop(%two, %true)
        block0(%j : int):
          prim::If(%c)
            block0():
              %0 : int = test::effect()
              -> ()
            block1():
              -> ()
          -> (%true)
      -> (%true)
  return ()`, `graph(%c : bool):
  %true : bool = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
${`  prim::If(%c)
    block0():
      %N : int = test::effect()
      -> ()
    block1():
      -> ()
`.repeat(4).replace(/%N/g, (() => { let i = 0; return () => `%e${i++}` })())}  return ()`)
    expect([...allNodes(graph.block)].some((node) => node.kind === 'prim::Loop')).toBe(false)
  })

  it('keeps loops of unknown or many rounds, and those that may end early', () => {
    kept(LOOP('64', '%true', '%true'))
    kept(LOOP('2', '%c', '%true'))
    kept(LOOP('2', '%true', '%c'))
    kept(LOOP('2', '%true', '%true').replace('prim::Loop(%rounds', 'prim::Loop(%n'))
  })

  it('stops where nested loops would fill the memory', () => {
    const depth = 12
    const open = Array.from({ length: depth }, (_, i) => `prim::Loop(%n, %t)\n block0(%i${i} : int):\n`).join('')
    const graph = graphOf(`graph():
  %t : bool = prim::Constant[value=1]()
  %n : int = prim::Constant[value=63]()
  ${open} %e : int = test::effect()\n${' -> (%t)\n'.repeat(depth)}  return ()`)
    unrollConstantLoops.run(graph, recordLog())
    expect([...allNodes(graph.block)].length).toBeLessThan(60_000)
  })
})
