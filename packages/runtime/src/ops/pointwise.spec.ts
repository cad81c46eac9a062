import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { type Dtype, numelOf, type Tensor } from '../tensor.ts'
import activation from './activation.ts'
import arithmetic from './arithmetic.ts'
import compare from './compare.ts'
import { call, createMachine, difference, Random, read } from './dense/testing.ts'
import { broadcastStrides, copyTo, pointwise } from './pointwise.ts'
import sum from './sum.ts'

let m: Machine
let random: Random
beforeEach(async () => {
  m = await createMachine()
  random = new Random(7)
})

/** What an operation gives, reckoned one by one. */
function expected(each: (a: number, b: number) => number, sizes: readonly number[], a: Tensor, b: Tensor): number[] {
  const [x, y] = [read(m, a), read(m, b)]
  const at = (tensor: Tensor, index: readonly number[]): number => {
    const strides = broadcastStrides({ sizes: tensor.sizes, strides: tensor.sizes.map((_, dim) => numelOf(tensor.sizes.slice(dim + 1))) }, sizes)
    return index.reduce((total, i, dim) => total + i * strides[dim]!, 0)
  }
  return Array.from({ length: numelOf(sizes) }, (_, n) => {
    const index = sizes.map((size, dim) => Math.floor(n / numelOf(sizes.slice(dim + 1))) % size)
    return each(x[at(a, index)]!, y[at(b, index)]!)
  })
}

describe('broadcasting', () => {
  const SHAPES: [number[], number[], number[]][] = [
    [[2, 3, 5], [2, 3, 5], [2, 3, 5]], [[4, 7], [7], [4, 7]], [[4, 7], [4, 1], [4, 7]], [[1], [3, 1, 5], [3, 1, 5]], [[2, 8, 3, 3], [2, 8, 1, 1], [2, 8, 3, 3]],
    [[2, 6, 4, 5], [6, 1, 5], [2, 6, 4, 5]], [[3, 1, 4], [1, 5, 1], [3, 5, 4]], [[], [2, 3], [2, 3]], [[0, 3], [1, 3], [0, 3]],
  ]
  it.each(SHAPES)('%j with %j gives %j', (a, b, sizes) => {
    const [x, y] = [random.tensor(m, a), random.tensor(m, b)]
    const result = call(m, arithmetic, 'aten::sub.Tensor', x, y, 2n)
    expect(result.sizes).toEqual(sizes)
    expect(difference(read(m, result), expected((p, q) => p - 2 * q, sizes, x, y))).toBeLessThan(1e-6)
  })

  it('refuses shapes that do not go together', () => {
    expect(() => call(m, arithmetic, 'aten::add.Tensor', random.tensor(m, [2, 3]), random.tensor(m, [2]))).toThrow('(3) must match')
  })

  it.each([[0, 1, 2, 3], [0, 2, 3, 1], [3, 1, 0, 2]])('walks through strides in the order %i %i %i %i and gives them to the result', (...order) => {
    const whole = random.tensor(m, [2, 3, 4, 5])
    const pick = (list: readonly number[]): number[] => order.map((dim) => list[dim]!)
    const permuted = whole.view(pick(whole.sizes), pick(whole.strides))
    const other = random.tensor(m, [permuted.sizes[3]!])
    const result = call(m, arithmetic, 'aten::mul.Tensor', permuted, other)
    expect(result.strides).toEqual(permuted.strides)
    expect(difference(read(m, result), expected((p, q) => p * q, permuted.sizes, permuted, other))).toBeLessThan(1e-6)
  })
})

