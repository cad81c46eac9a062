import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../test/ir.ts'
import { Graph, toIValue } from './graph.ts'
import { IntType } from './types.ts'
import { verify } from './verifier.ts'

describe('Graph', () => {
  it('keeps uses and order when inputs, outputs and nodes come and go', () => {
    const graph = graphOf(`graph(%a : int, %b : int):
  %l : int[] = prim::ListConstruct(%a, %b, %a)
  %m : int[] = prim::ListConstruct(%b)
  return (%l, %m)`)
    const [l, m] = [...graph.block.nodes()]
    l!.removeInput(0)
    verify(graph)
    expect(l!.inputs).toEqual([graph.inputs[1], graph.inputs[0]])
    expect([...graph.inputs[0]!.uses].map((use) => use.offset)).toEqual([1])
    m!.moveBefore(l!)
    m!.moveBefore(m!)
    verify(graph)
    expect(m!.isBefore(l!)).toBe(true)
    graph.block.returnNode.removeInput(0)
    l!.destroy()
    verify(graph)
    expect([...graph.block.nodes()]).toEqual([m])
  })

  it('keeps positions in order however many nodes go into one place', () => {
    const graph = new Graph()
    const x = graph.block.addInput(IntType)
    const first = graph.insert(graph.create('test::a', [x]))
    for (let i = 0; i < 200; i++) graph.create('test::b', [x]).insertAfter(first)
    verify(graph)
  })

  it('does not take a function for None', () => {
    const graph = graphOf('graph():\n  %f : Function = prim::Constant[name="f"]()\n  %n : NoneType = prim::Constant()\n  return (%f, %n)')
    expect(graph.outputs.map(toIValue)).toEqual([undefined, { tag: 'None' }])
  })

  it('copies blocks and subgraphs', () => {
    const graph = graphOf(`graph(%x : Tensor, %c : bool):
  %y : Tensor = prim::If(%c)
    block0():
      %z : Tensor = aten::relu(%x)
      -> (%z)
    block1():
      -> (%x)
  return (%y)`)
    const copy = graph.copy()
    verify(copy)
    graph.block.clear()
    verify(copy)
    expect([...copy.block.nodes()].map((node) => node.kind)).toEqual(['prim::If'])
  })
})
