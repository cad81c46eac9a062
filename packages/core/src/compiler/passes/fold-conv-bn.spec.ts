import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { graphOf, recordLog } from '../../../test/ir.ts'
import { elements } from '../archive/derived-storage.ts'
import { allNodes, toIValue, type Graph } from '../ir/graph.ts'
import { memoryStorage } from '../ir/literal.ts'
import { verify } from '../ir/verifier.ts'
import { contiguousStrides, type Tensor } from '../archive/tensor.ts'
import { foldConvBatchNorm } from './fold-conv-bn.ts'

interface Options {
  conv?: string
  weight?: string
  bias?: string
  norm?: string
  rest?: string
  rank?: number
  /** Computes `%in` from `%x`. */
  input?: string
}

function model({ conv = 'conv2d', weight = '<Tensor Float[2, 1, 1, 1] {0.5, -3.}>', bias = '%bias', norm = '%gamma, %beta, %mean, %var, %off', rest, rank = 2, input }: Options): string {
  return `graph(%x : Tensor, %flag : bool):
  %mean : Tensor = prim::Constant[value=<Tensor Float[2] {0.5, -1.5}>]()
  %var : Tensor = prim::Constant[value=<Tensor Float[2] {0.25, 4.}>]()
  %gamma : Tensor = prim::Constant[value=<Tensor Float[2] {3., -1.}>]()
  %beta : Tensor = prim::Constant[value=<Tensor Float[2] {0.25, 8.}>]()
  %wide : Tensor = prim::Constant[value=<Tensor Double[2] {0.25, 8.}>]()
  %three : Tensor = prim::Constant[value=<Tensor Float[3] {0.25, 8., 1.}>]()
  %none : None = prim::Constant()
  %on : bool = prim::Constant[value=1]()
  %off : bool = prim::Constant[value=0]()
  %momentum : float = prim::Constant[value=0.1]()
  %eps : float = prim::Constant[value=0.]()
  %w : Tensor = prim::Constant[value=${weight}]()
  %bias : Tensor = prim::Constant[value=<Tensor Float[2] {1., 2.}>]()
  %one : int[] = prim::Constant[value=[${Array(rank).fill(1).join(', ')}]]()
  %zero : int[] = prim::Constant[value=[${Array(rank).fill(0).join(', ')}]]()
  %groups : int = prim::Constant[value=1]()
${input ?? ''}  %c : Tensor = aten::${conv}(${input ? '%in' : '%x'}, %w, ${bias}, %one, %zero, %one, %groups)
  %y : Tensor = aten::batch_norm(%c, ${norm}, %momentum, %eps, %on)
${rest ?? '  return (%y)'}`
}

/** Too large to gather; nothing may read it. */
const BIG: Tensor = {
  scalarType: 'Float', sizes: [2, 1, 4096, 4096], strides: [1 << 26, 1, 1 << 13, 1], storageOffset: 0, requiresGrad: false,
  storage: { identity: 'big', byteLength: 2 ** 31, scalarType: 'Float', read: () => Promise.reject(new Error('read')), stream: () => { throw new Error('read') } },
}

function fold(text: string): { graph: Graph; why: string | undefined; folded: number } {
  const graph = graphOf(text, { tensors: new Map([['big', BIG]]) })
  const log = recordLog()
  foldConvBatchNorm(graph, log)
  verify(graph)
  const folded = log.changes.get('conv_bn_fusion') ?? 0
  expect([...allNodes(graph.block)].some((node) => node.kind === 'aten::batch_norm')).toBe(folded === 0)
  return { graph, why: log.declines[0]?.why, folded }
}

async function parameters(graph: Graph): Promise<Float32Array[]> {
  const conv = [...allNodes(graph.block)].find((node) => node.kind.startsWith('aten::conv'))!
  return Promise.all([1, 2].map((i) => elements(tensorOf(conv.input(i)))))
}

