import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { sharePackedWeights } from './share-packed-weights.ts'

const TYPE = '__torch__.torch.classes.xnnpack.LinearOpContext'
const context = (min: string, weight = 'w'): string =>
  `${TYPE} = prim::Constant[value=<CustomObject ${TYPE} <(Tensor, NoneType, ${min === 'None' ? 'NoneType' : 'float'}, NoneType)>(<Tensor Float[3, 3] "${weight}">, None, ${min}, None)>]()`

describe('sharePackedWeights', () => {
  it('shares equal weights, across blocks too', () => {
    const { log } = expectPass(sharePackedWeights, `graph(%x : Tensor, %flag : bool):
  %y : Tensor = prim::If(%flag)
    block0():
      %a : ${context('None')}
      %p : Tensor = prepacked::linear_clamp_run(%x, %a)
      -> (%p)
    block1():
      %b : ${context('None')}
      %q : Tensor = prepacked::linear_clamp_run(%x, %b)
      -> (%q)
  %c : ${context('None')}
  %z : Tensor = prepacked::linear_clamp_run(%y, %c)
  return (%z)`, `graph(%x : Tensor, %flag : bool):
  %a : ${context('None')}
  %y : Tensor = prim::If(%flag)
    block0():
      %p : Tensor = prepacked::linear_clamp_run(%x, %a)
      -> (%p)
    block1():
      %q : Tensor = prepacked::linear_clamp_run(%x, %a)
      -> (%q)
  %z : Tensor = prepacked::linear_clamp_run(%y, %a)
  return (%z)`)
    expect(log.changes.get('share_packed_weights')).toBe(2)
  })

  it.each([[context('0.'), context('None')], [context('None'), context('None', 'v')]])('keeps weights apart that differ', (one, other) => {
    expectPass(sharePackedWeights, `graph(%x : Tensor):
  %a : ${one}
  %y : Tensor = prepacked::linear_clamp_run(%x, %a)
  %b : ${other}
  %z : Tensor = prepacked::linear_clamp_run(%y, %b)
  return (%z)`)
  })
})
