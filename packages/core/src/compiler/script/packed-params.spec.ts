import { describe, expect, it } from 'vitest'
import { classType, type ClassType } from '../ir/class-type.ts'
import { intListValue, intValue, NONE, tensorValue, type IValue } from '../ir/ivalue.ts'
import { literalTensor, readElement } from '../ir/literal.ts'
import { PREPACKS } from './packed-params.ts'

const weight = (...sizes: number[]): IValue => tensorValue(literalTensor('QInt8', sizes, Array<bigint>(sizes.reduce((a, b) => a * b)).fill(1n)))
const one = (n: number): IValue => intListValue([n])

function packed(operator: string, ...args: readonly IValue[]): { type: ClassType; state: IValue } {
  return PREPACKS.get(`quantized::${operator}`)!(args, (name) => classType(name))
}

/** The settings in the state of a packed convolution, and the sizes of its weight. */
function convolution(operator: string, ...args: readonly IValue[]): { settings: number[]; sizes: readonly number[] } {
  const { state } = packed(operator, ...args)
  if (state.tag !== 'Tuple' || state.elements[1]?.tag !== 'List') throw new Error('no state')
  const [settings, plain] = state.elements[1].elements
  if (settings?.tag !== 'Tensor' || plain?.tag !== 'Tensor') throw new Error('no tensors')
  const count = settings.value.sizes[0]!
  return { settings: Array.from({ length: count }, (_, i) => Number(readElement({ ...settings.value, sizes: [], strides: [], storageOffset: i }))), sizes: plain.value.sizes }
}

describe('packed weights', () => {
  it('are the settings and the weight of a convolution', () => {
    const pair = intListValue([2, 3])
    expect(convolution('conv2d_prepack', weight(4, 2, 3, 3), NONE, pair, intListValue([1, 0]), intListValue([1, 1]), intValue(2)))
      .toEqual({ settings: [2, 2, 3, 1, 0, 1, 1, 0, 0, 2, 0], sizes: [4, 2, 3, 3] })
    expect(convolution('conv_transpose2d_prepack', weight(4, 2, 3, 3), NONE, pair, intListValue([1, 0]), intListValue([1, 0]), intListValue([1, 1]), intValue(1)))
      .toEqual({ settings: [2, 2, 3, 1, 0, 1, 1, 1, 0, 1, 1], sizes: [4, 2, 3, 3] })
  })

  it('have a second dimension that does nothing where there is one only, whether the archive has it or not', () => {
    const wanted = { settings: [2, 1, 2, 0, 1, 1, 3, 0, 0, 1, 0], sizes: [4, 2, 1, 3] }
    expect(convolution('conv1d_prepack', weight(4, 2, 3), NONE, one(2), one(1), one(3), intValue(1))).toEqual(wanted)
    expect(convolution('conv1d_prepack', weight(4, 2, 1, 3), NONE, intListValue([1, 2]), intListValue([0, 1]), intListValue([1, 3]), intValue(1))).toEqual(wanted)
  })

  it('of embeddings tell their bits', () => {
    expect(packed('embedding_bag_prepack', tensorValue(literalTensor('QUInt8', [2], [1n, 2n])))).toMatchObject({
      type: { name: '__torch__.torch.classes.quantized.EmbeddingPackedParamsBase' },
      state: { elements: [intValue(1), { elements: [{ tag: 'Tensor' }] }, { elements: [] }, { elements: [intValue(8)] }] },
    })
  })

  it('of float16 are saved as float32', () => {
    const float = tensorValue(literalTensor('Float', [1, 2], [0.5, 2]))
    expect(packed('linear_prepack_fp16', float, NONE)).toMatchObject({ type: { name: '__torch__.torch.classes.quantized.LinearPackedParamsBase' }, state: { elements: [float, NONE] } })
    expect(() => packed('linear_prepack_fp16', weight(1, 2), NONE)).toThrow('not float32')
  })

  it.each<[string, readonly IValue[]]>([
    ['conv2d_prepack', [weight(4, 2, 3, 3), NONE, one(1), one(1), one(1), intValue(1)]],
    ['conv1d_prepack', [weight(4, 2, 3, 3), NONE, one(1), one(1), one(1), intValue(1)]],
    ['conv1d_prepack', [weight(4, 2, 3), NONE, intListValue([]), one(1), one(1), intValue(1)]],
    ['conv2d_prepack', [weight(4, 2, 3, 3), NONE, intListValue([70_000, 1]), intListValue([1, 1]), intListValue([1, 1]), intValue(1)]],
    ['embedding_bag_prepack', [weight(4, 2)]],
  ])('are not made of what contradicts itself: %s', (operator, args) => {
    expect(() => packed(operator, ...args)).toThrow()
  })

  it('are refused where no runtime could pack them', () => {
    const bias = (...sizes: number[]): IValue => tensorValue(literalTensor('Float', sizes, Array<number>(sizes.reduce((a, b) => a * b)).fill(1)))
    expect(packed('linear_prepack', weight(4, 2), bias(4)).state.tag).toBe('Tuple')
    expect(() => packed('linear_prepack', weight(4, 2), bias(2))).toThrow('its bias has the sizes [2] for 4 outputs')
    expect(() => packed('linear_prepack', weight(4, 2, 1), NONE)).toThrow('3 dimensions instead of 2')
    const settings = [intListValue([1, 1]), intListValue([0, 0])]
    const groups = [intListValue([1, 1]), intValue(2)]
    expect(() => packed('conv2d_prepack', weight(4, 2, 3, 3), bias(2), ...settings, ...groups)).toThrow('for 4 outputs')
    expect(packed('conv_transpose2d_prepack', weight(4, 2, 3, 3), bias(4), ...settings, intListValue([0, 0]), ...groups).state.tag).toBe('Tuple')
  })
})
