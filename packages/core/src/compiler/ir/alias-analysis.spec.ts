import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../test/ir.ts'
import { AliasDb } from './alias-analysis.ts'
import { allNodes, Graph, type Node, type Value } from './graph.ts'
import { findSchema } from './ops/index.ts'
import { TensorType } from './types.ts'

interface Analyzed {
  readonly db: AliasDb
  value(name: string): Value
  node(output: string): Node
  alias(a: string, b: string): boolean
}

function analyze(text: string): Analyzed {
  const graph = graphOf(text)
  const values = new Map<string, Value>()
  for (const input of graph.inputs) values.set(input.debugName!, input)
  for (const node of allNodes(graph.block)) {
    for (const value of [...node.outputs, ...node.blocks.flatMap((block) => block.inputs)]) values.set(value.debugName!, value)
  }
  const db = new AliasDb(graph)
  const value = (name: string): Value => values.get(name)!
  return { db, value, node: (name) => value(name).node, alias: (a, b) => db.mayAlias(value(a), value(b)) }
}

describe('AliasDb', () => {
  it('follows views and in-place operators, and tells fresh tensors apart', () => {
    const { alias, db, value } = analyze(`graph(%x : Tensor):
  %n : int = prim::Constant[value=0]()
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::select(%a, %n, %n)
  %c : Tensor = aten::relu_(%b)
  %d : Tensor = aten::relu(%x)
  return (%d)`)
    expect(alias('a', 'c')).toBe(true)
    expect(alias('a', 'd')).toBe(false)
    expect(alias('a', 'x')).toBe(false)
    expect(db.hasWriters(value('a'))).toBe(true)
    expect(db.hasWriters(value('d'))).toBe(false)
  })

  it('lets inputs of one type alias, but not of different types', () => {
    const { alias } = analyze('graph(%x : Tensor, %y : Tensor?, %l : int[], %m : Tensor[]):\n  return ()')
    expect(alias('x', 'y')).toBe(true)
    expect(alias('x', 'l')).toBe(false)
    expect(alias('l', 'm')).toBe(false)
  })

  it('lets a value of type Any alias everything', () => {
    const { alias } = analyze('graph(%x : Tensor, %a : Any, %l : int[]):\n  return ()')
    expect(alias('x', 'a')).toBe(true)
    expect(alias('a', 'l')).toBe(true)
  })

  it('joins both branches', () => {
    const { alias } = analyze(`graph(%x : Tensor, %c : bool):
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::relu(%x)
  %y : Tensor = prim::If(%c)
    block0():
      -> (%a)
    block1():
      -> (%b)
  return (%y)`)
    expect([alias('y', 'a'), alias('y', 'b'), alias('a', 'b')]).toEqual([true, true, false])
  })

  it('sees a carried value as what went in and as what an earlier round gave', () => {
    const { alias } = analyze(`graph(%x : Tensor, %n : int, %t : bool):
  %a : Tensor = aten::relu(%x)
  %y : Tensor = prim::Loop(%n, %t, %a)
    block0(%i : int, %p : Tensor):
      %b : Tensor = aten::sigmoid(%p)
      -> (%t, %b)
  return (%y)`)
    expect([alias('p', 'a'), alias('p', 'b'), alias('y', 'a'), alias('y', 'b'), alias('a', 'b')]).toEqual([true, true, true, true, false])
  })

  it('knows what a list that is only read once contains, and assumes the worst of others', () => {
    const { alias, db, value } = analyze(`graph(%x : Tensor):
  %n : int = prim::Constant[value=0]()
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::relu(%x)
  %l : Tensor[] = prim::ListConstruct(%a)
  %y : Tensor = aten::cat(%l, %n)
  %m : Tensor[] = prim::ListConstruct(%b)
  %z : Tensor = aten::__getitem__(%m, %n)
  return (%y)`)
    expect([alias('z', 'a'), alias('z', 'b'), alias('z', 'x')]).toEqual([false, true, true])
    expect(db.mayContainAlias(value('l'), value('a'))).toBe(true)
    expect(db.mayContainAlias(value('l'), value('b'))).toBe(false)
  })

  it('finds writers of what a container holds', () => {
    const { db, value } = analyze(`graph(%x : Tensor):
  %n : int = prim::Constant[value=0]()
  %a : Tensor = aten::relu(%x)
  %l : Tensor[] = prim::ListConstruct(%a)
  %w : Tensor = aten::relu_(%a)
  %y : Tensor = aten::cat(%l, %n)
  return (%y)`)
    expect(db.hasWriters(value('l'))).toBe(true)
  })

  it('has one memory for constants that share a storage', () => {
    const { alias } = analyze(`graph():
  %a : Tensor = prim::Constant[value=<Tensor Float[2, 3] "w">]()
  %b : Tensor = prim::Constant[value=<Tensor Float[3] "w" offset=3>]()
  %c : Tensor = prim::Constant[value=<Tensor Float[3] "v">]()
  return (%a)`)
    expect([alias('a', 'b'), alias('a', 'c')]).toEqual([true, false])
  })

  it('knows operators that return their input although their schema does not say so', () => {
    const { alias } = analyze(`graph(%x : Tensor, %t : bool):
  %p : float = prim::Constant[value=0.5]()
  %a : Tensor = aten::relu(%x)
  %b : Tensor = aten::dropout(%a, %p, %t)
  %e : str = prim::Constant[value="ij->ij"]()
  %l : Tensor[] = prim::ListConstruct(%a)
  %none : int[]? = prim::Constant()
  %c : Tensor = aten::einsum(%e, %l, %none)
  return (%b)`)
    expect([alias('b', 'a'), alias('c', 'a')]).toEqual([true, true])
  })

  it('assumes that an unknown operator writes to all it can reach, and keeps it', () => {
    const { alias, db, value, node } = analyze(`graph(%x : Tensor):
  %a : Tensor = aten::relu(%x)
  %l : Tensor[] = prim::ListConstruct(%a)
  %y : Tensor = custom::op(%l)
  %b : Tensor = aten::relu(%x)
  return (%y)`)
    expect(db.hasWriters(value('a'))).toBe(true)
    expect(db.writesToWildcard(node('y'))).toBe(true)
    expect([alias('y', 'a'), alias('y', 'x'), alias('y', 'b')]).toEqual([true, true, false])
  })

  it('lets attributes alias one another and what is set', () => {
    const { alias, db, value } = analyze(`graph(%self : __torch__.M, %x : Tensor):
  %a : Tensor = aten::relu(%x)
  prim::SetAttr[name="v"](%self, %a)
  %w : Tensor = prim::GetAttr[name="w"](%self)
  return (%w)`)
    expect(alias('w', 'a')).toBe(true)
    expect(db.hasWriters(value('self'))).toBe(true)
  })

  it('is quick on large graphs, chains of views and of branches', () => {
    const graph = new Graph()
    const relu = findSchema('aten::relu', '')
    const inPlace = findSchema('aten::relu_', '')
    const add = findSchema('aten::alias', '')
    const condition = graph.block.addInput({ kind: 'BoolType' })
    let x = graph.block.addInput(TensorType)
    for (let i = 0; i < 10_000; i++) {
      x = graph.insertOp('aten::relu', [x], TensorType, relu)
      x = graph.insertOp(add ? 'aten::alias' : 'aten::relu_', [x], TensorType, add ?? inPlace)
      const node = graph.insert(graph.create('prim::If', [condition]))
      const fresh = graph.create('aten::relu', [x], relu)
      node.addBlock().append(fresh)
      node.blocks[0]!.registerOutput(fresh.addOutput(TensorType))
      node.addBlock().registerOutput(x)
      x = node.addOutput(TensorType)
    }
    graph.block.registerOutput(x)
    const begin = performance.now()
    const db = new AliasDb(graph)
    expect(db.hasWriters(x)).toBe(false)
    expect(performance.now() - begin).toBeLessThan(4000)
  })

  it.each([[0, false], [1, true]])('knows that quantized::relu6 works in place when told to (%i), and gives its input', (inPlace, writes) => {
    const { alias, db, value } = analyze(`graph(%x : Tensor):
  %flag : bool = prim::Constant[value=${inPlace}]()
  %a : Tensor = aten::relu(%x)
  %b : Tensor = quantized::relu6(%a, %flag)
  return (%b)`)
    expect(alias('a', 'b')).toBe(true)
    expect(db.isWritten(value('a'))).toBe(writes)
  })
})