function tensorOf(value: Parameters<typeof toIValue>[0]): Tensor {
  const constant = toIValue(value)
  if (constant?.tag !== 'Tensor') throw new Error('no tensor')
  return constant.value
}

describe('foldConvBatchNorm', () => {
  it('folds weight and bias', async () => {
    const { graph, folded } = fold(model({}))
    expect(folded).toBe(1)
    const [weight, bias] = await parameters(graph)
    expect([...weight!]).toEqual([0.5 * 6, -3 * -0.5])
    expect([...bias!]).toEqual([(1 - 0.5) * 6 + 0.25, (2 + 1.5) * -0.5 + 8])
  })

  it('takes a missing bias for zeros and missing gains for ones and zeros', async () => {
    const { graph } = fold(model({ bias: '%none', norm: '%none, %none, %mean, %var, %off' }))
    const [weight, bias] = await parameters(graph)
    expect([...weight!]).toEqual([0.5 * 2, -3 * 0.5])
    expect([...bias!]).toEqual([-0.5 * 2, 1.5 * 0.5])
  })

  it('folds in one and three dimensions', () => {
    const input = '  %shape : int[] = prim::Constant[value=[4, 1, 9]]()\n  %in : Tensor = aten::reshape(%x, %shape)\n'
    expect(fold(model({ conv: 'conv1d', rank: 1, weight: '<Tensor Float[2, 1, 1] {0.5, -3.}>', input })).folded).toBe(1)
    expect(fold(model({ conv: 'conv3d', rank: 3, weight: '<Tensor Float[2, 1, 1, 1, 1] {0.5, -3.}>' })).folded).toBe(1)
  })

  it('leaves a conv1d whose input may have no batch, as its result would then pass for one', () => {
    const { folded, why } = fold(model({ conv: 'conv1d', rank: 1, weight: '<Tensor Float[2, 1, 1] {0.5, -3.}>' }))
    expect(folded).toBe(0)
    expect(why).toMatch(/batch dimension/)
  })

  it('lets the shape of the result be looked at', () => {
    const { folded, graph } = fold(model({ rest: '  %d : int = aten::dim(%c)\n  return (%y, %d)' }))
    expect(folded).toBe(1)
    expect(graph.outputs[1]!.node.input(0)).toBe(graph.outputs[0])
  })

  it.each<[string, Options, RegExp]>([
    ['the result has another use', { rest: '  %z : Tensor = aten::relu(%c)\n  return (%y, %z)' }, /used elsewhere/],
    ['the result is returned', { rest: '  return (%y, %c)' }, /used elsewhere/],
    ['it normalizes by its input', { norm: '%gamma, %beta, %mean, %var, %on' }, /training mode/],
    ['the mode is not known', { norm: '%gamma, %beta, %mean, %var, %flag' }, /decided while the model runs/],
    ['there are no statistics', { norm: '%gamma, %beta, %none, %none, %off' }, /no constant running statistics/],
    ['the gain is computed', { norm: '%x, %beta, %mean, %var, %off' }, /not constant/],
    ['the bias is computed', { bias: '%x' }, /not constant/],
    ['a gain is of another type', { norm: '%gamma, %wide, %mean, %var, %off' }, /Double/],
    ['a gain is of another length', { norm: '%gamma, %three, %mean, %var, %off' }, /number of channels/],
    ['a gain is returned', { rest: '  return (%y, %gamma)' }, /an app may change it/],
    ['a statistic is written to', { rest: '  %r : Tensor = aten::relu_(%mean)\n  return (%y)' }, /changes while/],
    ['the weight has other dimensions', { weight: '<Tensor Float[2, 1, 1] {0.5, -3.}>' }, /3 dimensions/],
    ['the weight is of another type', { weight: '<Tensor Double[2, 1, 1, 1] {0.5, -3.}>' }, /Double/],
    ['the weight is an expanded view', { weight: '<Tensor Float[2, 1, 4096, 4096] "big" strides=[67108864, 1, 8192, 1]>' }, /scattered/],
  ])('declines when %s', (_, options, why) => {
    const result = fold(model(options))
    expect(result.folded).toBe(0)
    expect(result.why).toMatch(why)
  })

  it('declines a batch norm that runs only sometimes', () => {
    expect(fold(`graph(%x : Tensor, %flag : bool, %w : Tensor):
  %none : None = prim::Constant()
  %off : bool = prim::Constant[value=0]()
  %eps : float = prim::Constant[value=0.]()
  %s : Tensor = prim::Constant[value=<Tensor Float[1] {1.}>]()
  %k : Tensor = prim::Constant[value=<Tensor Float[1, 1, 1, 1] {1.}>]()
  %one : int[] = prim::Constant[value=[1, 1]]()
  %groups : int = prim::Constant[value=1]()
  %c : Tensor = aten::conv2d(%x, %k, %none, %one, %one, %one, %groups)
  %y : Tensor = prim::If(%flag)
    block0():
      %z : Tensor = aten::batch_norm(%c, %none, %none, %s, %s, %off, %eps, %eps, %off)
      -> (%z)
    block1():
      -> (%x)
  return (%y)`).why).toMatch(/used elsewhere/)
  })

  it('leaves other producers alone', () => {
    expect(fold(model({ rest: '  return (%y)' }).replace('aten::batch_norm(%c', 'aten::batch_norm(%x'))).toMatchObject({ folded: 0, why: undefined })
  })
})

