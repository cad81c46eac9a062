import { describe, expect, it } from 'vitest'
import { expectPass, graphOf, recordLog, structure } from '../../../test/ir.ts'
import { toIValue, type Graph, type Node } from '../ir/graph.ts'
import { fuseQuantizedRelu } from './fuse-quantized-relu.ts'
import type { PassLog } from './pass.ts'

const CLASS = '__torch__.torch.classes.quantized'
const packed = (name: string, type: string, state: number): string =>
  `  %${name} : ${CLASS}.${type}PackedParamsBase = prim::Constant[value=<CustomObject ${CLASS}.${type}PackedParamsBase ${state}>]()\n`
const HEAD = `graph(%x : Tensor, %given : ${CLASS}.Conv2dPackedParamsBase, %n : int, %flag : bool):
${packed('c', 'Conv2d', 1)}${packed('c2', 'Conv2d', 2)}${packed('v', 'Conv3d', 3)}${packed('l', 'Linear', 4)}  %s : float = prim::Constant[value=0.5]()
  %z : int = prim::Constant[value=130]()
  %end : int = prim::Constant[value=255]()
  %quint8 : int = prim::Constant[value=13]()
  %qint32 : int = prim::Constant[value=14]()
  %none : None = prim::Constant()
  %w : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %q : Tensor = aten::quantize_per_tensor(%x, %s, %z, %quint8)
`
const run = (graph: Graph, log: PassLog): void => fuseQuantizedRelu([graph], log)
const graph = (lines: string, result = '%y'): string => `${HEAD}  ${lines}\n  return (${result})`

