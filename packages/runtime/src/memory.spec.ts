import { describe, expect, it } from 'vitest'
import { Memory } from './memory.ts'
import { contiguousStrides, type Storage, Tensor } from './tensor.ts'
import { ScriptObject, Tuple, type Value } from './values.ts'

const LARGE = 1 << 20

function tensor(storage: Storage): Tensor {
  const sizes = [storage.byteLength / 4]
  return new Tensor(storage, 'float32', sizes, contiguousStrides(sizes), 0)
}

describe('Memory', () => {
  it('reuses what nothing refers to once the operator has ended', () => {
    const memory = new Memory()
    const first = memory.allocate(LARGE)
    memory.endCall()
    const second = memory.allocate(LARGE)
    expect(second.pointer).toBe(first.pointer)
    expect(memory.peak).toBe(LARGE)
  })

  it('keeps what the running operator allocated', () => {
    const memory = new Memory()
    const first = memory.allocate(LARGE)
    expect(memory.allocate(LARGE).pointer).not.toBe(first.pointer)
    expect(memory.peak).toBe(2 * LARGE)
  })

  it('keeps what roots refer to, through tuples, lists, dicts and objects', () => {
    const memory = new Memory()
    const storages = Array.from({ length: 4 }, () => memory.allocate(LARGE))
    const [a, b, c, d] = storages.map(tensor) as [Tensor, Tensor, Tensor, Tensor]
    const roots: Value[] = [new Tuple([a]), [b], new Map([['c', c]]), new ScriptObject('C', ['d'], [d])]
    memory.roots = () => roots
    memory.endCall()
    const kept = new Set(storages.map(({ pointer }) => pointer))
    const more = Array.from({ length: 4 }, () => memory.allocate(LARGE).pointer)
    expect(more.filter((pointer) => kept.has(pointer))).toEqual([])
    roots.length = 0
    memory.endCall()
    expect(kept.has(memory.allocate(LARGE).pointer)).toBe(true)
  })

  it('joins neighbours, so that many small blocks become a large one', () => {
    const memory = new Memory()
    for (let i = 0; i < 64; i++) memory.allocate(LARGE / 64)
    memory.endCall()
    memory.allocate(LARGE)
    expect(memory.peak).toBe(LARGE)
    expect(memory.size).toBeLessThan(LARGE + 3 * 65_536)
  })

  it('never gives the same bytes to two storages that live', () => {
    const memory = new Memory()
    let live: Storage[] = []
    memory.roots = () => live.map(tensor)
    let seed = 1
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
    for (let step = 0; step < 2000; step++) {
      live.push(memory.allocate(4 * (1 + random(20_000))))
      memory.endCall()
      if (random(3) > 0) live = live.filter(() => random(4) > 0)
      const sorted = live.toSorted((a, b) => a.pointer - b.pointer)
      for (let i = 1; i < sorted.length; i++) {
        if (sorted[i - 1]!.pointer + sorted[i - 1]!.byteLength > sorted[i]!.pointer) throw new Error(`storages overlap at step ${step}`)
      }
    }
    expect(memory.size).toBeLessThan(4e6)
  })

  it('takes scratch back when the operator ends', () => {
    const memory = new Memory()
    const scratch = memory.scratch(LARGE)
    memory.endCall()
    expect(memory.allocate(LARGE).pointer).toBe(scratch)
  })

  it('never sweeps what is to stay, until it is let go', () => {
    const memory = new Memory()
    const { value } = memory.keeping(() => memory.allocate(LARGE))
    memory.endCall()
    expect(memory.allocate(LARGE).pointer).not.toBe(value.pointer)
    memory.endCall()
    memory.unpin(value)
    expect(memory.pinned).toBe(0)
    memory.allocate(2 * LARGE)
    expect(memory.size).toBeLessThan(2 * LARGE + 3 * 65_536)
  })

  it('gives back what lies around the storages of a file', () => {
    const memory = new Memory()
    const file = memory.reserve(4 * LARGE)
    memory.adopt(file + LARGE, LARGE)
    memory.releaseAround(file, 4 * LARGE)
    expect(memory.allocate(LARGE).pointer).toBe(file)
    expect(memory.allocate(2 * LARGE).pointer).toBe(file + 2 * LARGE)
  })
})
