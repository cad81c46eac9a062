import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { removeTensorMutation } from './remove-tensor-mutation.ts'

const CONSTANTS = `  %one : int = prim::Constant[value=1]()
  %half : float = prim::Constant[value=0.5]()
  %w : Tensor = prim::Constant[value=<Tensor Float[3, 3] "w">]()
  %none : None = prim::Constant()
`
const graph = (rest: string): string => `graph(%x : Tensor, %flag : bool, %l : Tensor[]):\n${CONSTANTS}${rest}`

describe('removeTensorMutation', () => {
  it('replaces writes to a new tensor, one after the other', () => {
    const { log } = expectPass(removeTensorMutation, graph(`  %a : Tensor = aten::sigmoid(%x)
  %b : Tensor = aten::relu_(%a)
  %c : Tensor = aten::add_(%a, %half, %one)
  %d : Tensor = aten::mul(%c, %b)
  return (%d)`), graph(`  %a : Tensor = aten::sigmoid(%x)
  %b : Tensor = aten::relu(%a)
  %c : Tensor = aten::add(%b, %half, %one)
  %d : Tensor = aten::mul(%c, %c)
  return (%d)`))
    expect(log.changes.get('remove_tensor_mutation')).toBe(2)
  })

  it('lets the old tensor be read before', () => {
    expectPass(removeTensorMutation, graph(`  %a : Tensor = aten::sigmoid(%x)
  %b : Tensor = aten::exp(%a)
  %c : Tensor = aten::relu_(%a)
  return (%b, %a)`), graph(`  %a : Tensor = aten::sigmoid(%x)
  %b : Tensor = aten::exp(%a)
  %c : Tensor = aten::relu(%a)
  return (%b, %c)`))
  })

  it('adds tensors that certainly are of float32', () => {
    expectPass(removeTensorMutation, graph(`  %a : Tensor = aten::linear(%x, %w, %none)
  %b : Tensor = aten::linear(%a, %w, %none)
  %c : Tensor = aten::add_(%b, %a, %one)
  return (%c)`), graph(`  %a : Tensor = aten::linear(%x, %w, %none)
  %b : Tensor = aten::linear(%a, %w, %none)
  %c : Tensor = aten::add(%b, %a, %one)
  return (%c)`))
  })

  it('takes what both branches make', () => {
    const branches = (rest: string): string => graph(`  %a : Tensor = prim::If(%flag)
    block0():
      %b : Tensor = aten::sigmoid(%x)
      -> (%b)
    block1():
      %c : Tensor = aten::tanh(%x)
      -> (%c)
${rest}`)
    expectPass(removeTensorMutation, branches('  %d : Tensor = aten::relu_(%a)\n  return (%a)'), branches('  %d : Tensor = aten::relu(%a)\n  return (%d)'))
  })

  it.each<[string, string, RegExp]>([
    ['an input', '  %b : Tensor = aten::relu_(%x)\n  return (%b)', /not made there/],
    ['a view', '  %a : Tensor = aten::sigmoid(%x)\n  %v : Tensor = aten::select(%a, %one, %one)\n  %b : Tensor = aten::relu_(%v)\n  return (%a)', /not made there/],
    ['what a view was taken of', '  %a : Tensor = aten::sigmoid(%x)\n  %v : Tensor = aten::select(%a, %one, %one)\n  %b : Tensor = aten::relu_(%a)\n  return (%v, %b)', /other names/],
    ['what was put into a list', '  %a : Tensor = aten::sigmoid(%x)\n  %l2 : Tensor[] = prim::ListConstruct(%a)\n  %b : Tensor = aten::relu_(%a)\n  return (%l2)', /other names|not made there/],
    ['an element of a list', '  %a : Tensor = aten::__getitem__(%l, %one)\n  %b : Tensor = aten::relu_(%a)\n  return (%b)', /not made there/],
    ['what a wider type may be added to', '  %a : Tensor = aten::sigmoid(%x)\n  %b : Tensor = aten::add_(%a, %x, %one)\n  return (%b)', /element type/],
    ['random writes', '  %a : Tensor = aten::sigmoid(%x)\n  %b : Tensor = aten::normal_(%a, %half, %half, %none)\n  return (%b)', /random|no form/],
    ['writes without another form', '  %a : Tensor = aten::sigmoid(%x)\n  %b : Tensor = aten::zero_(%a)\n  return (%b)', /no form/],
    ['what is written in a branch', '  %a : Tensor = aten::sigmoid(%x)\n   = prim::If(%flag)\n    block0():\n      %b : Tensor = aten::relu_(%a)\n      -> ()\n    block1():\n      -> ()\n  return (%a)', /not made there/],
  ])('leaves %s', (_, rest, why) => {
    const { log } = expectPass(removeTensorMutation, graph(rest))
    expect(log.declines).toMatchObject([{ pass: 'remove_tensor_mutation', why: expect.stringMatching(why) as string }])
  })
})
