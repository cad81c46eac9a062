import { describe, expect, it } from 'vitest'
import { expectPass } from '../../../test/ir.ts'
import { fuseClamp } from './fuse-clamp.ts'

const W = '<Tensor Float[1, 1, 1, 1] {2.}>'
const VULKAN = '__torch__.torch.classes.vulkan.Conv2dPackedContext'
const METAL = '__torch__.torch.classes.metal.LinearOpContext'
const LINEAR = '__torch__.torch.classes.vulkan.LinearPackedContext'
const bound = (text: string): string => text === 'None' ? text : `<float>${text}`
const typeOf = (text: string): string => text === 'None' ? 'NoneType' : 'float'
const vulkan = (min: string, max: string): string =>
  `${VULKAN} = prim::Constant[value=<CustomObject ${VULKAN} <Any[]>[${W}, None, <int[]>[1], <int[]>[0], <int[]>[1], <bool>0, <bool>0, <int[]>[0], <int>1, ${bound(min)}, ${bound(max)}]>]()`
const metal = (min: string, max: string): string =>
  `${METAL} = prim::Constant[value=<CustomObject ${METAL} <(Tensor, NoneType, ${typeOf(min)}, ${typeOf(max)})>(<Tensor Float[1, 1] {2.}>, None, ${min}, ${max})>]()`
const graph = (context: string, run: string, clamp: string, result = '%z'): string => `graph(%x : Tensor):
  %minus : float = prim::Constant[value=-1.]()
  %zero : int = prim::Constant[value=0]()
  %six : int = prim::Constant[value=6]()
  %c : ${context}
  %y : Tensor = ${run}(%x, %c)
${clamp}  return (${result})`

describe('fuseClamp on GPUs', () => {
  it.each(['run_conv2d_context', 'run_tconv2d_context'])('bounds vulkan_prepack::%s, by floats, as the runtime wants them', (name) => {
    const run = `vulkan_prepack::${name}`
    for (const [clamp, min, max] of [['relu_(%y)', '0.', 'None'], ['hardtanh(%y, %zero, %six)', '0.', '6.'], ['clamp_min(%y, %minus)', '-1.', 'None']] as const) {
      expectPass(fuseClamp, graph(vulkan('None', 'None'), run, `  %z : Tensor = aten::${clamp}\n`), graph(vulkan(min, max), run, '', '%y'))
    }
  })

  it('bounds a linear layer on Metal by a minimum of zero or by both', () => {
    for (const [clamp, min, max] of [['relu(%y)', '0.', 'None'], ['hardtanh_(%y, %minus, %six)', '-1.', '6.']] as const) {
      expectPass(fuseClamp, graph(metal('None', 'None'), 'metal_prepack::linear_run', `  %z : Tensor = aten::${clamp}\n`), graph(metal(min, max), 'metal_prepack::linear_run', '', '%y'))
    }
  })

  it.each(['clamp_min(%y, %minus)', 'clamp_max(%y, %six)'])('leaves aten::%s on Metal, which would ignore it', (clamp) => {
    const { log } = expectPass(fuseClamp, graph(metal('None', 'None'), 'metal_prepack::linear_run', `  %z : Tensor = aten::${clamp}\n`))
    expect(log.declines).toMatchObject([{ why: expect.stringMatching(/minimum of zero or both/) as string }])
  })

  it('leaves a linear layer on Vulkan, whose packed weights hold no bounds', () => {
    const { log } = expectPass(fuseClamp, graph(`${LINEAR} = prim::Constant[value=<CustomObject ${LINEAR} <Any[]>[<Tensor Float[1, 1] {2.}>, None]>]()`,
      'vulkan_prepack::run_linear_context', '  %z : Tensor = aten::relu(%y)\n'))
    expect(log.declines).toEqual([])
  })
})
