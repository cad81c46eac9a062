import { loadPart } from './vectors'

// Sums are of blocks of floats, added up as doubles: as exact as PyTorch's cascade, whatever their number.

/** Vectors in a block. */
// @ts-ignore: decorator
@inline
const BLOCK = 64

/** Sums the rows of a matrix, whose columns lie one after the other: `to[row] = scale * sum`. */
export function sumRows(to: usize, from: usize, rows: i32, columns: i32, rowStride: isize, scale: f64): void {
  for (let row = 0; row < rows; row++) {
    let a = from
    let total = f64x2.splat(0)
    let count = columns
    while (count > 0) {
      let s0 = f32x4.splat(0)
      let s1 = s0
      const end = a + (<usize>(min(count, BLOCK * 8) & ~7) << 2)
      count -= <i32>((end - a) >> 2)
      for (; a < end; a += 32) {
        s0 = f32x4.add(s0, v128.load(a))
        s1 = f32x4.add(s1, v128.load(a, 16))
      }
      if (count < 8) {
        for (; count >= 4; count -= 4, a += 16) s0 = f32x4.add(s0, v128.load(a))
        if (count > 0) s1 = f32x4.add(s1, loadPart(a, count))
        count = 0
      }
      s0 = f32x4.add(s0, s1)
      total = f64x2.add(total, f64x2.add(f64x2.promote_low_f32x4(s0), f64x2.promote_low_f32x4(v128.shuffle<f32>(s0, s0, 2, 3, 2, 3))))
    }
    store<f32>(to, <f32>((f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1)) * scale))
    to += 4
    from += rowStride
  }
}

/** Sums the columns of a matrix: `to[column] = scale * sum`. */
export function sumColumns(to: usize, from: usize, rows: i32, columns: i32, rowStride: isize, scale: f32): void {
  const factor = f32x4.splat(scale)
  const whole = columns & ~3
  for (let column = 0; column < columns; column += 4) {
    const some = columns - column
    // The last columns overlap those before them, or are read by one.
    if (some < 4) {
      if (whole) column = columns - 4
      else {
        for (; column < columns; column++) {
          let sum: f64 = 0
          for (let row = 0; row < rows; row++) sum += load<f32>(from + (<usize>column << 2) + <isize>row * rowStride)
          store<f32>(to + (<usize>column << 2), <f32>(sum * scale))
        }
        return
      }
    }
    let a = from + (<usize>column << 2)
    let low = f64x2.splat(0)
    let high = low
    for (let row = 0; row < rows;) {
      let sum = f32x4.splat(0)
      for (const end = min(row + BLOCK, rows); row < end; row++, a += rowStride) sum = f32x4.add(sum, v128.load(a))
      low = f64x2.add(low, f64x2.promote_low_f32x4(sum))
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(sum, sum, 2, 3, 2, 3)))
    }
    const sum = v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5)
    v128.store(to + (<usize>column << 2), f32x4.mul(sum, factor))
  }
}
