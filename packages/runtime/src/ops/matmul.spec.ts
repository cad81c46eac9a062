import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../machine.ts'
import { numelOf, type Dtype, type Tensor } from '../tensor.ts'
import { PackedObject, Tuple, type Value } from '../values.ts'
import { call, createMachine, difference, Random, read } from './dense/testing.ts'
import matmul from './matmul.ts'
import prepacked from './prepacked.ts'

/** Products of matrices `[..., rows, depth]` and `[..., depth, columns]` of equal batches. */
function reference(a: ArrayLike<number>, b: ArrayLike<number>, batch: number, rows: number, depth: number, columns: number): Float64Array {
  const result = new Float64Array(batch * rows * columns)
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0
        for (let k = 0; k < depth; k++) sum += a[(n * rows + i) * depth + k]! * b[(n * depth + k) * columns + j]!
        result[(n * rows + i) * columns + j] = sum
      }
    }
  }
  return result
}

const transposed = (t: Tensor): Tensor =>
  t.view([...t.sizes.slice(0, -2), t.sizes.at(-1)!, t.sizes.at(-2)!], [...t.strides.slice(0, -2), t.strides.at(-1)!, t.strides.at(-2)!])

let m: Machine
beforeEach(async () => {
  m = await createMachine()
})

const run = (name: string, ...args: Value[]): Tensor => call(m, name === 'prepacked::linear_clamp_run' ? prepacked : matmul, name, ...args)

