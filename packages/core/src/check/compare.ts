import type { Plain, PlainElements } from './examples.ts'

/**
 * The largest difference of two results, relative to the largest number of the tensor (or the number) that it is in. Infinity where
 * they differ in kind, in sizes, or in anything that is no float. Where not a number or infinity is expected nothing is compared: a fused
 * clamp makes a bound of it, as PyTorch's own does.
 */
export function difference(actual: Plain, expected: Plain): number {
  if (typeof actual === 'number' && typeof expected === 'number') return relative([actual], [expected])
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) return actual === expected ? 0 : Infinity
  if ('tensor' in actual && 'tensor' in expected) {
    const [a, b] = [actual.tensor, expected.tensor]
    if (a.dtype !== b.dtype || a.sizes.join() !== b.sizes.join()) return Infinity
    return a.dtype.startsWith('float') ? relative(a.elements, b.elements) : sameElements(a.elements, b.elements) ? 0 : Infinity
  }
  if ('tuple' in actual && 'tuple' in expected) return largest(actual.tuple, expected.tuple)
  if ('list' in actual && 'list' in expected) return largest(actual.list, expected.list)
  if ('dict' in actual && 'dict' in expected) return largest(actual.dict.flat(), expected.dict.flat())
  return 'other' in actual && 'other' in expected && actual.other === expected.other ? 0 : Infinity
}

function largest(actual: readonly Plain[], expected: readonly Plain[]): number {
  if (actual.length !== expected.length) return Infinity
  return actual.reduce<number>((most, value, i) => Math.max(most, difference(value, expected[i]!)), 0)
}

function relative(actual: ArrayLike<number> | PlainElements, expected: ArrayLike<number> | PlainElements): number {
  let most = 0
  let scale = 0
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(actual[i]), Number(expected[i])]
    if (!Number.isFinite(b)) continue
    const distance = Math.abs(a - b)
    if (!Number.isFinite(distance)) return Infinity
    most = Math.max(most, distance)
    scale = Math.max(scale, Math.abs(b))
  }
  return most === 0 ? 0 : scale === 0 ? Infinity : most / scale
}

function sameElements(a: PlainElements, b: PlainElements): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
