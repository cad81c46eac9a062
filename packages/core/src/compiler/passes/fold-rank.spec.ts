import { describe, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { foldRank } from './fold-rank.ts'

const HEAD = `graph(%x : Tensor, %u : Tensor, %c : __torch__.torch.classes.xnnpack.Conv2dOpContext, %flag : bool, %i : int):
  %conv : Tensor = prepacked::conv2d_clamp_run(%x, %c)
  %one : int = prim::Constant[value=1]()
  %minus : int = prim::Constant[value=-1]()
  %zero : int = prim::Constant[value=0]()
  %false : bool = prim::Constant[value=0]()
  %two : int[] = prim::Constant[value=[-1, -2]]()
  %none : None = prim::Constant()
`

describe('foldRank', () => {
  it.each<[string, number]>([
    ['  %y : Tensor = aten::relu(%conv)', 4],
    ['  %y : Tensor = aten::add(%conv, %conv, %one)', 4],
    ['  %l : Tensor[] = prim::ListConstruct(%conv, %conv)\n  %y : Tensor = aten::cat(%l, %one)', 4],
    ['  %y : Tensor = aten::flatten(%u, %one, %minus)', 2],
    ['  %y : Tensor = aten::flatten(%conv, %zero, %one)', 3],
    ['  %y : Tensor = aten::mean(%conv, %two, %false, %none)', 2],
    ['  %y : Tensor = aten::unsqueeze(%conv, %zero)', 5],
    ['  %y : Tensor = aten::select(%conv, %zero, %zero)', 3],
    ['  %l : int[] = prim::ListConstruct(%i, %i, %i)\n  %y : Tensor = aten::reshape(%u, %l)', 3],
    ['  %y : Tensor = prim::If(%flag)\n    block0():\n      %a : Tensor = aten::relu(%conv)\n      -> (%a)\n    block1():\n      -> (%conv)', 4],
  ])('knows the number of dimensions after %s', (lines, rank) => {
    expectPass(foldRank, `${HEAD}${lines}\n  %d : int = aten::dim(%y)\n  return (%d)`, `${HEAD}${lines}\n  %d : int = prim::Constant[value=${rank}]()\n  return (%d)`)
  })

  const QUANTIZED = `graph(%x : Tensor, %c : __torch__.torch.classes.quantized.Conv2dPackedParamsBase, %s : float, %z : int):
  %q : Tensor = quantized::conv2d(%x, %c, %s, %z)
  %one : int = prim::Constant[value=1]()
`

  it.each<[string, number]>([
    ['  %y : Tensor = quantized::conv1d(%x, %c, %s, %z)', 3],
    ['  %y : Tensor = quantized::hardswish(%q, %s, %z)', 4],
    ['  %y : Tensor = quantized::add(%q, %q, %s, %z)', 4],
    ['  %y : Tensor = aten::dequantize(%q)', 4],
    ['  %l : Tensor[] = prim::ListConstruct(%q, %q)\n  %y : Tensor = quantized::cat(%l, %one, %s, %z)', 4],
    ['  %l : Tensor[] = aten::chunk(%q, %one, %one)\n  %y : Tensor, %w : Tensor = prim::ListUnpack(%l)', 4],
  ])('knows the number of dimensions of quantized tensors after %s', (lines, rank) => {
    expectPass(foldRank, `${QUANTIZED}${lines}\n  %d : int = aten::dim(%y)\n  return (%d)`, `${QUANTIZED}${lines}\n  %d : int = prim::Constant[value=${rank}]()\n  return (%d)`)
  })

  it.each([
    '  %y : Tensor = quantized::hardswish(%x, %s, %z)',
    '  %y : Tensor = quantized::add(%q, %x, %s, %z)',
    '  %l : Tensor[] = aten::chunk(%q, %one, %one)\n  %m : Tensor[] = aten::append(%l, %x)\n  %y : Tensor, %w : Tensor, %v : Tensor = prim::ListUnpack(%l)',
    '  %l : Tensor[] = aten::unbind(%q, %one)\n  %y : Tensor, %w : Tensor = prim::ListUnpack(%l)',
  ])('leaves open what quantized tensors have after %s', (lines) => {
    expectPass(foldRank, `${QUANTIZED}${lines}\n  %d : int = aten::dim(%y)\n  return (%d)`)
  })

  it('counts sizes that are only read', () => {
    const rest = '  %k : int = aten::__getitem__(%s, %zero)\n  return (%n, %k)'
    expectPass(foldRank, `${HEAD}  %s : int[] = aten::size(%conv)\n  %n : int = aten::len(%s)\n${rest}`,
      `${HEAD}  %s : int[] = aten::size(%conv)\n  %n : int = prim::Constant[value=4]()\n${rest}`)
    expectPass(foldRank, `${HEAD}  %s : int[] = aten::size(%conv)\n  %t : int[] = aten::append(%s, %one)\n  %n : int = aten::len(%s)\n${rest}`)
  })

  it.each([
    '  %y : Tensor = aten::relu(%x)',
    '  %y : Tensor = aten::add(%conv, %u, %one)',
    '  %y : Tensor = aten::clamp(%conv, %u, %u)',
    '  %l : Tensor[] = prim::ListConstruct(%conv, %u)\n  %y : Tensor = aten::cat(%l, %one)',
    '  %l : Tensor[] = prim::ListConstruct(%conv, %conv)\n  %m : Tensor[] = aten::append(%l, %u)\n  %y : Tensor = aten::cat(%l, %one)',
    '  %l : int[] = prim::ListConstruct(%i, %i)\n  %m : int[] = aten::append(%l, %i)\n  %y : Tensor = aten::reshape(%u, %l)',
    '  %y : Tensor = aten::squeeze(%conv)',
    '  %y : Tensor = prim::If(%flag)\n    block0():\n      -> (%u)\n    block1():\n      -> (%conv)',
    '  %y : Tensor = aten::relu(%conv)\n  %z : Tensor = aten::unsqueeze_(%y, %zero)',
  ])('does not pretend to after %s', (lines) => {
    expectPass(foldRank, `${HEAD}${lines}\n  %d : int = aten::dim(%y)\n  return (%d)`)
  })
})
