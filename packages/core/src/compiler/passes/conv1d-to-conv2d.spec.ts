import { describe, expect, it } from 'vitest'
import { expectPass, graphOf, recordLog } from '../../../test/ir.ts'
import { conv1dToConv2d } from './conv1d-to-conv2d.ts'

const HEAD = (weight: string): string => `graph(%x : Tensor, %v : int, %u : Tensor):
  %w : Tensor = prim::Constant[value=${weight}]()
  %none : None = prim::Constant()
  %stride : int[] = prim::Constant[value=[3]]()
  %padding : int[] = prim::Constant[value=[4]]()
  %dilation : int[] = prim::Constant[value=[5]]()
  %word : str = prim::Constant[value="same"]()
  %groups : int = prim::Constant[value=1]()
`
const WEIGHT = '<Tensor Float[1, 2, 3] "w" strides=[6, 1, 2]>'

describe('conv1dToConv2d', () => {
  it('adds a height of 1 to a constant weight and to the input', () => {
    expectPass(conv1dToConv2d, `${HEAD(WEIGHT)}  %y : Tensor = aten::conv1d(%x, %w, %none, %stride, %padding, %dilation, %groups)\n  return (%y)`,
      `${HEAD(WEIGHT)}  %stride2 : int[] = prim::Constant[value=[1, 3]]()
  %padding2 : int[] = prim::Constant[value=[0, 4]]()
  %dilation2 : int[] = prim::Constant[value=[1, 5]]()
  %height : int = prim::Constant[value=-2]()
  %w2 : Tensor = prim::Constant[value=<Tensor Float[1, 2, 1, 3] "w" strides=[6, 1, 6, 2]>]()
  %format : int = prim::Constant[value=0]()
  %row : Tensor = aten::contiguous(%x, %format)
  %x2 : Tensor = aten::unsqueeze(%row, %height)
  %c : Tensor = aten::conv2d(%x2, %w2, %none, %stride2, %padding2, %dilation2, %groups)
  %y : Tensor = aten::squeeze(%c, %height)
  return (%y)`)
  })

  it('adds it to a computed weight while running', () => {
    expectPass(conv1dToConv2d, `${HEAD(WEIGHT)}  %y : Tensor = aten::conv1d(%x, %u, %w, %stride, %padding, %dilation, %groups)\n  return (%y)`,
      `${HEAD(WEIGHT)}  %stride2 : int[] = prim::Constant[value=[1, 3]]()
  %padding2 : int[] = prim::Constant[value=[0, 4]]()
  %dilation2 : int[] = prim::Constant[value=[1, 5]]()
  %height : int = prim::Constant[value=-2]()
  %u2 : Tensor = aten::unsqueeze(%u, %height)
  %format : int = prim::Constant[value=0]()
  %row : Tensor = aten::contiguous(%x, %format)
  %x2 : Tensor = aten::unsqueeze(%row, %height)
  %c : Tensor = aten::conv2d(%x2, %u2, %w, %stride2, %padding2, %dilation2, %groups)
  %y : Tensor = aten::squeeze(%c, %height)
  return (%y)`)
  })

  it('takes an input as it is that is certainly in order', () => {
    const graph = graphOf(`${HEAD(WEIGHT)}  %k : float = prim::Constant[value=0.1]()\n  %s : int[] = prim::Constant[value=[2]]()
  %t : bool = prim::Constant[value=1]()\n  %a : Tensor = aten::layer_norm(%x, %s, %none, %none, %k, %t)
  %y : Tensor = aten::conv1d(%a, %w, %none, %stride, %padding, %dilation, %groups)\n  return (%y)`)
    conv1dToConv2d(graph, recordLog())
    const kinds = [...graph.block.nodes()].map((node) => node.kind)
    expect(kinds).toContain('aten::conv2d')
    expect(kinds).not.toContain('aten::contiguous')
  })

  it.each([
    '  %y : Tensor = aten::conv1d(%x, %w, %none, %stride, %word, %dilation, %groups)\n  return (%y)',
    '  %s : int[] = prim::ListConstruct(%v)\n  %y : Tensor = aten::conv1d(%x, %w, %none, %s, %padding, %dilation, %groups)\n  return (%y)',
  ])('declines paddings in words and computed strides', (rest) => {
    expect(expectPass(conv1dToConv2d, HEAD(WEIGHT) + rest).log.declines).toMatchObject([{ pass: 'conv_1d_to_2d', what: 'aten::conv1d' }])
  })
})
