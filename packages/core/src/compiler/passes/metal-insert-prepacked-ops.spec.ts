import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { metalInsertPrePackedOps } from './metal-insert-prepacked-ops.ts'

const CONV = '__torch__.torch.classes.metal.Conv2dOpContext'
const LINEAR = '__torch__.torch.classes.metal.LinearOpContext'
const W = '<Tensor Float[4, 3, 2, 2] "w">'
const B = '<Tensor Float[4] "b">'

function model(rest: string, weight = W, bias = B): string {
  return `graph(%x : Tensor, %n : int):
  %none : None = prim::Constant()
  %zero : int[] = prim::Constant[value=[0, 0]]()
  %single : int[] = prim::Constant[value=[1]]()
  %double : int[] = prim::Constant[value=[2, 2]]()
  %one : int = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %w : Tensor = prim::Constant[value=${weight}]()
  %b : Tensor = prim::Constant[value=${bias}]()
${rest}`
}

const run = (name: string, type: string, types: string, state: string): string =>
  `  %c : ${type} = prim::Constant[value=<CustomObject ${type} <(${types}, NoneType, NoneType)>(${state}, None, None)>]()
  %y : Tensor = metal_prepack::${name}(%x, %c)\n  return (%y)`
const conv = (dilation: string, groups: string): string => `  %y : Tensor = aten::conv2d(%x, %w, %b, %single, %zero, ${dilation}, ${groups})\n  return (%y)`

describe('metalInsertPrePackedOps', () => {
  it('packs conv2d, with two numbers in every list', () => {
    const { log } = expectPass(metalInsertPrePackedOps, model(conv('%single', '%one')),
      model(run('conv2d_run', CONV, 'Tensor, Tensor, int[], int[], int[], int', `${W}, ${B}, [1, 1], [0, 0], [1, 1], 1`)))
    expect(log.changes.get('insert_fold_prepack_ops')).toBe(1)
  })

  it('packs linear', () => {
    const weight = '<Tensor Float[4, 3] "w">'
    expectPass(metalInsertPrePackedOps, model('  %y : Tensor = aten::linear(%x, %w, %none)\n  return (%y)', weight),
      model(run('linear_run', LINEAR, 'Tensor, NoneType', `${weight}, None`), weight))
  })

  it('packs groups of whole vectors', () => {
    const weight = '<Tensor Float[4, 8, 2, 2] "w">'
    expectPass(metalInsertPrePackedOps, model(conv('%single', '%two'), weight),
      model(run('conv2d_run', CONV, 'Tensor, Tensor, int[], int[], int[], int', `${weight}, ${B}, [1, 1], [0, 0], [1, 1], 2`), weight))
  })

  it.each<[string, string, RegExp]>([
    ['dilation', model(conv('%double', '%one')), /leave the dilation out/],
    ['groups of three channels', model(conv('%single', '%two')), /multiple of 4/],
    ['a weight of doubles', model(conv('%single', '%one'), '<Tensor Double[4, 3, 2, 2] "w">'), /Double/],
    ['a bias with gaps', model(conv('%single', '%one'), W, '<Tensor Float[4] "b" strides=[2]>'), /gaps/],
    ['a batch of matrices', model('  %i : int[] = prim::Constant[value=[1, 2, 3]]()\n  %v : Tensor = aten::view(%x, %i)\n  %y : Tensor = aten::linear(%v, %w, %none)\n  return (%y)', '<Tensor Float[4, 3] "w">'), /3 dimensions/],
  ])('leaves %s', (_, text, why) => {
    const { log } = expectPass(metalInsertPrePackedOps, text)
    expect(log.declines).toMatchObject([{ pass: 'insert_fold_prepack_ops', why: expect.stringMatching(why) as string }])
  })
})
