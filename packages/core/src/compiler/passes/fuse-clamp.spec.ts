import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { fuseClamp } from './fuse-clamp.ts'

const W = { linear: '<Tensor Float[1, 1] {2.}>', conv: '<Tensor Float[1, 1, 1, 1] {2.}>' }
const STATE: Record<string, string> = {
  linear_clamp_run: `${W.linear}, None`,
  conv2d_clamp_run: `${W.conv}, None, <int[]>[1, 1], <int[]>[0, 0], <int[]>[1, 1], 1`,
  conv2d_transpose_clamp_run: `${W.conv}, None, <int[]>[1, 1], <int[]>[0, 0], <int[]>[0, 0], <int[]>[1, 1], 1`,
}
const CLASS: Record<string, string> = {
  linear_clamp_run: '__torch__.torch.classes.xnnpack.LinearOpContext',
  conv2d_clamp_run: '__torch__.torch.classes.xnnpack.Conv2dOpContext',
  conv2d_transpose_clamp_run: '__torch__.torch.classes.xnnpack.TransposeConv2dOpContext',
}

function typeOf(bound: string): string {
  return bound === 'None' ? 'NoneType' : 'float'
}

function context(run: string, min: string, max: string): string {
  const types = `Tensor, NoneType${', int[]'.repeat(run === 'linear_clamp_run' ? 0 : run === 'conv2d_clamp_run' ? 3 : 4)}${run === 'linear_clamp_run' ? '' : ', int'}`
  return `${CLASS[run]} = prim::Constant[value=<CustomObject ${CLASS[run]} <(${types}, ${typeOf(min)}, ${typeOf(max)})>(${STATE[run]!.replaceAll('<int[]>', '')}, ${min}, ${max})>]()`
}

function before(clamp: string, run = 'conv2d_clamp_run', bounds: [string, string] = ['None', 'None']): string {
  return `graph(%x : Tensor, %n : float):
  %none : None = prim::Constant()
  %minus : float = prim::Constant[value=-1.5]()
  %zero : int = prim::Constant[value=0]()
  %six : int = prim::Constant[value=6]()
  %c : ${context(run, ...bounds)}
  %y : Tensor = prepacked::${run}(%x, %c)
${clamp}`
}

function after(min: string, max: string, run = 'conv2d_clamp_run', rest = '  return (%y)'): string {
  return before(rest, run, [min, max])
}

describe('fuseClamp', () => {
  it.each<[string, string, string, string]>([
    ['relu', 'aten::relu(%y)', '0.', 'None'],
    ['relu_', 'aten::relu_(%y)', '0.', 'None'],
    ['relu6', 'aten::relu6(%y)', '0.', '6.'],
    ['relu6_', 'aten::relu6_(%y)', '0.', '6.'],
    ['hardtanh of ints', 'aten::hardtanh(%y, %zero, %six)', '0.', '6.'],
    ['hardtanh_', 'aten::hardtanh_(%y, %minus, %six)', '-1.5', '6.'],
    ['clamp', 'aten::clamp(%y, %minus, %six)', '-1.5', '6.'],
    ['clamp without a maximum', 'aten::clamp_(%y, %minus, %none)', '-1.5', 'None'],
    ['clamp_min', 'aten::clamp_min(%y, %minus)', '-1.5', 'None'],
    ['clamp_max', 'aten::clamp_max_(%y, %six)', 'None', '6.'],
  ])('moves %s into the packed weights', (_, clamp, min, max) => {
    for (const run of Object.keys(CLASS)) {
      const { log } = expectPass(fuseClamp, before(`  %z : Tensor = ${clamp}\n  return (%z)`, run), after(min, max, run))
      expect(log.changes.get('fuse_clamp')).toBe(1)
    }
  })

  it('intersects clamps in a row', () => {
    expectPass(fuseClamp, before('  %a : Tensor = aten::relu(%y)\n  %b : Tensor = aten::clamp(%a, %minus, %six)\n  return (%b)'), after('0.', '6.'))
  })

  it('lets the shape of the result be looked at', () => {
    expectPass(fuseClamp, before('  %d : int = aten::dim(%y)\n  %z : Tensor = aten::relu(%y)\n  return (%z, %d)'),
      after('0.', 'None', undefined, '  %d : int = aten::dim(%y)\n  return (%y, %d)'))
  })

  it.each<[string, string, RegExp]>([
    ['the result has another use', '  %z : Tensor = aten::relu(%y)\n  return (%z, %y)', /used elsewhere/],
    ['a bound is computed', '  %z : Tensor = aten::clamp_min(%y, %n)\n  return (%z)', /not constant/],
    ['the bounds are tensors', '  %z : Tensor = aten::clamp(%y, %x, %x)\n  return (%z)', /tensors/],
    ['the bounds leave nothing', '  %z : Tensor = aten::hardtanh(%y, %six, %zero)\n  return (%z)', /no room/],
  ])('declines when %s', (_, rest, why) => {
    const { log } = expectPass(fuseClamp, before(rest))
    expect(log.declines).toMatchObject([{ pass: 'fuse_clamp', why: expect.stringMatching(why) as string }])
  })

  it('declines bounds that exclude each other', () => {
    expectPass(fuseClamp, before('  %z : Tensor = aten::clamp_max(%y, %minus)\n  return (%z)', 'linear_clamp_run', ['0.', 'None']))
  })

  it('leaves clamps of other things alone', () => {
    const { log } = expectPass(fuseClamp, before('  %z : Tensor = aten::relu(%x)\n  return (%z, %y)'))
    expect(log.declines).toEqual([])
  })
})
