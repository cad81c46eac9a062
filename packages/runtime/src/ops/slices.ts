import type { Machine } from '../machine.ts'

/** Indices of Python's `[start:end:step]` (torch/csrc/jit/runtime/slice_indices_adjust.cpp). */
export function sliceIndices(m: Machine, length: number, start: bigint | null, end: bigint | null, step: bigint): number[] {
  const by = Number(step)
  if (by === 0) throw m.fail('List slice should have non-zero step')
  const [low, high] = by < 0 ? [-1, length - 1] : [0, length]
  const place = (index: bigint): number => Math.min(Math.max(Number(index) < 0 ? Number(index) + length : Number(index), low), high)
  const first = start === null ? (by < 0 ? high : low) : place(start)
  const last = end === null ? (by < 0 ? low : high) : place(end)
  return Array.from({ length: Math.max(Math.ceil((last - first) / by), 0) }, (_, i) => first + i * by)
}
