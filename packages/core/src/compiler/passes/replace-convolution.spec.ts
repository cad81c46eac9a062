import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { replaceConvolution } from './replace-convolution.ts'

function model(dims: number, call: string, weightRank = dims + 2, transposed = 0): string {
  const list = (n: number): string => `[${Array(dims).fill(n).join(', ')}]`
  return `graph(%x : Tensor, %v : int, %u : Tensor):
  %w : Tensor = prim::Constant[value=<Tensor Float[${Array(weightRank).fill(1).join(', ')}] {2.}>]()
  %none : None = prim::Constant()
  %stride : int[] = prim::Constant[value=${list(1)}]()
  %padding : int[] = prim::Constant[value=${list(0)}]()
  %dilation : int[] = prim::Constant[value=${list(2)}]()
  %extra : int[] = prim::Constant[value=${list(3)}]()
  %transposed : bool = prim::Constant[value=${transposed}]()
  %groups : int = prim::Constant[value=4]()
${call}`
}

const FLAGS = '%transposed, %extra, %groups, %transposed, %transposed, %transposed'
const call = (more = ', %transposed', weight = '%w', stride = '%stride'): string =>
  `  %y : Tensor = aten::_convolution(%x, ${weight}, %none, ${stride}, %padding, %dilation, ${FLAGS}${more})\n  return (%y)`

describe('replaceConvolution', () => {
  it.each([1, 2, 3])('makes the convolution of %i dimensions', (dims) => {
    const result = `  %y : Tensor = aten::conv${dims}d(%x, %w, %none, %stride, %padding, %dilation, %groups)\n  return (%y)`
    expectPass(replaceConvolution, model(dims, call()), model(dims, result))
    expectPass(replaceConvolution, model(dims, call('')), model(dims, result))
  })

  it.each([1, 2, 3])('makes the transposed convolution of %i dimensions, with its own order of arguments', (dims) => {
    expectPass(replaceConvolution, model(dims, call(), dims + 2, 1), model(dims,
      `  %y : Tensor = aten::conv_transpose${dims}d(%x, %w, %none, %stride, %padding, %extra, %groups, %dilation)\n  return (%y)`, dims + 2, 1))
  })

  it('takes a list that is built from constants and only read', () => {
    const built = '  %one : int = prim::Constant[value=1]()\n  %s : int[] = prim::ListConstruct(%one, %one)\n'
    const result = '  %y : Tensor = aten::conv2d(%x, %w, %none, %s, %padding, %dilation, %groups)\n  return (%y)'
    expectPass(replaceConvolution, model(2, built + call(', %transposed', '%w', '%s')), model(2, built + result))
  })

  it.each<[string, string]>([
    ['a list is computed', model(2, `  %s : int[] = prim::ListConstruct(%v, %v)\n${call(', %transposed', '%w', '%s')}`)],
    ['a list is changed', model(2, `  %s : int[] = prim::ListConstruct(%groups, %groups)\n  %t : int[] = aten::append(%s, %v)\n${call(', %transposed', '%w', '%s')}`)],
    ['one number stands for several dimensions', model(1, call(), 4)],
    ['one number stands for an unknown number of dimensions', model(1, call(', %transposed', '%u'))],
  ])('declines when %s', (_, text) => {
    expect(expectPass(replaceConvolution, text).log.declines).toHaveLength(1)
  })
})
