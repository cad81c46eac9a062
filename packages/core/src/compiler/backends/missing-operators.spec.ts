import { describe, expect, it } from 'vitest'
import { graphOf } from '../../../test/ir.ts'
import type { Program } from '../program.ts'
import { missingOperators } from './missing-operators.ts'

const SCHEMA = { name: 'forward', overload: '', arguments: [], returns: [], isVararg: false, isVarret: false }
const program = (rest: string): Pick<Program, 'methods'> => ({
  methods: [{
    name: 'forward', schema: SCHEMA,
    graph: graphOf(`graph(%x : Tensor):
  %none : None = prim::Constant()
  %no : bool = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %two : int[] = prim::Constant[value=[2, 2]]()
  %zero : int[] = prim::Constant[value=[0, 0]]()
  %flat : int[] = prim::Constant[value=[1, 2, 3, 4, 5]]()
  %image : int[] = prim::Constant[value=[1, 2, 3, 4]]()
  %v : Tensor = aten::view(%x, %image)
${rest}`),
  }],
})

describe('missingOperators', () => {
  it('counts what the runtime lacks, and tells where it lacks only this form', () => {
    expect(missingOperators(program(`  %a : Tensor = aten::silu(%x)
  %b : Tensor = aten::silu(%a)
  %s : int[] = aten::size(%b)
  %c : Tensor = aten::view(%b, %flat)
  return (%c, %s)`), 'vulkan')).toEqual([
      { operator: 'aten::silu', count: 2, why: 'the runtime lacks it' },
      { operator: 'aten::view', count: 1, why: 'its result is not certain to have 1 to 4 dimensions' },
    ])
  })

  it('knows what is made of operators that are there', () => {
    expect(missingOperators(program('  %a : Tensor = aten::relu6(%v)\n  %b : Tensor = aten::adaptive_avg_pool2d(%a, %two)\n  %c : Tensor = aten::softmax(%b, %one, %none)\n  return (%c)'), 'vulkan')).toEqual([])
  })

  it.each<[string, string, RegExp]>([
    ['softmax along columns', '  %d : int = prim::Constant[value=3]()\n  %y : Tensor = aten::softmax(%v, %d, %none)\n  return (%y)', /dimension 1 only/],
    ['softmax of an unknown shape', '  %y : Tensor = aten::softmax(%x, %one, %none)\n  return (%y)', /4 dimensions only/],
    ['means that leave the padding out', '  %y : Tensor = aten::avg_pool2d(%v, %two, %two, %two, %no, %no, %none)\n  return (%y)', /counts the padding/],
    ['quantizing', '  %h : float = prim::Constant[value=0.1]()\n  %q : int = prim::Constant[value=13]()\n  %y : Tensor = aten::quantize_per_tensor(%v, %h, %one, %q)\n  return (%y)', /instead of rounding/],
    ['a product of what is computed', '  %y : Tensor = aten::matmul(%x, %x)\n  return (%y)', /packed one/],
    ['a batch norm without a weight', '  %h : float = prim::Constant[value=0.1]()\n  %y : Tensor = aten::batch_norm(%v, %none, %none, %x, %x, %no, %h, %h, %no)\n  return (%y)', /weight and a bias/],
    ['images put together by columns', '  %d : int = prim::Constant[value=3]()\n  %l : Tensor[] = prim::ListConstruct(%v, %v)\n  %y : Tensor = aten::cat(%l, %d)\n  return (%y)', /channels or rows/],
  ])('tells of %s', (_, rest, why) => {
    expect(missingOperators(program(rest), 'vulkan')).toMatchObject([{ count: 1, why: expect.stringMatching(why) as string }])
  })

  it('tells of Metal what is not in its table, and of the CPU nothing', () => {
    const some = program('  %a : Tensor = aten::relu(%x)\n  %b : Tensor = aten::silu(%a)\n  return (%b)')
    expect(missingOperators(some, 'metal')).toMatchObject([{ operator: 'aten::silu' }])
    expect(missingOperators(some, 'cpu')).toEqual([])
  })
})
