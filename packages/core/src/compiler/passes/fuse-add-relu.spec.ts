import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { fuseAddRelu } from './fuse-add-relu.ts'

const HEAD = `graph(%x : Tensor, %u : Tensor, %c : __torch__.torch.classes.xnnpack.Conv2dOpContext, %n : int, %flag : bool):
  %one : int = prim::Constant[value=1]()
  %half : float = prim::Constant[value=0.5]()
  %z : complex = prim::Constant[value=0.+1.j]()
  %zero : int = prim::Constant[value=0]()
  %a : Tensor = prepacked::conv2d_clamp_run(%x, %c)
  %d : Tensor = prepacked::conv2d_clamp_run(%u, %c)
  %b : Tensor = aten::relu(%d)
`

describe('fuseAddRelu', () => {
  it.each<[string, string]>([
    ['add(%a, %b, %one)', '_add_relu(%a, %b, %one)'],
    ['add(%a, %b, %half)', '_add_relu(%a, %b, %half)'],
    ['add(%a, %half, %one)', '_add_relu(%a, %half, %one)'],
  ])('fuses %s with relu and relu_', (sum, fused) => {
    for (const relu of ['relu', 'relu_']) {
      const { log } = expectPass(fuseAddRelu, `${HEAD}  %s : Tensor = aten::${sum}\n  %y : Tensor = aten::${relu}(%s)\n  return (%y)`,
        `${HEAD}  %y : Tensor = aten::${fused}\n  return (%y)`)
      expect(log.changes.get('fuse_add_relu')).toBe(1)
    }
  })

  it('fuses add_ with relu_', () => {
    expectPass(fuseAddRelu, `${HEAD}  %s : Tensor = aten::add_(%a, %b, %one)\n  %y : Tensor = aten::relu_(%s)\n  return (%y, %a)`,
      `${HEAD}  %y : Tensor = aten::_add_relu_(%a, %b, %one)\n  return (%y, %a)`)
  })

  it('takes the place of the sum, as its operands may change afterwards', () => {
    expectPass(fuseAddRelu, `${HEAD}  %s : Tensor = aten::add(%a, %b, %one)\n  %m : Tensor = aten::mul_(%a, %b)\n  %y : Tensor = aten::relu(%s)\n  return (%y, %m)`,
      `${HEAD}  %y : Tensor = aten::_add_relu(%a, %b, %one)\n  %m : Tensor = aten::mul_(%a, %b)\n  return (%y, %m)`)
  })

  it('lets the shape of the sum be looked at', () => {
    expectPass(fuseAddRelu, `${HEAD}  %s : Tensor = aten::add_(%a, %b, %one)\n  %r : int = aten::dim(%s)\n  %y : Tensor = aten::relu_(%s)\n  return (%y, %r)`,
      `${HEAD}  %y : Tensor = aten::_add_relu_(%a, %b, %one)\n  %r : int = aten::dim(%y)\n  return (%y, %r)`)
  })

  it.each<[string, string, RegExp]>([
    ['an operand may be of any type', '  %s : Tensor = aten::add(%a, %x, %one)\n  %y : Tensor = aten::relu(%s)\n  return (%y)', /float32/],
    ['the other operand may be of any type', '  %s : Tensor = aten::add(%x, %a, %one)\n  %y : Tensor = aten::relu(%s)\n  return (%y)', /float32/],
    ['an operand is seen as another type', '  %seven : int = prim::Constant[value=3]()\n  %v : Tensor = aten::view.dtype(%a, %seven)\n  %s : Tensor = aten::add(%v, %a, %one)\n  %y : Tensor = aten::relu(%s)\n  return (%y)', /float32/],
    ['a complex number is added', '  %s : Tensor = aten::add.Scalar(%a, %z, %one)\n  %y : Tensor = aten::relu(%s)\n  return (%y)', /float32/],
    ['the factor is computed', '  %s : Tensor = aten::add(%a, %b, %n)\n  %y : Tensor = aten::relu(%s)\n  return (%y)', /alpha/],
    ['the sum is used twice', '  %s : Tensor = aten::add(%a, %b, %one)\n  %y : Tensor = aten::relu(%s)\n  return (%y, %s)', /used elsewhere/],
    ['an in-place sum must stay', '  %s : Tensor = aten::add_(%a, %b, %one)\n  %y : Tensor = aten::relu(%s)\n  return (%y, %a)', /kept in its operand/],
    ['the sum is read in between', '  %s : Tensor = aten::add_(%a, %b, %one)\n  %v : Tensor = aten::sigmoid(%a)\n  %y : Tensor = aten::relu_(%s)\n  return (%y, %v)', /read or changed/],
    ['the sum is read through a view', '  %w : Tensor = aten::select(%a, %zero, %zero)\n  %s : Tensor = aten::add_(%a, %b, %one)\n  %v : Tensor = aten::sigmoid(%w)\n  %y : Tensor = aten::relu_(%s)\n  return (%y, %v)', /read or changed/],
    ['the sum is changed in between', '  %s : Tensor = aten::add_(%a, %b, %one)\n  %v : Tensor = aten::mul_(%a, %half)\n  %y : Tensor = aten::relu_(%s)\n  return (%y)', /read or changed/],
    ['the run may end in between', '  %s : Tensor = aten::add_(%a, %b, %one)\n  %m : str = prim::Constant[value="stop"]()\n  %o : NoneType = prim::Constant()\n   = prim::If(%flag)\n    block0():\n       = prim::RaiseException(%m, %o)\n      -> ()\n    block1():\n      -> ()\n  %y : Tensor = aten::relu_(%s)\n  return (%y)', /end the run/],
    ['the relu runs only sometimes', '  %s : Tensor = aten::add(%a, %b, %one)\n  %r : Tensor = prim::If(%flag)\n    block0():\n      %y : Tensor = aten::relu(%s)\n      -> (%y)\n    block1():\n      -> (%b)\n  return (%r)', /used elsewhere/],
  ])('declines when %s', (_, rest, why) => {
    const { log } = expectPass(fuseAddRelu, HEAD + rest)
    expect(log.declines).toMatchObject([{ pass: 'fuse_add_relu', why: expect.stringMatching(why) as string }])
  })

  it('leaves sums of lists and numbers alone', () => {
    expect(expectPass(fuseAddRelu, `${HEAD}  %s : int = aten::add(%n, %one)\n  %y : Tensor = aten::relu(%a)\n  return (%y, %s)`).log.declines).toEqual([])
  })
})
