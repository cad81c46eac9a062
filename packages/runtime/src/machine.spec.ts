import { beforeEach, describe, expect, it } from 'vitest'
import { equip } from './kernels/instantiate.ts'
import { vector } from './kernels/vector.ts'
import { collapse, Machine } from './machine.ts'
import { numelOf, type Tensor } from './tensor.ts'

let m: Machine
beforeEach(async () => {
  m = new Machine()
  await equip(m, [vector])
})

const counted = (sizes: readonly number[]): Tensor => m.tensor('float32', sizes, Array.from({ length: numelOf(sizes) }, (_, i) => i))

/** Elements in row-major order, one by one. */
function slowly(tensor: Tensor): number[] {
  m.plain(tensor)
  const result: number[] = []
  const visit = (dim: number, at: number): void => {
    if (dim === tensor.dim) result.push(Number(m.viewOf(tensor.dtype)[m.index(tensor) + at]))
    else for (let i = 0; i < tensor.sizes[dim]!; i++) visit(dim + 1, at + i * tensor.strides[dim]!)
  }
  visit(0, 0)
  return result
}

describe('contiguous', () => {
  it('copies any strides, offsets and element sizes', () => {
    for (const dtype of ['float32', 'int64', 'uint8', 'float16'] as const) {
      const base = m.empty([4, 5, 6, 7], dtype)
      const elements = m.elements(base) as Float32Array
      for (let i = 0; i < elements.length; i++) elements[i] = (dtype === 'int64' ? BigInt(i % 251) : i % 251) as number
      for (const view of [
        base.view([7, 6, 5, 4], [1, 7, 42, 210]), base.view([4, 3, 6, 7], [210, 84, 7, 1], 42), base.view([4, 5, 6, 3], [210, 42, 7, 2], 1),
        base.view([3, 5], [0, 42]), base.view([], [], 17), base.view([0, 5], [5, 1]),
      ]) {
        const copy = m.contiguous(view)
        expect([...m.elements(copy)].map(Number)).toEqual(slowly(view))
      }
    }
  })

  it('gives the tensor itself where nothing is to do', () => {
    const tensor = counted([2, 3])
    expect(m.contiguous(tensor)).toBe(tensor)
    expect(m.contiguous(tensor.view([3, 2], [1, 3]))).not.toBe(tensor)
  })
})

describe('channels-last', () => {
  it('is seen by no view', () => {
    for (const sizes of [[1, 3, 5, 7], [2, 4, 8, 8], [2, 5, 9], [1, 2, 3, 4, 5], [3, 8, 1, 4], [2, 1, 3, 3], [2, 6, 1, 1]]) {
      const tensor = counted(sizes)
      const view = tensor.view([numelOf(sizes)], [1])
      const last = m.toChannelsLast(tensor)
      expect(last.storage).toBe(tensor.storage)
      const [batch, channels, ...spatial] = sizes
      const area = numelOf(spatial)
      const expected = Array.from({ length: numelOf(sizes) }, (_, i) => {
        const [c, rest] = [i % channels!, Math.floor(i / channels!)]
        return (Math.floor(rest / area) * channels! + c) * area + rest % area
      })
      expect([...m.f32.subarray(m.index(last), m.index(last) + last.numel)]).toEqual(expected)
      expect(slowly(view)).toEqual(Array.from({ length: numelOf(sizes) }, (_, i) => i))
      expect(m.isChannelsLast(tensor)).toBe(false)
      expect(batch).toBeGreaterThan(0)
    }
  })

  it('leaves weights alone', () => {
    const weight = m.memory.keeping(() => counted([1, 3, 4, 4])).value
    m.memory.endCall()
    expect(m.toChannelsLast(weight).storage).not.toBe(weight.storage)
    expect(weight.storage.channelsLast).toBeUndefined()
  })
})

describe('cached', () => {
  it('computes from a weight once, until somebody writes to it', () => {
    const weight = m.memory.keeping(() => counted([4])).value
    let made = 0
    const use = (): number => m.cached(weight, 'twice', () => { made++; return m.elements(weight)[3]! as number * 2 })
    expect([use(), use(), made]).toEqual([6, 6, 1])
    m.writing(weight)
    m.elements(weight)[3] = 5
    expect([use(), made]).toEqual([10, 2])
    expect(weight.storage.original).toEqual(new Uint8Array(new Float32Array([0, 1, 2, 3]).buffer))
  })

  it('computes from other tensors every time', () => {
    const tensor = counted([4])
    expect([m.cached(tensor, 'x', () => 1), m.cached(tensor, 'x', () => 2)]).toEqual([1, 2])
  })
})

describe('collapse', () => {
  it('joins what all strides walk through alike', () => {
    expect(collapse([2, 3, 4], [[12, 4, 1]])).toEqual({ sizes: [24], strides: [[1]] })
    expect(collapse([2, 3, 4], [[12, 4, 1], [1, 2, 6]])).toEqual({ sizes: [2, 3, 4], strides: [[12, 4, 1], [1, 2, 6]] })
    expect(collapse([2, 1, 4], [[4, 4, 1], [0, 0, 0]])).toEqual({ sizes: [8], strides: [[1], [0]] })
    expect(collapse([], [[]])).toEqual({ sizes: [], strides: [[]] })
  })
})
