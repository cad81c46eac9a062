import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { vulkanInsertPrePackedOps } from './vulkan-insert-prepacked-ops.ts'

const LISTS = `  %none : None = prim::Constant()
  %two : int[] = prim::Constant[value=[2, 1]]()
  %zero : int[] = prim::Constant[value=[0, 0]]()
  %single : int[] = prim::Constant[value=[1]]()
  %double : int[] = prim::Constant[value=[2, 2]]()
  %three : int[] = prim::Constant[value=[3, 3]]()
  %one : int = prim::Constant[value=1]()
  %four : int = prim::Constant[value=4]()
  %half : float = prim::Constant[value=0.]()
  %true : bool = prim::Constant[value=1]()
  %false : bool = prim::Constant[value=0]()
`
const CONV = '__torch__.torch.classes.vulkan.Conv2dPackedContext'
const LINEAR = '__torch__.torch.classes.vulkan.LinearPackedContext'
const W = '<Tensor Float[4, 3, 2, 2] "w">'
const B = '<Tensor Float[4] "b">'

function model(rest: string, weight = W, bias = B): string {
  return `graph(%x : Tensor, %u : Tensor, %n : int):
${LISTS}  %w : Tensor = prim::Constant[value=${weight}]()
  %b : Tensor = prim::Constant[value=${bias}]()
${rest}`
}

const run = (name: string, type: string, state: string): string =>
  `  %c : ${type} = prim::Constant[value=<CustomObject ${type} <Any[]>[${state}]>]()
  %y : Tensor = vulkan_prepack::${name}(%x, %c)\n  return (%y)`

const conv = (padding: string, dilation: string, groups = '%one'): string =>
  `  %y : Tensor = aten::conv2d(%x, %w, %b, %single, ${padding}, ${dilation}, ${groups})\n  return (%y)`
const transposed = (dilation: string, groups: string): string =>
  `  %y : Tensor = aten::conv_transpose2d(%x, %w, %b, %three, %zero, %two, ${groups}, ${dilation})\n  return (%y)`

describe('vulkanInsertPrePackedOps', () => {
  it('packs conv2d into a list of anything', () => {
    const { log } = expectPass(vulkanInsertPrePackedOps, model('  %y : Tensor = aten::conv2d(%x, %w, %b, %two, %zero, %single, %one)\n  return (%y)'), model(
      run('run_conv2d_context', CONV, `${W}, ${B}, <int[]>[2, 1], <int[]>[0, 0], <int[]>[1], <bool>0, <bool>0, <int[]>[0], <int>1, None, None`)))
    expect(log.changes.get('insert_fold_prepack_ops')).toBe(1)
  })

  it('packs conv_transpose2d', () => {
    const weight = '<Tensor Float[4, 4, 2, 2] "w">'
    expectPass(vulkanInsertPrePackedOps, model(transposed('%single', '%one'), weight), model(
      run('run_tconv2d_context', CONV, `${weight}, ${B}, <int[]>[3, 3], <int[]>[0, 0], <int[]>[1], <bool>1, <bool>0, <int[]>[2, 1], <int>1, None, None`), weight))
  })

  it('packs linear with a transposed view of its weight', () => {
    expectPass(vulkanInsertPrePackedOps, model('  %y : Tensor = aten::linear(%x, %w, %b)\n  return (%y)', '<Tensor Float[4, 3] "w">'), model(
      run('run_linear_context', LINEAR, `<Tensor Float[3, 4] "w" strides=[1, 3]>, ${B}`), '<Tensor Float[4, 3] "w">'))
  })

  it('packs depthwise convolutions, and dilated ones whose padding is a multiple of the dilation and the stride', () => {
    for (const [padding, dilation, groups, weight] of [
      ['%zero', '%double', '%one', W], ['%single', '%single', '%four', '<Tensor Float[4, 1, 2, 2] "w">'],
    ] as const) {
      const { log } = expectPassed(conv(padding, dilation, groups), weight)
      expect(log.declines).toEqual([])
    }
  })

  function expectPassed(rest: string, weight: string): ReturnType<typeof expectPass> {
    return expectPass(vulkanInsertPrePackedOps, model(rest, weight), model(run('run_conv2d_context', CONV, [
      weight, B, '<int[]>[1]', rest.includes('%zero') ? '<int[]>[0, 0]' : '<int[]>[1]', rest.includes('%double') ? '<int[]>[2, 2]' : '<int[]>[1]',
      '<bool>0', '<bool>0', '<int[]>[0]', rest.includes('%four') ? '<int>4' : '<int>1', 'None', 'None'].join(', ')), weight))
  }

  it.each<[string, string, RegExp]>([
    ['groups of several channels', model(conv('%zero', '%single', '%two_groups').replace('%two_groups', '%four'), '<Tensor Float[4, 3, 2, 2] "w">'), /4 groups/],
    ['a depthwise one with a multiplier', model(conv('%zero', '%single', '%four'), '<Tensor Float[8, 1, 2, 2] "w">', '<Tensor Float[8] "b">'), /4 groups/],
    ['dilation and padding that skew the borders', model(conv('%single', '%double')), /at the borders/],
    ['dilation and padding of steps that skew the borders', model(conv('%double', '%double')), /at the borders/],
    ['a padded kernel of one element', model(conv('%single', '%single'), '<Tensor Float[4, 3, 1, 1] "w">'), /outside of the image/],
    ['a weight of doubles', model(conv('%zero', '%single'), '<Tensor Double[4, 3, 2, 2] "w">'), /Double/],
    ['an empty weight', model(conv('%zero', '%single'), '<Tensor Float[4, 0, 2, 2] "w">'), /empty/],
    ['a bias of another length', model(conv('%zero', '%single'), W, '<Tensor Float[3] "b">'), /4 elements/],
    ['a transposed convolution of groups', model(transposed('%single', '%four'), '<Tensor Float[4, 1, 2, 2] "w">'), /4 groups/],
    ['a transposed convolution with dilation', model(transposed('%double', '%one'), '<Tensor Float[4, 4, 2, 2] "w">'), /refuses/],
    ['a vector for linear', model('  %i : int[] = prim::Constant[value=[-1]]()\n  %v : Tensor = aten::view(%x, %i)\n  %y : Tensor = aten::linear(%v, %w, %none)\n  return (%y)', '<Tensor Float[4, 3] "w">'), /one dimension/],
    ['a GRU', model(`  %p : Tensor[] = prim::ListConstruct(%w, %w, %b, %b)
  %y : Tensor, %h : Tensor = aten::gru(%x, %u, %p, %true, %one, %half, %false, %false, %true)\n  return (%y, %h)`), /state from step to step/],
  ])('leaves %s', (_, text, why) => {
    const { log } = expectPass(vulkanInsertPrePackedOps, text)
    expect(log.declines).toMatchObject([{ pass: 'insert_fold_prepack_ops', why: expect.stringMatching(why) as string }])
  })
})
