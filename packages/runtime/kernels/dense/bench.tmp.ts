import { madd } from './madd'
export { tile6, tile4 } from './tile'
/** peak */
export function peak(p: usize, n: i32): void {
  let c0 = v128.load(p), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0, c8=c0, c9=c0, c10=c0, c11=c0
  const x = v128.load(p, 16), y = v128.load(p, 32)
  while (n--) {
    c0 = madd(x, y, c0); c1 = madd(x, y, c1); c2 = madd(x, y, c2); c3 = madd(x, y, c3)
    c4 = madd(x, y, c4); c5 = madd(x, y, c5); c6 = madd(x, y, c6); c7 = madd(x, y, c7)
    c8 = madd(x, y, c8); c9 = madd(x, y, c9); c10 = madd(x, y, c10); c11 = madd(x, y, c11)
  }
  v128.store(p, f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(f32x4.add(f32x4.add(c8,c9), f32x4.add(c10,c11)), f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7)))))
}
