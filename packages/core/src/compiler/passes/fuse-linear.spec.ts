import { describe, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { fuseLinear } from './fuse-linear.ts'

const HEAD = `graph(%x : Tensor, %u : Tensor):
  %w : Tensor = prim::Constant[value=<Tensor Float[4, 3] "w">]()
  %wt : Tensor = prim::Constant[value=<Tensor Float[3, 4] "w" strides=[1, 3]>]()
  %b : Tensor = prim::Constant[value=<Tensor Float[4] "b">]()
  %short : Tensor = prim::Constant[value=<Tensor Float[1] "b">]()
  %one : int = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
`

describe('fuseLinear', () => {
  it('makes matmul with a transposed constant a linear', () => {
    const result = `  %bias : None = prim::Constant()
  %w2 : Tensor = prim::Constant[value=<Tensor Float[4, 3] "w">]()
  %y : Tensor = aten::linear(%x, %w2, %bias)
  return (%y)`
    expectPass(fuseLinear, `${HEAD}  %y : Tensor = aten::matmul(%x, %wt)\n  return (%y)`, HEAD + result)
    expectPass(fuseLinear, `${HEAD}  %t : Tensor = aten::t(%w)\n  %y : Tensor = aten::matmul(%x, %t)\n  return (%y)`, `${HEAD}  %t : Tensor = aten::t(%w)\n${result}`)
  })

  it('makes addmm with a plain bias a linear', () => {
    expectPass(fuseLinear, `${HEAD}  %y : Tensor = aten::addmm(%b, %x, %wt, %one, %one)\n  return (%y)`,
      `${HEAD}  %w2 : Tensor = prim::Constant[value=<Tensor Float[4, 3] "w">]()\n  %y : Tensor = aten::linear(%x, %w2, %b)\n  return (%y)`)
  })

  it.each([
    'aten::matmul(%x, %w)', 'aten::matmul(%x, %u)', 'aten::matmul(%wt, %x)', 'aten::addmm(%short, %x, %wt, %one, %one)',
    'aten::addmm(%b, %x, %wt, %two, %one)', 'aten::addmm(%b, %x, %wt, %one, %two)', 'aten::addmm(%u, %x, %wt, %one, %one)',
  ])('leaves %s alone', (call) => {
    expectPass(fuseLinear, `${HEAD}  %y : Tensor = ${call}\n  return (%y)`)
  })
})
