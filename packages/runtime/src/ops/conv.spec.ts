import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { numelOf, type Tensor } from '../tensor.ts'
import { PackedObject, Tuple } from '../values.ts'
import conv from './conv.ts'
import prepacked from './prepacked.ts'
import { packConvolution } from './dense/packing.ts'
import { call, createMachine, difference, Random, read } from './dense/testing.ts'

interface Case {
  dims: number
  batch: number
  input: number[]
  weight: number[]
  bias: boolean
  stride: number[]
  before: number[]
  after: number[]
  dilation: number[]
  outputPadding: number[]
  groups: number
  transposed: boolean
}

/** Every output adds up its taps, or every input is spread over its taps. */
function reference(
  c: Case, x: ArrayLike<number>, w: ArrayLike<number>, b: ArrayLike<number> | undefined,
): { sizes: number[]; values: Float64Array } {
  const [kernel, spatial] = [c.weight.slice(2), c.input]
  const inPer = c.transposed ? c.weight[0]! / c.groups : c.weight[1]!
  const outPer = c.transposed ? c.weight[1]! : c.weight[0]! / c.groups
  const out = spatial.map((size, i) => {
    const reach = c.dilation[i]! * (kernel[i]! - 1)
    const pads = c.before[i]! + c.after[i]!
    if (c.transposed) return (size - 1) * c.stride[i]! - pads + reach + c.outputPadding[i]! + 1
    return Math.floor((size + pads - reach - 1) / c.stride[i]!) + 1
  })
  if (out.some((size) => size <= 0)) return { sizes: out, values: new Float64Array() }
  const [outs, ins, pixels, inPixels, taps] = [outPer * c.groups, inPer * c.groups, numelOf(out), numelOf(spatial), numelOf(kernel)]
  const values = new Float64Array(c.batch * outs * pixels)
  const coordinates = (index: number, sizes: readonly number[]): number[] => {
    const result: number[] = []
    for (let i = sizes.length - 1; i >= 0; i--) {
      result[i] = index % sizes[i]!
      index = Math.floor(index / sizes[i]!)
    }
    return result
  }
  const flat = (at: readonly number[], sizes: readonly number[]): number =>
    at.some((value, i) => value < 0 || value >= sizes[i]!) ? -1 : at.reduce((sum, value, i) => sum * sizes[i]! + value, 0)
  for (let n = 0; n < c.batch; n++) {
    for (let o = 0; o < outs; o++) {
      const g = Math.floor(o / outPer)
      const plane = (n * outs + o) * pixels
      if (b) values.fill(b[o]!, plane, plane + pixels)
      for (let tap = 0; tap < taps; tap++) {
        const t = coordinates(tap, kernel)
        // One walk over outputs, or over inputs.
        for (let from = 0; from < (c.transposed ? inPixels : pixels); from++) {
          const at = coordinates(from, c.transposed ? spatial : out).map((p, i) => p * c.stride[i]! + t[i]! * c.dilation[i]! - c.before[i]!)
          const other = flat(at, c.transposed ? out : spatial)
          if (other < 0) continue
          const [target, source] = c.transposed ? [other, from] : [from, other]
          for (let i = 0; i < inPer; i++) {
            const weight = c.transposed ? ((g * inPer + i) * outPer + o - g * outPer) * taps + tap : (o * inPer + i) * taps + tap
            values[plane + target]! += x[(n * ins + g * inPer + i) * inPixels + source]! * w[weight]!
          }
        }
      }
    }
  }
  return { sizes: [c.batch, outs, ...out], values }
}

const PLAIN = { dims: 2, batch: 2, bias: true, dilation: [1, 1], outputPadding: [0, 0], transposed: false }