describe('fuseQuantizedRelu', () => {
  it.each<[string, string]>([
    ['conv1d(%q, %c, %s, %z)', 'conv1d_relu(%q, %c, %s, %z)'],
    ['conv2d(%q, %c, %s, %z)', 'conv2d_relu(%q, %c, %s, %z)'],
    ['conv3d(%q, %v, %s, %z)', 'conv3d_relu(%q, %v, %s, %z)'],
    ['linear(%q, %l, %s, %z)', 'linear_relu(%q, %l, %s, %z)'],
    ['add(%q, %q, %s, %z)', 'add_relu(%q, %q, %s, %z)'],
    ['mul(%q, %q, %s, %z)', 'mul_relu(%q, %q, %s, %z)'],
    ['batch_norm2d(%q, %none, %none, %w, %w, %s, %s, %z)', 'batch_norm2d_relu(%q, %none, %none, %w, %w, %s, %s, %z)'],
  ])('fuses %s with relu and relu_', (before, after) => {
    for (const relu of ['relu', 'relu_']) {
      const { log } = expectPass(run, graph(`%r : Tensor = quantized::${before}\n  %y : Tensor = aten::${relu}(%r)`), graph(`%y : Tensor = quantized::${after}`))
      expect(log.changes.get('fuse_quantized_relu')).toBe(1)
    }
  })

  it('fuses one after the other, and where the type comes through other operators', () => {
    expectPass(run,
      graph(`%a : Tensor = quantized::conv2d(%q, %c, %s, %z)\n  %b : Tensor = aten::relu(%a)\n  %p : Tensor = aten::view(%b, %shape)\n  %d : Tensor = quantized::linear(%p, %l, %s, %z)\n  %y : Tensor = aten::relu_(%d)`
        .replace('%a :', '%shape : int[] = prim::Constant[value=[2, 2]]()\n  %a :')),
      graph(`%shape : int[] = prim::Constant[value=[2, 2]]()\n  %b : Tensor = quantized::conv2d_relu(%q, %c, %s, %z)\n  %p : Tensor = aten::view(%b, %shape)\n  %y : Tensor = quantized::linear_relu(%p, %l, %s, %z)`))
  })

  it.each<[string, string, string]>([
    ['the sum before the relu is wanted', '%r : Tensor = quantized::add(%q, %q, %s, %z)\n  %y : Tensor = aten::relu(%r)\n  %t : Tensor = aten::neg(%r)', 'used elsewhere'],
    ['the input may be anything', '%r : Tensor = quantized::conv2d(%x, %c, %s, %z)\n  %y : Tensor = aten::relu(%r)', 'how its input is quantized'],
    ['the type is a wide one', '%i : Tensor = aten::quantize_per_tensor(%x, %s, %z, %qint32)\n  %r : Tensor = quantized::add(%i, %i, %s, %z)\n  %y : Tensor = aten::relu(%r)', 'QInt32'],
    ['the zero point is not known', '%r : Tensor = quantized::add(%q, %q, %s, %n)\n  %y : Tensor = aten::relu(%r)', 'not constant'],
    ['the weights are not known', '%r : Tensor = quantized::conv2d(%q, %given, %s, %z)\n  %y : Tensor = aten::relu(%r)', 'weights are not constant'],
    ['the weights are used without relu, too', '%r : Tensor = quantized::conv2d(%q, %c, %s, %z)\n  %t : Tensor = aten::relu(%r)\n  %y : Tensor = quantized::conv2d(%t, %c, %s, %z)', 'without relu'],
    ['the weights are used with relu only here and there', '%r : Tensor = quantized::conv2d(%q, %c, %s, %z)\n  %t : Tensor = aten::relu(%r)\n  %v2 : Tensor = quantized::conv2d(%x, %c, %s, %z)\n  %y : Tensor = aten::relu(%v2)\n  %a : Tensor = aten::neg(%v2)', 'without relu'],
    ['all values are 0 after it', '%r : Tensor = quantized::add(%q, %q, %s, %end)\n  %y : Tensor = aten::relu(%r)', 'nothing is above 0'],
  ])('leaves alone what it is not certain of: %s', (_, lines, why) => {
    const { log } = expectPass(run, graph(lines))
    expect(log.declines.map((decline) => decline.why).join()).toContain(why)
  })

  it('fuses all uses of weights alike', () => {
    const lines = (relu: boolean): string => ['%q', '%a0'].map((input, i) => relu ? `%a${i} : Tensor = quantized::conv2d_relu(${input}, %c, %s, %z)`
      : `%r${i} : Tensor = quantized::conv2d(${input}, %c, %s, %z)\n  %a${i} : Tensor = aten::relu(%r${i})`).join('\n  ')
    expectPass(run, graph(lines(false), '%a1'), graph(lines(true), '%a1'))
  })

  it('looks at the weights of all methods', () => {
    const fusable = '%r : Tensor = quantized::conv2d(%q, %c, %s, %z)\n  %y : Tensor = aten::relu(%r)'
    const [a, b] = [graphOf(graph(fusable)), graphOf(graph('%y : Tensor = quantized::conv2d(%q, %c, %s, %z)'))]
    const constant = (of: Graph): Node => [...of.block.nodes()].find((node) => node.kind === 'prim::Constant')!
    // One object in both.
    constant(b).attributes.set('value', { kind: 'ival', value: toIValue(constant(a).output)! })
    const log = recordLog()
    const before = structure(a)
    fuseQuantizedRelu([a, b], log)
    expect(structure(a)).toBe(before)
    fuseQuantizedRelu([a], log)
    expect(log.changes.get('fuse_quantized_relu')).toBe(1)
  })

  it.each([
    '%l2 : Tensor[] = prim::ListConstruct(%q, %q)\n  %r : Tensor = quantized::cat(%l2, %n, %s, %z)\n  %y : Tensor = aten::relu(%r)',
    '%r : Tensor = quantized::add(%q, %n)\n  %y : Tensor = aten::relu(%r)',
    '%r : Tensor = quantized::linear_dynamic(%x, %l, %flag)\n  %y : Tensor = aten::relu(%r)',
    '%r : Tensor = quantized::conv_transpose2d(%q, %c, %s, %z)\n  %y : Tensor = aten::relu(%r)',
  ])('has no fused form, or none of the same bits, for %s', (lines) => {
    expectPass(run, graph(lines))
  })
})
