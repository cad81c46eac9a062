import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../test/ir.ts'
import type { Node } from './graph.ts'
import { hasSideEffects, isNondeterministic } from './side-effects.ts'

function last(text: string): Node {
  return [...graphOf(`graph(%x : Tensor, %c : bool, %f : float, %s : str, %n : int):\n${text}\n  return ()`).block.nodes()].at(-1)!
}

describe('hasSideEffects', () => {
  it.each([
    ['  %y : Tensor = aten::relu(%x)', false],
    // A write is not an effect: the alias analysis knows it.
    ['  %y : Tensor = aten::relu_(%x)', false],
    ['  %e : NoneType = prim::Constant()\n  prim::RaiseException(%s, %e)', true],
    ['  prim::Print(%x)', true],
    ['  aten::warn(%s, %n)', true],
    ['  %y : int = custom::op(%x)', true],
    ['  %y : Tensor = quantized::unknown(%x)', true],
    ['  aten::_assert_async(%x)', true],
    ['  %y : Tensor = prim::If(%c)\n    block0():\n      -> (%x)\n    block1():\n      %z : Tensor = aten::relu(%x)\n      -> (%z)', false],
    ['  prim::If(%c)\n    block0():\n      prim::Print(%x)\n      -> ()\n    block1():\n      -> ()', true],
  ])('%s: %s', (text, expected) => {
    expect(hasSideEffects(last(text))).toBe(expected)
  })
})

describe('isNondeterministic', () => {
  it.each([
    ['  %y : Tensor = aten::relu(%x)', false],
    ['  %y : Tensor = aten::dropout(%x, %f, %c)', true],
    ['  %t : bool = prim::Constant[value=0]()\n  %y : Tensor = aten::dropout(%x, %f, %t)', false],
    ['  %t : bool = prim::Constant[value=1]()\n  %y : Tensor = aten::dropout(%x, %f, %t)', true],
    ['  %g : Generator? = prim::Constant()\n  %y : Tensor = aten::bernoulli(%x, %g)', true],
    ['  %y : Tensor = custom::op(%x)', true],
    ['  %y : Tensor = prim::If(%c)\n    block0():\n      -> (%x)\n    block1():\n      %z : Tensor = aten::dropout(%x, %f, %c)\n      -> (%z)', true],
  ])('%s: %s', (text, expected) => {
    expect(isNondeterministic(last(text))).toBe(expected)
  })
})
