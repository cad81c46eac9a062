import { describe, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { foldIsQuantized } from './fold-is-quantized.ts'

const HEAD = `graph(%x : Tensor, %flag : bool, %c : __torch__.torch.classes.quantized.Conv2dPackedParamsBase):
  %s : float = prim::Constant[value=0.5]()
  %z : int = prim::Constant[value=3]()
  %quint8 : int = prim::Constant[value=13]()
  %float : int = prim::Constant[value=6]()
  %q : Tensor = aten::quantize_per_tensor(%x, %s, %z, %quint8)
`

describe('foldIsQuantized', () => {
  it.each([
    '%y : Tensor = quantized::conv2d(%q, %c, %s, %z)',
    '%y : Tensor = aten::sigmoid(%q)',
    '%l : Tensor[] = aten::chunk(%q, %z, %z)\n  %y : Tensor, %w : Tensor = prim::ListUnpack(%l)',
    '%l : Tensor[] = prim::ListConstruct(%q, %q)\n  %y : Tensor = quantized::cat(%l, %z, %s, %z)',
    '%y : Tensor = prim::If(%flag)\n    block0():\n      %a : Tensor = aten::relu(%q)\n      -> (%a)\n    block1():\n      -> (%q)',
  ])('knows what %s gives', (lines) => {
    expectPass(foldIsQuantized, `${HEAD}  ${lines}\n  %i : bool = prim::is_quantized(%y)\n  return (%i)`, `${HEAD}  ${lines}\n  %i : bool = prim::Constant[value=1]()\n  return (%i)`)
  })

  it.each([
    '%y : Tensor = aten::relu(%x)',
    '%y : Tensor = aten::dequantize(%q)',
    '%y : Tensor = aten::int_repr(%q)',
    '%y : Tensor = aten::view(%q, %float)',
    '%l : Tensor[] = aten::chunk(%q, %z, %z)\n  %m : Tensor[] = aten::_set_item(%l, %z, %x)\n  %y : Tensor, %w : Tensor = prim::ListUnpack(%l)',
    '%y : Tensor = prim::If(%flag)\n    block0():\n      -> (%x)\n    block1():\n      -> (%q)',
  ])('leaves open what %s gives', (lines) => {
    expectPass(foldIsQuantized, `${HEAD}  ${lines}\n  %i : bool = prim::is_quantized(%y)\n  return (%i)`)
  })
})
