import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { foldQuantizationParameters } from './fold-quantization-parameters.ts'

const head = (scale: string, zeroPoint: string): string => `graph(%x : Tensor, %u : Tensor):
  %s : Tensor = prim::Constant[value=<Tensor ${scale}>]()
  %z : Tensor = prim::Constant[value=<Tensor ${zeroPoint}>]()
  %quint8 : int = prim::Constant[value=13]()
`
const HEAD = head('Float[] {0.5}', 'Long[] {3}')
const CALL = '  %q : Tensor = aten::quantize_per_tensor(%x, %s, %z, %quint8)'

describe('foldQuantizationParameters', () => {
  it.each([HEAD, head('Float[1] {0.5}', 'Int[1] {3}')])('makes numbers of constant tensors', (constants) => {
    const { log } = expectPass(foldQuantizationParameters, `${constants}${CALL}\n  return (%q)`,
      `${constants}  %a : float = prim::Constant[value=0.5]()\n  %b : int = prim::Constant[value=3]()\n  %q : Tensor = aten::quantize_per_tensor(%x, %a, %b, %quint8)\n  return (%q)`)
    expect(log.changes.get('fold_quantization_parameters')).toBe(1)
  })

  it.each([
    [`${HEAD}  %w : Tensor = aten::mul_(%s, %u)\n${CALL}\n  return (%q)`, 'changes while the model runs'],
    [`${HEAD}${CALL.replace('%s', '%u')}\n  return (%q)`, 'not a constant float'],
    [`${head('Float[2] {1., 2.}', 'Long[] {3}')}${CALL}\n  return (%q)`, 'not a constant float'],
    [`${head('Float[] {0.5}', 'Float[] {3.}')}${CALL}\n  return (%q)`, 'a constant int'],
  ])('leaves others alone', (graph, why) => {
    expect(expectPass(foldQuantizationParameters, graph).log.declines.map((decline) => decline.why).join()).toContain(why)
  })
})
