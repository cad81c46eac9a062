import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { insertPrePackedOps } from './insert-prepacked-ops.ts'

const LISTS = `  %none : None = prim::Constant()
  %two : int[] = prim::Constant[value=[2, 1]]()
  %three : int[] = prim::Constant[value=[3, 3]]()
  %zero : int[] = prim::Constant[value=[0, 0]]()
  %single : int[] = prim::Constant[value=[1]]()
  %minus : int[] = prim::Constant[value=[-1, 0]]()
  %word : str = prim::Constant[value="same"]()
  %groups : int = prim::Constant[value=2]()
  %true : bool = prim::Constant[value=1]()
`
const CONV = '__torch__.torch.classes.xnnpack.Conv2dOpContext'
const TRANSPOSED = '__torch__.torch.classes.xnnpack.TransposeConv2dOpContext'
const LINEAR = '__torch__.torch.classes.xnnpack.LinearOpContext'
const W = '<Tensor Float[4, 3, 2, 2] "w">'
const B = '<Tensor Float[4] "b">'

function model(rest: string, weight = W, bias = B): string {
  return `graph(%x : Tensor, %u : Tensor, %n : int, %flag : bool):
${LISTS}  %w : Tensor = prim::Constant[value=${weight}]()
  %b : Tensor = prim::Constant[value=${bias}]()
${rest}`
}

const run = (name: string, type: string, types: string, state: string, input = '%x', rest = '  return (%y)'): string =>
  `  %c : ${type} = prim::Constant[value=<CustomObject ${type} <(${types}, NoneType, NoneType)>(${state}, None, None)>]()
  %y : Tensor = prepacked::${name}(${input}, %c)\n${rest}`

const conv = (args: string): string => `  %y : Tensor = aten::conv2d(${args})\n  return (%y)`

