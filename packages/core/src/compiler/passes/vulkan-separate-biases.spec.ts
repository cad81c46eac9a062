import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { vulkanSeparateBiases } from './vulkan-separate-biases.ts'

const graph = (rest: string): string => `graph(%self : int, %x : Tensor, %n : int):
  %none : None = prim::Constant()
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %last : int = prim::Constant[value=-1]()
  %false : bool = prim::Constant[value=0]()
  %zeros : int[] = prim::Constant[value=[0, 0]]()
  %ones : int[] = prim::Constant[value=[1, 1]]()
  %area : int[] = prim::Constant[value=[2, 3]]()
  %k : Tensor = prim::Constant[value=<Tensor Float[3, 3, 1, 1] "k">]()
  %w : Tensor = prim::Constant[value=<Tensor Float[4, 3] "w">]()
  %b : Tensor = prim::Constant[value=<Tensor Float[4] "b">]()
${rest}`
const CONV = '  %i : Tensor = aten::conv2d(%x, %k, %none, %ones, %zeros, %ones, %one)\n'

describe('vulkanSeparateBiases', () => {
  it('adds a bias by itself where there may be several rows', () => {
    const { log } = expectPass(vulkanSeparateBiases, graph('  %y : Tensor = aten::linear(%x, %w, %b)\n  %z : Tensor = aten::relu(%y)\n  return (%y, %z)'),
      graph('  %no : None = prim::Constant()\n  %y : Tensor = aten::linear(%x, %w, %no)\n  %a : int = prim::Constant[value=1]()\n  %s : Tensor = aten::add(%y, %b, %a)\n  %z : Tensor = aten::relu(%s)\n  return (%s, %z)'))
    expect(log.changes.get('vulkan_separate_biases')).toBe(1)
  })

  it.each<[string, string]>([
    ['flattened', '  %f : Tensor = aten::flatten(%i, %one, %last)\n'],
    ['averaged', '  %f : Tensor = aten::mean(%i, %area, %false, %none)\n'],
    ['viewed by its batch', '  %s : int = aten::size(%x, %zero)\n  %v : int[] = prim::ListConstruct(%s, %last)\n  %f : Tensor = aten::view(%i, %v)\n'],
    ['concatenated and flattened', '  %c : Tensor[] = prim::ListConstruct(%i, %i)\n  %j : Tensor = aten::cat(%c, %one)\n  %f : Tensor = aten::flatten(%j, %one, %last)\n'],
    ['activated and multiplied', '  %f1 : Tensor = aten::flatten(%i, %one, %last)\n  %g : Tensor = aten::sigmoid(%f1)\n  %f : Tensor = aten::mul(%f1, %g)\n'],
  ])('keeps the bias of an image %s', (_, rest) => {
    expectPass(vulkanSeparateBiases, graph(`${CONV}${rest}  %y : Tensor = aten::linear(%f, %w, %b)\n  return (%y)`))
  })

  it.each<[string, string]>([
    ['viewed as rows', '  %v : int[] = prim::ListConstruct(%last, %n)\n  %f : Tensor = aten::view(%i, %v)\n'],
    ['averaged over its batch', '  %f : Tensor = aten::mean(%i, %zeros, %false, %none)\n'],
    ['concatenated by batches', '  %c : Tensor[] = prim::ListConstruct(%i, %i)\n  %j : Tensor = aten::cat(%c, %zero)\n  %f : Tensor = aten::flatten(%j, %one, %last)\n'],
    ['left as it is', '  %f : Tensor = aten::relu(%i)\n'],
  ])('separates the bias of an image %s', (_, rest) => {
    expectPass(vulkanSeparateBiases, graph(`${CONV}${rest}  %y : Tensor = aten::linear(%f, %w, %b)\n  return (%y)`), graph(
      `${CONV}${rest}  %no : None = prim::Constant()\n  %y : Tensor = aten::linear(%f, %w, %no)\n  %a : int = prim::Constant[value=1]()\n  %s : Tensor = aten::add(%y, %b, %a)\n  return (%s)`))
  })

  it('leaves what is not packed, or has no bias', () => {
    for (const call of ['%x, %x, %b', '%x, %w, %none']) expectPass(vulkanSeparateBiases, graph(`  %y : Tensor = aten::linear(${call})\n  return (%y)`))
  })
})