function randomCase(random: Random, dims: number, transposed: boolean): Case {
  const list = (make: () => number): number[] => Array.from({ length: dims }, make)
  const groups = random.pick([1, 1, 1, 2, 3])
  const depthwise = random.next() < 0.25
  const [ins, outs] = depthwise ? [1, 1] : [random.int(1, 9), random.int(1, 11)]
  const g = depthwise ? random.int(2, 11) : groups
  const kernel = list(() => random.int(1, 4))
  const dilation = list(() => random.pick([1, 1, 2]))
  const stride = list(() => random.int(1, 3))
  const before = list(() => random.int(0, 2))
  const least = kernel.map((size, i) => Math.max(1, dilation[i]! * (size - 1) + 1 - 2 * before[i]!))
  const input = least.map((size) => random.int(size, 11) + (transposed ? 2 : 0))
  return {
    dims, batch: random.int(1, 2), input, bias: random.next() < 0.5, stride, before, after: before, dilation, groups: g, transposed,
    weight: transposed ? [ins * g, outs, ...kernel] : [outs * g, ins, ...kernel],
    outputPadding: list(() => 0).map((_, i) => (transposed && Math.max(stride[i]!, dilation[i]!) > 1 ? random.int(0, 1) : 0)),
  }
}

const ints = (list: readonly number[]): bigint[] => list.map(BigInt)

function tensors(m: Machine, random: Random, c: Case): { x: Tensor; w: Tensor; b: Tensor | null; expected: ReturnType<typeof reference> } {
  const channels = c.transposed ? c.weight[0]! : c.weight[1]! * c.groups
  const x = random.tensor(m, [c.batch, channels, ...c.input])
  const w = random.tensor(m, c.weight)
  const b = c.bias ? random.tensor(m, [c.transposed ? c.weight[1]! * c.groups : c.weight[0]!]) : null
  return { x, w, b, expected: reference(c, read(m, x), read(m, w), b ? read(m, b) : undefined) }
}

let m: Machine
beforeEach(async () => {
  m = await createMachine()
})

