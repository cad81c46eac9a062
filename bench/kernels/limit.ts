/** What kernels.mjs measures: the dense kernels, and how fast this machine multiplies and adds where memory does not matter. */
export * from '../../packages/runtime/kernels/dense/index'
export * from '../../packages/runtime/kernels/depthwise/index'
export * from '../../packages/runtime/kernels/winograd/index'
import { madd } from '../../packages/runtime/kernels/dense/madd'

/** Multiplies and adds 12 vectors, `count` times; as many as keep the units busy and stay in registers. */
export function limit(at: usize, count: i32): void {
  const x = v128.load(at, 16)
  const y = v128.load(at, 32)
  let c0 = v128.load(at), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0, c8 = c0, c9 = c0, c10 = c0, c11 = c0
  while (count--) {
    c0 = madd(x, y, c0)
    c1 = madd(x, y, c1)
    c2 = madd(x, y, c2)
    c3 = madd(x, y, c3)
    c4 = madd(x, y, c4)
    c5 = madd(x, y, c5)
    c6 = madd(x, y, c6)
    c7 = madd(x, y, c7)
    c8 = madd(x, y, c8)
    c9 = madd(x, y, c9)
    c10 = madd(x, y, c10)
    c11 = madd(x, y, c11)
  }
  const a = f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3))
  const b = f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7))
  const c = f32x4.add(f32x4.add(c8, c9), f32x4.add(c10, c11))
  v128.store(at, f32x4.add(a, f32x4.add(b, c)))
}