describe('insertPrePackedOps', () => {
  it('packs conv2d', () => {
    const { log } = expectPass(insertPrePackedOps, model('  %y : Tensor = aten::conv2d(%x, %w, %b, %two, %zero, %single, %groups)\n  return (%y)'),
      model(run('conv2d_clamp_run', CONV, 'Tensor, Tensor, int[], int[], int[], int', `${W}, ${B}, [2, 1], [0, 0], [1], 2`)))
    expect(log.changes.get('insert_fold_prepack_ops')).toBe(1)
  })

  it('packs conv_transpose2d, with its own order of arguments, and keeps its result in row-major order', () => {
    const weight = '<Tensor Float[4, 2, 2, 2] "w">'
    expectPass(insertPrePackedOps, model('  %y : Tensor = aten::conv_transpose2d(%x, %w, %b, %three, %zero, %two, %groups, %single)\n  return (%y)', weight),
      model(run('conv2d_transpose_clamp_run', TRANSPOSED, 'Tensor, Tensor, int[], int[], int[], int[], int', `${weight}, ${B}, [3, 3], [0, 0], [2, 1], [1], 2`, '%row')
        .replace('  %y :', '  %format : int = prim::Constant[value=0]()\n  %row : Tensor = aten::contiguous(%x, %format)\n  %y :'), weight))
  })

  it('packs linear, and makes an input contiguous that may be in channels_last', () => {
    const weight = '<Tensor Float[4, 3] "w">'
    expectPass(insertPrePackedOps, model('  %y : Tensor = aten::linear(%x, %w, %none)\n  return (%y)', weight), model(
      run('linear_clamp_run', LINEAR, 'Tensor, NoneType', `${weight}, None`, '%row')
        .replace('\n', '\n  %format : int = prim::Constant[value=0]()\n  %row : Tensor = aten::contiguous(%x, %format)\n'), weight))
  })

  it.each<[string, string, string]>([
    ['is flattened', '  %i : int = prim::Constant[value=1]()\n  %j : int = prim::Constant[value=-1]()\n  %f : Tensor = aten::flatten(%x, %i, %j)\n', '%f'],
    ['has its shape written down', '  %s : int[] = prim::Constant[value=[-1, 3]]()\n  %f : Tensor = aten::view(%x, %s)\n', '%f'],
    ['is contiguous', '  %i : int = prim::Constant[value=0]()\n  %r : Tensor = aten::contiguous(%x, %i)\n  %f : Tensor = aten::relu(%r)\n', '%f'],
    ['is a sum of matrices', '  %a : Tensor = aten::mm(%x, %u)\n  %f : Tensor = aten::add(%a, %a, %n)\n', '%f'],
  ])('takes an input of linear as it is when it %s', (_, rest, input) => {
    const weight = '<Tensor Float[4, 3] "w">'
    expectPass(insertPrePackedOps, model(`${rest}  %y : Tensor = aten::linear(${input}, %w, %b)\n  return (%y)`, weight),
      model(rest + run('linear_clamp_run', LINEAR, 'Tensor, Tensor', `${weight}, ${B}`, input), weight))
  })

  it('needs no copy between linears', () => {
    const weight = '<Tensor Float[3, 3] "w">'
    const text = '  %y : Tensor = aten::linear(%x, %w, %none)\n  %a : Tensor = aten::gelu(%y, %word)\n  %z : Tensor = aten::linear(%a, %w, %none)\n  return (%z)'
    const state = `prim::Constant[value=<CustomObject ${LINEAR} <(Tensor, NoneType, NoneType, NoneType)>(${weight}, None, None, None)>]()`
    expectPass(insertPrePackedOps, model(text, weight), model(`  %c : ${LINEAR} = ${state}
  %format : int = prim::Constant[value=0]()
  %row : Tensor = aten::contiguous(%x, %format)
  %y : Tensor = prepacked::linear_clamp_run(%row, %c)
  %a : Tensor = aten::gelu(%y, %word)
  %d : ${LINEAR} = ${state}
  %z : Tensor = prepacked::linear_clamp_run(%a, %d)
  return (%z)`, weight))
  })

  it.each<[string, string, RegExp]>([
    ['a weight is computed', model(conv('%x, %u, %b, %two, %zero, %single, %groups')), /weight is not constant/],
    ['a weight is written to', model(`  %r : Tensor = aten::relu_(%w)\n${conv('%x, %w, %b, %two, %zero, %single, %groups')}`), /changes while/],
    ['a weight is returned', model(`  %v : Tensor = aten::detach(%w)\n${conv('%x, %w, %b, %two, %zero, %single, %groups').replace('return (%y)', 'return (%y, %v)')}`), /an app may change it/],
    ['a bias is computed', model(conv('%x, %w, %u, %two, %zero, %single, %groups')), /bias is not constant/],
    ['a weight is Double', model(conv('%x, %w, %b, %two, %zero, %single, %groups'), '<Tensor Double[4, 3, 2, 2] "w">'), /Double/],
    ['a weight is Half', model('  %y : Tensor = aten::linear(%x, %w, %b)\n  return (%y)', '<Tensor Half[4, 3] "w">'), /Half/],
    ['a weight is empty', model(conv('%x, %w, %b, %two, %zero, %single, %groups'), '<Tensor Float[4, 0, 2, 2] "w">'), /empty/],
    ['a bias has another length', model(conv('%x, %w, %b, %two, %zero, %single, %groups'), W, '<Tensor Float[3] "b">'), /4 elements/],
    ['a bias is Double', model(conv('%x, %w, %b, %two, %zero, %single, %groups'), W, '<Tensor Double[4] "b">'), /Double/],
    ['channels do not divide', model(conv('%x, %w, %b, %two, %zero, %single, %groups'), '<Tensor Float[3, 3, 2, 2] "w">'), /do not divide/],
    ['padding is negative', model(conv('%x, %w, %b, %two, %minus, %single, %groups')), /out of range/],
    ['stride is zero', model(conv('%x, %w, %b, %zero, %zero, %single, %groups')), /out of range/],
    ['padding is a word', model(conv('%x, %w, %b, %two, %word, %single, %groups')), /as a word/],
    ['groups are computed', model(conv('%x, %w, %b, %two, %zero, %single, %n')), /not constant/],
    ['its input certainly has no batch', model(`  %s : int[] = prim::Constant[value=[3, 8, 8]]()\n  %v : Tensor = aten::view(%x, %s)\n${conv('%v, %w, %b, %two, %zero, %single, %groups')}`), /3 dimensions/],
    ['its output padding is not less than its stride', model('  %y : Tensor = aten::conv_transpose2d(%x, %w, %b, %two, %zero, %two, %groups, %three)\n  return (%y)', '<Tensor Float[4, 2, 2, 2] "w">'), /output padding/],
    ['a linear weight has three dimensions', model('  %y : Tensor = aten::linear(%x, %w, %b)\n  return (%y)', '<Tensor Float[4, 3, 1] "w">'), /3 dimensions/],
  ])('declines when %s', (_, text, why) => {
    const { log } = expectPass(insertPrePackedOps, text)
    expect(log.declines).toMatchObject([{ pass: 'insert_fold_prepack_ops', why: expect.stringMatching(why) as string }])
  })

  it('leaves other operators alone', () => {
    expect(expectPass(insertPrePackedOps, model('  %y : Tensor = aten::relu(%x)\n  return (%y)')).log.declines).toEqual([])
  })
})