describe('channels-last storages', () => {
  it.each<[number[]]>([[[2, 8, 5, 3]], [[2, 8, 1, 1]], [[8, 1, 1]], [[1, 1, 5, 3]], [[8, 5, 3]], [[]]])('stay so beside operands of sizes %j', (sizes) => {
    const plain = random.tensor(m, [2, 8, 5, 3])
    const other = random.tensor(m, sizes)
    const wanted = expected((p, q) => p + q, plain.sizes, plain, other)
    const result = call(m, arithmetic, 'aten::add.Tensor', m.toChannelsLast(plain), other)
    expect(m.isChannelsLast(result)).toBe(true)
    expect(difference(read(m, result), wanted)).toBeLessThan(1e-6)
  })

  it('are written in place, and averaged over space', () => {
    const plain = random.tensor(m, [2, 8, 5, 3])
    const values = read(m, plain)
    const tensor = m.toChannelsLast(plain)
    expect(call(m, activation, 'aten::relu_', tensor)).toBe(tensor)
    expect(m.isChannelsLast(tensor)).toBe(true)
    const mean = call(m, sum, 'aten::mean.dim', tensor, [2n, 3n], true)
    expect(m.isChannelsLast(tensor)).toBe(true)
    const wanted = Array.from({ length: 16 }, (_, i) => values.slice(15 * i, 15 * i + 15).reduce((total, x) => total + Math.max(x, 0), 0) / 15)
    expect(difference(read(m, mean), wanted)).toBeLessThan(1e-6)
    expect(read(m, tensor)).toEqual(values.map((x) => Math.max(x, 0)))
  })

  it('are seen as they are through views of their own', () => {
    const whole = m.toChannelsLast(random.tensor(m, [2, 4, 3, 3]))
    const part = whole.view([2, 1, 3, 3], whole.strides)
    const wanted = expected((p, q) => p * q, whole.sizes, whole, part)
    const again = m.toChannelsLast(whole)
    expect(difference(read(m, call(m, arithmetic, 'aten::mul.Tensor', again, part)), wanted)).toBeLessThan(1e-6)
  })
})

describe('element types', () => {
  it('wraps ints of 64 bits and of fewer', () => {
    const big = m.tensor('int64', [1], [2n ** 62n + 1n])
    expect(m.elements(call(m, arithmetic, 'aten::mul.Scalar', big, 3n))[0]).toBe(BigInt.asIntN(64, 3n * (2n ** 62n + 1n)))
    const small = m.tensor('int32', [1], [2 ** 31 - 1])
    expect(m.elements(call(m, arithmetic, 'aten::mul.Scalar', small, 2n ** 31n - 1n))[0]).toBe(1)
    const byte = m.tensor('uint8', [1], [5])
    expect(m.elements(call(m, arithmetic, 'aten::sub.Scalar', byte, 7n))[0]).toBe(254)
  })

  it('divides as Python does, and refuses to divide ints by 0', () => {
    const a = m.tensor('int64', [4], [7n, -7n, 7n, -7n])
    const b = m.tensor('int64', [4], [2n, 2n, -2n, -2n])
    expect([...m.elements(call(m, arithmetic, 'aten::div.Tensor_mode', a, b, 'floor'))]).toEqual([3n, -4n, -4n, 3n])
    expect([...m.elements(call(m, arithmetic, 'aten::div.Tensor_mode', a, b, 'trunc'))]).toEqual([3n, -3n, -3n, 3n])
    expect(() => call(m, arithmetic, 'aten::div.Scalar_mode', a, 0n, 'floor')).toThrow('ZeroDivisionError')
  })

  it('compares ints beyond 2^53 exactly, and NaN with nothing', () => {
    const ints = m.tensor('int64', [2], [2n ** 60n, 2n ** 60n + 1n])
    expect([...m.elements(call(m, compare, 'aten::eq.Scalar', ints, 2n ** 60n + 1n))]).toEqual([0, 1])
    const floats = m.tensor('float32', [2], [NaN, 1])
    expect([...m.elements(call(m, compare, 'aten::eq.Tensor', floats, floats))]).toEqual([0, 1])
  })

  it.each<Dtype>(['uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'float64', 'bool'])('copies float32 to %s and back', (dtype) => {
    const values = dtype === 'bool' ? [0, 1, 1, 0, 1] : [0, 1, 2, 100, 7]
    const from = m.tensor('float32', [5], values)
    expect([...read(m, copyTo(m, copyTo(m, from, m.empty([5], dtype)), m.empty([5])))]).toEqual(values)
  })

  it('refuses to write floats to ints in place', () => {
    expect(() => call(m, arithmetic, 'aten::add_.Scalar', m.tensor('int64', [1], [1n]), 0.5, 1n)).toThrow('can\'t be cast')
  })
})

it('works through long rows in parts', () => {
  const tensor = m.tensor('float64', [10_000], Float64Array.from({ length: 10_000 }, (_, i) => i))
  const result = pointwise(m, { each: (x: number) => x + 0.5 }, [tensor])
  expect(read(m, result)).toEqual(Float64Array.from({ length: 10_000 }, (_, i) => i + 0.5))
})

it('sums a million floats to 1e-6', () => {
  const tensor = random.tensor(m, [1_000_003])
  const exact = read(m, tensor).reduce((total, x) => total + x * x, 0)
  const squares = call(m, arithmetic, 'aten::mul.Tensor', tensor, tensor)
  expect(Math.abs(read(m, call(m, sum, 'aten::sum', squares))[0]! / exact - 1)).toBeLessThan(1e-6)
})