describe('matrix products', () => {
  it('agree with a plain loop, in every combination of layouts', () => {
    const random = new Random(1)
    for (let i = 0; i < 200; i++) {
      const [rows, depth, columns] = [random.int(1, 20), random.int(1, 40), random.int(1, 30)]
      const batch = random.int(1, 4)
      const [flipA, flipB] = [random.next() < 0.5, random.next() < 0.5]
      const a = flipA ? transposed(random.tensor(m, [batch, depth, rows])) : random.tensor(m, [batch, rows, depth])
      const b = flipB ? transposed(random.tensor(m, [batch, columns, depth])) : random.tensor(m, [batch, depth, columns])
      const c = run('aten::bmm', a, b)
      expect(c.sizes).toEqual([batch, rows, columns])
      expect(difference(read(m, c), reference(read(m, a), read(m, b), batch, rows, depth, columns))).toBeLessThan(2e-6)
      m.memory.endCall()
    }
  })

  it('broadcast batches and take vectors', () => {
    const random = new Random(2)
    const cases: [number[], number[], number[]][] = [
      [[3], [3], []], [[2, 3], [3], [2]], [[3], [3, 4], [4]], [[2, 3], [3, 4], [2, 4]], [[5, 2, 3], [3, 4], [5, 2, 4]],
      [[5, 1, 2, 3], [7, 3, 4], [5, 7, 2, 4]], [[2, 3], [5, 3, 4], [5, 2, 4]], [[3], [5, 3, 4], [5, 4]], [[5, 2, 3], [3], [5, 2]],
      [[0, 3], [3, 4], [0, 4]], [[2, 0], [0, 4], [2, 4]], [[4, 2, 0], [4, 0, 3], [4, 2, 3]],
    ]
    for (const [aSizes, bSizes, sizes] of cases) {
      const [a, b] = [random.tensor(m, aSizes), random.tensor(m, bSizes)]
      const c = run('aten::matmul', a, b)
      expect(c.sizes).toEqual(sizes)
      // By definition of every element.
      const [x, y] = [read(m, a), read(m, b)]
      const [A, B] = [aSizes.length === 1 ? [1, ...aSizes] : aSizes, bSizes.length === 1 ? [...bSizes, 1] : bSizes]
      const [rows, depth, columns] = [A.at(-2)!, A.at(-1)!, B.at(-1)!]
      const batch = numelOf(sizes) / Math.max(rows * columns, 1)
      const full = sizes.slice(0, sizes.length - Number(aSizes.length > 1) - Number(bSizes.length > 1))
      const of = (list: Float64Array, own: number[], n: number): Float64Array => {
        const matrix = own.at(-1)! * own.at(-2)!
        let [offset, stride, rest] = [0, matrix, n]
        for (let i = 1; i <= full.length; i++) {
          const size = own.slice(0, -2).at(-i) ?? 1
          offset += size === 1 ? 0 : (rest % full.at(-i)!) * stride
          stride *= size
          rest = Math.floor(rest / full.at(-i)!)
        }
        return list.slice(offset, offset + matrix)
      }
      const expected = Array.from({ length: batch }, (_, n) => [...reference(of(x, A, n), of(y, B, n), 1, rows, depth, columns)]).flat()
      expect(difference(read(m, c), expected)).toBeLessThan(2e-6)
    }
  })

  it('of other types are exact, and integers wrap', () => {
    for (const dtype of ['float64', 'int64', 'int32', 'int16', 'uint8', 'int8'] as Dtype[]) {
      const cast = (list: number[]): ArrayLike<never> => (dtype === 'int64' ? list.map(BigInt) : list) as unknown as ArrayLike<never>
      const a = m.tensor(dtype, [2, 3], cast([1, 2, 3, 4, 5, 6]))
      const c = run('aten::mm', a, transposed(a))
      expect([...read(m, c)], dtype).toEqual([14, 32, 32, 77])
    }
    const big = m.tensor('int32', [1, 2], [2 ** 30, 3])
    expect(read(m, run('aten::mm', big, m.tensor('int32', [2, 1], [4, 5])))[0]).toBe(15)
    const long = m.tensor('int64', [2], [2n ** 62n, 3n])
    expect(m.elements(run('aten::dot', long, m.tensor('int64', [2], [4n, 5n])))[0]).toBe(15n)
    const half = m.empty([2, 2], 'float16')
    expect(() => run('aten::mm', half, half)).toThrow('float16')
    expect(() => run('aten::mm', a32(), half)).toThrow('float32')
  })

  const a32 = (): Tensor => m.tensor('float32', [2, 2], [1, 2, 3, 4])

  it('linear adds a bias, for inputs of any number of dimensions, with weights that stay or not', () => {
    const random = new Random(3)
    for (let i = 0; i < 80; i++) {
      const [depth, columns] = [random.int(1, 40), random.int(1, 40)]
      const outer = Array.from({ length: random.int(0, 3) }, () => random.int(1, 5))
      const make = (): { w: Tensor; b: Tensor | null } =>
        ({ w: random.tensor(m, [columns, depth]), b: random.next() < 0.5 ? random.tensor(m, [columns]) : null })
      const { w, b } = random.next() < 0.5 ? make() : m.memory.keeping(make).value
      const x = random.tensor(m, [...outer, depth])
      const expected = reference(read(m, x), read(m, m.copy(transposed(w))), 1, numelOf(outer), depth, columns)
      if (b) for (const [j, value] of [...expected].entries()) expected[j] = value + read(m, b)[j % columns]!
      const y = run('aten::linear', x, w, b)
      expect(y.sizes).toEqual([...outer, columns])
      expect(difference(read(m, y), expected)).toBeLessThan(2e-6)
      const state = new Tuple([w, b, 0, null])
      const packed = new PackedObject('__torch__.torch.classes.xnnpack.LinearOpContext', state)
      packed.prepared = prepacked.prepare![packed.className]!(m, state)
      const positive = expected.map((value) => Math.max(value, 0))
      expect(difference(read(m, run('prepacked::linear_clamp_run', x, packed)), positive)).toBeLessThan(2e-6)
    }
  })

  it('keep what the model packs while it runs, as long as it holds the object', () => {
    const random = new Random(11)
    const [x, w] = [random.tensor(m, [3, 64]), random.tensor(m, [96, 64])]
    const expected = read(m, run('aten::linear', x, w, null))
    const packed = call(m, matmul, 'prepacked::linear_clamp_prepack', w) as unknown as PackedObject
    const live: Value[] = [x, packed]
    m.memory.roots = () => live
    m.memory.endCall()
    // As much as fills whatever was given back.
    for (let i = 0; i < 40; i++) {
      const other = m.empty([4096])
      m.elements(other).fill(7 as never)
      live.push(other)
      m.memory.endCall()
    }
    expect(difference(read(m, run('prepacked::linear_clamp_run', x, packed)), expected)).toBeLessThan(1e-7)
  })

  it('read rows of channels from an image that is kept channels-last', () => {
    const random = new Random(4)
    const image = random.tensor(m, [2, 6, 3, 5])
    const w = random.tensor(m, [7, 6])
    const view = image.view([2, 3, 5, 6], [90, 5, 1, 15])
    const expected = reference(read(m, m.copy(view)), read(m, m.copy(transposed(w))), 1, 30, 6, 7)
    m.toChannelsLast(image)
    const { value: weights } = m.memory.keeping(() => m.copy(w))
    const y = run('aten::linear', view, weights, null)
    expect(m.isChannelsLast(image)).toBe(true)
    expect(y.sizes).toEqual([2, 3, 5, 7])
    expect(difference(read(m, y), expected)).toBeLessThan(2e-6)
  })

  it('add with factors, over broadcast tensors, in place too', () => {
    const random = new Random(5)
    for (const sizes of [[], [1], [4], [3, 1], [1, 4], [3, 4]]) {
      for (const [beta, alpha] of [[1n, 1n], [0.5, 2], [0n, 1n], [0, -1.5]] as const) {
        const [self, a, b] = [random.tensor(m, sizes), random.tensor(m, [3, 6]), random.tensor(m, [6, 4])]
        if (Number(beta) === 0) m.elements(self).fill(Number.NaN as never)
        const own = read(m, self)
        const [rowStep, step] = [sizes.at(-2) === 3 ? sizes.at(-1)! : 0, sizes.at(-1) === 4 ? 1 : 0]
        const at = (row: number, column: number): number => own[row * rowStep + column * step]!
        const expected = reference(read(m, a), read(m, b), 1, 3, 6, 4)
          .map((value, i) => Number(alpha) * value + (Number(beta) === 0 ? 0 : Number(beta) * at(Math.floor(i / 4), i % 4)))
        expect(difference(read(m, run('aten::addmm', self, a, b, beta, alpha)), expected)).toBeLessThan(2e-6)
        if (sizes.length === 2 && sizes[0] === 3 && sizes[1] === 4) {
          expect(run('aten::addmm_', self, a, b, beta, alpha)).toBe(self)
          expect(difference(read(m, self), expected)).toBeLessThan(2e-6)
        }
      }
    }
    const ones = m.tensor('int64', [2, 2], [1n, 1n, 1n, 1n])
    expect([...read(m, run('aten::addmm', ones, ones, ones, 3n, 2n))]).toEqual([7, 7, 7, 7])
  })

  it('of vectors', () => {
    const [a, b] = [m.tensor('float32', [3], [1, 2, 3]), m.tensor('float32', [2], [4, 5])]
    expect([...read(m, run('aten::outer', a, b))]).toEqual([4, 5, 8, 10, 12, 15])
    expect(run('aten::dot', a, a).sizes).toEqual([])
    expect(read(m, run('aten::inner', a, a))[0]).toBe(14)
    expect([...read(m, run('aten::addmv', b, m.tensor('float32', [2, 3], [1, 0, 0, 0, 1, 0]), a))]).toEqual([5, 7])
  })

  it('refuse what does not fit, with sizes', () => {
    expect(() => run('aten::mm', a32(), m.empty([3, 2]))).toThrow('[2, 2] and [3, 2]')
    expect(() => run('aten::bmm', a32(), a32())).toThrow('3-D')
    expect(() => run('aten::matmul', m.empty([2, 2, 2]), m.empty([3, 2, 2]))).toThrow('broadcast')
  })
})