interface Fixture {
  channels: number
  cases: { eps: number; inputs: Record<string, string>; weight: string; bias: string }[]
}

const FIXTURE = JSON.parse(readFileSync(new URL('../../../test/fixtures/backend/fold-conv-bn.json', import.meta.url), 'utf8')) as Fixture

function bits(values: Float32Array): string {
  return Buffer.from(values.buffer).toString('base64')
}

describe("against PyTorch's own fold", () => {
  it.each(FIXTURE.cases.map((each, i) => [i, each] as const))('gives the same bits (case %i)', async (_, { eps, inputs, weight, bias }) => {
    const tensors = new Map(Object.entries(inputs).map(([name, base64]) => {
      const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
      const sizes = name === '0.weight' ? [FIXTURE.channels, 3, 1, 2] : [FIXTURE.channels]
      const tensor: Tensor = {
        scalarType: 'Float', sizes, strides: contiguousStrides(sizes), storageOffset: 0, requiresGrad: false, storage: memoryStorage(name, 'Float', bytes),
      }
      return [name, tensor] as const
    }))
    const constant = (name: string): string => tensors.has(name)
      ? `Tensor = prim::Constant[value=<Tensor Float[${tensors.get(name)!.sizes.join(', ')}] "${name}">]()` : 'None = prim::Constant()'
    const graph = graphOf(`graph(%x : Tensor):
  %w : ${constant('0.weight')}
  %b : ${constant('0.bias')}
  %gamma : ${constant('1.weight')}
  %beta : ${constant('1.bias')}
  %mean : ${constant('1.running_mean')}
  %var : ${constant('1.running_var')}
  %off : bool = prim::Constant[value=0]()
  %eps : float = prim::Constant[value=${eps}]()
  %one : int[] = prim::Constant[value=[1, 1]]()
  %groups : int = prim::Constant[value=1]()
  %c : Tensor = aten::conv2d(%x, %w, %b, %one, %one, %one, %groups)
  %y : Tensor = aten::batch_norm(%c, %gamma, %beta, %mean, %var, %off, %eps, %eps, %off)
  return (%y)`, { tensors })
    foldConvBatchNorm(graph, recordLog())
    const [newWeight, newBias] = await parameters(graph)
    expect(bits(newWeight!)).toBe(weight)
    expect(bits(newBias!)).toBe(bias)
  })
})