describe('convolutions', () => {
  it.each([[1, 60], [2, 250], [3, 40]])('of %i dimensions agree with a plain loop', (dims, count) => {
    const random = new Random(dims)
    for (let i = 0; i < count; i++) {
      const c = randomCase(random, dims, false)
      const { x, w, b, expected } = tensors(m, random, c)
      if (random.next() < 0.5) m.toChannelsLast(x)
      const y = call(m, conv, `aten::conv${dims}d`, x, w, b, ints(c.stride), ints(c.before), ints(c.dilation), BigInt(c.groups))
      expect(y.sizes, JSON.stringify(c)).toEqual(expected.sizes)
      expect(difference(read(m, y), expected.values), JSON.stringify(c)).toBeLessThan(2e-6)
      m.memory.endCall()
    }
  })

  it.each([[1, 60], [2, 150], [3, 30]])('transposed, of %i dimensions, agree with a plain loop', (dims, count) => {
    const random = new Random(10 + dims)
    for (let i = 0; i < count; i++) {
      const c = randomCase(random, dims, true)
      const { x, w, b, expected } = tensors(m, random, c)
      if (expected.sizes.some((size) => size <= 0)) continue
      const name = `aten::conv_transpose${dims}d${dims === 1 ? '' : '.input'}`
      const args = [ints(c.stride), ints(c.before), ints(c.outputPadding), BigInt(c.groups), ints(c.dilation)]
      // PyTorch's conv_transpose1d has no overload of another name for inputs.
      const y = call(m, conv, name, x, w, b, ...args)
      expect(y.sizes, JSON.stringify(c)).toEqual(expected.sizes)
      expect(difference(read(m, y), expected.values), JSON.stringify(c)).toBeLessThan(2e-6)
      m.memory.endCall()
    }
  })

  it('of larger images agree with a plain loop', () => {
    const random = new Random(5)
    const shapes = [
      { input: [17, 20], weight: [32, 16, 3, 3], groups: 1, stride: 1 }, { input: [23, 9], weight: [40, 36, 3, 3], groups: 1, stride: 1 },
      { input: [71, 33], weight: [24, 3, 7, 7], groups: 1, stride: 2 }, { input: [20, 21], weight: [48, 8, 3, 3], groups: 6, stride: 1 },
      { input: [19, 26], weight: [40, 1, 5, 5], groups: 40, stride: 1 }, { input: [19, 26], weight: [44, 1, 3, 3], groups: 44, stride: 2 },
      { input: [14, 14], weight: [64, 200, 1, 1], groups: 1, stride: 1 }, { input: [1, 1], weight: [100, 301, 1, 1], groups: 1, stride: 1 },
      { input: [8, 8], weight: [70, 600, 3, 3], groups: 1, stride: 1 }, { input: [26, 19], weight: [22, 1, 7, 7], groups: 22, stride: 1 },
    ]
    for (const { stride, ...shape } of shapes) {
      const pads = [shape.weight[2]! >> 1, shape.weight[3]! >> 1]
      const c: Case = { ...PLAIN, stride: [stride, stride], before: pads, after: pads, ...shape }
      const { x, w, b, expected } = tensors(m, random, c)
      const y = call(m, conv, 'aten::conv2d', x, w, b, ints(c.stride), ints(c.before), ints(c.dilation), BigInt(c.groups))
      // Sums of thousands of products round more.
      expect(difference(read(m, y), expected.values), JSON.stringify(c)).toBeLessThan(5e-6)
      m.memory.endCall()
    }
  })

  it('by transformed tiles agree with a plain loop: odd sizes, several blocks, any padding', () => {
    const random = new Random(6)
    const shapes = [[37, 31, 32, 28, 1], [1, 1, 16, 20, 1], [7, 3, 20, 16, 0], [14, 15, 48, 32, 2], [2, 9, 32, 16, 1]] as const
    for (const [height, width, ins, outs, pad] of shapes) {
      const c: Case = {
        ...PLAIN, input: [height, width], weight: [outs, ins, 3, 3], stride: [1, 1], before: [pad, pad], after: [pad, pad], groups: 1,
      }
      const { x, w, b, expected } = tensors(m, random, c)
      expect(packConvolution(m, w, b, { ...c, padding: c.before }).kernel).toBe('winograd')
      const y = call(m, conv, 'aten::conv2d', x, w, b, ints(c.stride), ints(c.before), ints(c.dilation), 1n)
      expect(difference(read(m, y), expected.values), JSON.stringify(c)).toBeLessThan(2e-6)
      m.memory.endCall()
    }
  })

  it('read images that lie channels-last through strides, where they are', () => {
    const random = new Random(11)
    const [x, w] = [random.tensor(m, [2, 5, 6, 8]), random.tensor(m, [4, 8, 3, 3])]
    const permuted = x.view([2, 8, 5, 6], [240, 1, 48, 8])
    const expected = read(m, call(m, conv, 'aten::conv2d', m.copy(permuted), w, null))
    expect(difference(read(m, call(m, conv, 'aten::conv2d', permuted, w, null)), expected)).toBeLessThan(1e-7)
  })

  it("pad with 'same', the odd zero at the end", () => {
    const random = new Random(7)
    for (let i = 0; i < 40; i++) {
      const c = { ...randomCase(random, 2, false), stride: [1, 1] }
      const totals = c.dilation.map((dilation, dim) => dilation * (c.weight[dim + 2]! - 1))
      Object.assign(c, { before: totals.map((total) => Math.floor(total / 2)), after: totals.map((total) => Math.ceil(total / 2)) })
      const { x, w, b, expected } = tensors(m, random, c)
      const y = call(m, conv, 'aten::conv2d.padding', x, w, b, ints(c.stride), 'same', ints(c.dilation), BigInt(c.groups))
      expect(y.sizes).toEqual(expected.sizes)
      expect(difference(read(m, y), expected.values), JSON.stringify(c)).toBeLessThan(2e-6)
    }
  })

  it('read weights through strides, and inputs without a batch', () => {
    const random = new Random(8)
    const [x, w] = [random.tensor(m, [5, 9, 8]), random.tensor(m, [5, 3, 3, 12])]
    const strided = w.view([12, 5, 3, 3], [1, 108, 36, 12], 0)
    const y = call(m, conv, 'aten::conv2d', x, strided, null, [2n], [1n])
    const copy = m.copy(strided)
    const z = call(m, conv, 'aten::conv2d', m.copy(x).view([1, 5, 9, 8], [360, 72, 8, 1]), copy, null, [2n, 2n], [1n, 1n])
    expect(y.sizes).toEqual([12, 5, 4])
    expect(difference(read(m, y), read(m, z))).toBeLessThan(1e-7)
  })

  it('limit what packed objects tell, and hand NaN through', () => {
    const random = new Random(9)
    const [x, w] = [random.tensor(m, [1, 8, 6, 6]), random.tensor(m, [8, 8, 1, 1])]
    m.elements(x)[0] = Number.NaN
    const free = read(m, call(m, conv, 'aten::conv2d', m.copy(x), w, null))
    for (const [low, high] of [[0, 0.5], [null, 0.25], [-0.5, null], [0n, 6n], [null, null]] as const) {
      const state = [w, null, [1n, 1n], [0n, 0n], [1n, 1n], 1n, low, high]
      const now = call(m, conv, 'prepacked::conv2d_clamp_prepack', ...state) as unknown as PackedObject
      const lazy = read(m, call(m, prepacked, 'prepacked::conv2d_clamp_run', x, now))
      const packed = new PackedObject('__torch__.torch.classes.xnnpack.Conv2dOpContext', new Tuple(state))
      packed.prepared = prepacked.prepare![packed.className]!(m, packed.state)
      const ready = read(m, call(m, prepacked, 'prepacked::conv2d_clamp_run', x, packed))
      // Math.min and Math.max hand NaN through, too.
      const expected = free.map((value) => Math.min(Math.max(value, Number(low ?? -Infinity)), Number(high ?? Infinity)))
      expect(difference(lazy, expected)).toBeLessThan(1e-6)
      expect(difference(ready, expected)).toBeLessThan(1e-6)
      expect(Number.isNaN(ready[0])).toBe(true)
    }
  })

  it('of an empty batch are empty', () => {
    const y = call(m, conv, 'aten::conv2d', m.empty([0, 3, 8, 8]), m.tensor('float32', [4, 3, 3, 3], new Float32Array(108).fill(1)), null)
    expect(y.sizes).toEqual([0, 4, 6, 6])
  })

  it('refuse what does not fit, with sizes', () => {
    const w = m.tensor('float32', [4, 3, 3, 3], new Float32Array(108))
    expect(() => call(m, conv, 'aten::conv2d', m.empty([1, 2, 8, 8]), w, null)).toThrow('[1, 2, 8, 8]')
    expect(() => call(m, conv, 'aten::conv2d', m.empty([1, 3, 2, 2]), w, null)).toThrow('smaller')
    expect(() => call(m, conv, 'aten::conv2d', m.empty([1, 3, 8, 8], 'float16'), w, null)).toThrow('float16')
  })

  it('pack weights that stay once, and again when they were written to', () => {
    const { value: w } = m.memory.keeping(() => m.tensor('float32', [8, 8, 1, 1], new Float32Array(64).fill(1)))
    const x = m.tensor('float32', [1, 8, 1, 1], new Float32Array(8).fill(1))
    const run = (): number => read(m, call(m, conv, 'aten::conv2d', x, w, null))[0]!
    expect(run()).toBe(8)
    const { pinned } = m.memory
    expect(run()).toBe(8)
    expect(m.memory.pinned).toBe(pinned)
    m.writing(w)
    m.elements(w).fill(2 as never)
    expect(run()).toBe(16)
  })
})
