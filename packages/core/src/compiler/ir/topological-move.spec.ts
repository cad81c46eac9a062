import { describe, expect, it } from 'vitest'
import { graphOf, structure } from '../../../test/ir.ts'
import { AliasDb } from './alias-analysis.ts'
import type { Graph, Node } from './graph.ts'
import { moveAfterTopologicallyValid, moveBeforeTopologicallyValid } from './topological-move.ts'
import { verify } from './verifier.ts'

function named(graph: Graph, name: string): Node {
  return [...graph.block.nodes()].find((node) => node.outputs[0]?.debugName === name)!
}

function move(text: string, how: 'before' | 'after', node: string, target: string): { moved: boolean; order: string } {
  const graph = graphOf(text)
  const before = structure(graph)
  const run = how === 'before' ? moveBeforeTopologicallyValid : moveAfterTopologicallyValid
  const moved = run(new AliasDb(graph), named(graph, node), named(graph, target))
  verify(graph)
  if (!moved) expect(structure(graph)).toBe(before)
  return { moved, order: [...graph.block.nodes()].map((each) => each.outputs[0]!.debugName).join(' ') }
}

const CHAIN = `graph(%x : Tensor, %y : Tensor):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::sigmoid(%a)
  %c : Tensor = aten::neg(%y)
  %d : Tensor = aten::relu(%c)
  return (%b, %d)`

describe('moving nodes', () => {
  it('takes along what depends on the node', () => {
    expect(move(CHAIN, 'after', 'a', 'c')).toEqual({ moved: true, order: 'c a b d' })
    expect(move(CHAIN, 'before', 'd', 'a')).toEqual({ moved: true, order: 'c d a b' })
    expect(move(CHAIN, 'before', 'a', 'c')).toEqual({ moved: true, order: 'a c b d' })
  })

  it('does not move a node past what it needs, or what needs it', () => {
    expect(move(CHAIN, 'after', 'a', 'b').moved).toBe(false)
    expect(move(CHAIN, 'before', 'b', 'a').moved).toBe(false)
    expect(move(CHAIN, 'before', 'd', 'c').moved).toBe(false)
  })

  it('keeps reads and writes of the same memory in order', () => {
    const text = `graph(%x : Tensor, %y : Tensor):
  %a : Tensor = aten::relu(%x)
  %w : Tensor = aten::neg_(%x)
  %f : Tensor = aten::relu(%y)
  %g : Tensor = aten::neg_(%f)
  %h : Tensor = aten::relu(%f)
  return (%a, %h)`
    expect(move(text, 'after', 'a', 'w').moved).toBe(false)
    expect(move(text, 'before', 'h', 'g').moved).toBe(false)
    expect(move(text, 'before', 'f', 'w').moved).toBe(false)
    expect(move(text, 'before', 'g', 'w').moved).toBe(false)
    expect(move(text, 'after', 'w', 'h').moved).toBe(false)
  })

  it('does not move past effects', () => {
    const text = `graph(%x : int):
  %a : int = aten::neg(%x)
  %e : int = test::effect(%x)
  %b : int = aten::add(%x, %x)
  return (%a, %b)`
    expect(move(text, 'after', 'a', 'b').moved).toBe(false)
    expect(move(text, 'before', 'e', 'a').moved).toBe(false)
  })
})
