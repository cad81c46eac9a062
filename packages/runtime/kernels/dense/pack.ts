import { COLUMNS, PANEL_ROW } from './tile'

/**
 * Packs weights into panels of eight columns: for each panel eight biases, then for each tap and each value of its run eight weights.
 * Columns beyond the last one are zeros.
 *
 * The weight of column `n`, tap `t` and value `k` lies at `from + n * columnStep + offsets[t] + k * valueStep` (bytes).
 *
 * @param to address of `ceil(columns / 8) * (1 + taps * run) * 32` bytes, a multiple of 16
 * @param bias address of `columns` floats, or 0
 * @param offsets address of `taps` i32, or 0 for one tap at 0
 */
export function pack(
  from: usize, to: usize, bias: usize, columns: i32, columnStep: usize, taps: i32, offsets: usize, run: i32, valueStep: usize,
): void {
  const zero = f32x4.splat(0)
  for (let column = 0; column < columns; column += COLUMNS) {
    const count = min(COLUMNS, columns - column)
    v128.store(to, zero)
    v128.store(to, zero, 16)
    if (bias) memory.copy(to, bias + (column << 2), count << 2)
    to += PANEL_ROW
    for (let tap = 0; tap < taps; tap++) {
      const start = from + column * columnStep + (offsets ? load<i32>(offsets + (tap << 2)) : 0)
      if (count < COLUMNS) packPart(start, to, count, columnStep, run, valueStep)
      else if (valueStep == 4) packRows(start, to, columnStep, run)
      else packColumns(start, to, columnStep, run, valueStep)
      to += PANEL_ROW * run
    }
  }
}

/** Values of a column lie side by side: transposes blocks of four by four. */
function packRows(from: usize, to: usize, columnStep: usize, run: i32): void {
  const fours = run & ~3
  for (let half = 0; half < 2; half++) {
    let a = from + half * 4 * columnStep
    let out = to + half * 16
    for (let k = 0; k < fours; k += 4) {
      const r0 = v128.load(a), r1 = v128.load(a + columnStep), r2 = v128.load(a + 2 * columnStep), r3 = v128.load(a + 3 * columnStep)
      const x = i32x4.shuffle(r0, r1, 0, 4, 1, 5), y = i32x4.shuffle(r2, r3, 0, 4, 1, 5)
      const z = i32x4.shuffle(r0, r1, 2, 6, 3, 7), w = i32x4.shuffle(r2, r3, 2, 6, 3, 7)
      v128.store(out, i64x2.shuffle(x, y, 0, 2))
      v128.store(out, i64x2.shuffle(x, y, 1, 3), 32)
      v128.store(out, i64x2.shuffle(z, w, 0, 2), 64)
      v128.store(out, i64x2.shuffle(z, w, 1, 3), 96)
      a += 16
      out += 4 * PANEL_ROW
    }
  }
  packColumns(from + (fours << 2), to + fours * PANEL_ROW, columnStep, run - fours, 4)
}

function packColumns(from: usize, to: usize, columnStep: usize, run: i32, valueStep: usize): void {
  if (columnStep == 4) {
    for (let k = 0; k < run; k++, from += valueStep, to += PANEL_ROW) {
      v128.store(to, v128.load(from))
      v128.store(to, v128.load(from, 16), 16)
    }
    return
  }
  for (let k = 0; k < run; k++, from += valueStep, to += PANEL_ROW) {
    let a = from
    for (let n: usize = 0; n < PANEL_ROW; n += 4, a += columnStep) store<f32>(to + n, load<f32>(a))
  }
}

function packPart(from: usize, to: usize, count: i32, columnStep: usize, run: i32, valueStep: usize): void {
  memory.fill(to, 0, PANEL_ROW * run)
  for (let k = 0; k < run; k++, from += valueStep, to += PANEL_ROW) {
    let a = from
    for (let n = 0; n < count; n++, a += columnStep) store<f32>(to + (n << 2), load<f32>(a))
  }
}
