/**
 * The innermost product: up to six rows of A times a panel of eight columns of B.
 *
 * A is never copied. A table of addresses says where each row's values lie: `taps` runs of `run` consecutive floats.
 * A matrix has one run a row; a convolution has one a kernel tap, and a padded tap points at zeros.
 *
 *   table   six addresses of rows of C, then for each tap six addresses of runs
 *   panel   eight starting values (the bias), then for each value of a row eight weights
 *
 * Twelve accumulators, two vectors of B and one of A are fifteen registers: all that x64 leaves us.
 */
import { Job } from './job'
import { clamp, madd } from './madd'

/**
 * Rows of a tile. With a fused instruction six fit the registers; a product of its own takes one more, and four rows are faster then.
 * (V8 on x64 at six rows: 97 % of the machine's multiply-adds fused, 50 % not; at four rows 90 %.)
 */
export const ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4
/** Columns of a panel. */
export const COLUMNS: i32 = 8
/** Bytes of one row of a table. */
export const TABLE_ROW: usize = 24
/** Bytes of eight floats. */
export const PANEL_ROW: usize = 32

/** Writes the first `columns` (1 … 8) of a row's eight results. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function store(address: usize, columns: i32, left: v128, right: v128, low: v128, high: v128): void {
  left = clamp(left, low, high)
  right = clamp(right, low, high)
  if (columns >= 8) {
    v128.store(address, left)
    v128.store(address, right, 16)
  } else storePart(address, columns, left, right)
}

function storePart(address: usize, columns: i32, left: v128, right: v128): void {
  if (columns >= 4) {
    v128.store(address, left)
    address += 16
    left = right
    columns -= 4
  }
  if (columns & 2) {
    v128.store64_lane(address, left, 0)
    address += 8
    left = i32x4.shuffle(left, left, 2, 3, 2, 3)
  }
  if (columns & 1) v128.store32_lane(address, left, 0)
}

/**
 * Multiplies `rows` rows (a constant; what follows is compiled for each) with a panel.
 * @param skip bytes added to every address of a run: the first channel of a group
 * @param column bytes from the start of a row of C to the panel's first column
 * @param columns columns to write, 1 … 8
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
function tile(rows: i32, job: Job, table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32): void {
  const rowsOfC = table
  let c00 = v128.load(panel)
  let c01 = v128.load(panel, 16)
  let c10 = c00, c20 = c00, c30 = c00, c40 = c00, c50 = c00
  let c11 = c01, c21 = c01, c31 = c01, c41 = c01, c51 = c01
  const bytes = <usize>run << 2
  do {
    table += TABLE_ROW
    let a0 = load<usize>(table) + skip
    let a1 = rows > 1 ? load<usize>(table, 4) + skip : 0
    let a2 = rows > 2 ? load<usize>(table, 8) + skip : 0
    let a3 = rows > 3 ? load<usize>(table, 12) + skip : 0
    let a4 = rows > 4 ? load<usize>(table, 16) + skip : 0
    let a5 = rows > 5 ? load<usize>(table, 20) + skip : 0
    const end = a0 + bytes
    do {
      panel += PANEL_ROW
      const left = v128.load(panel)
      const right = v128.load(panel, 16)
      let a = v128.load32_splat(a0)
      c00 = madd(a, left, c00)
      c01 = madd(a, right, c01)
      a0 += 4
      if (rows > 1) {
        a = v128.load32_splat(a1)
        c10 = madd(a, left, c10)
        c11 = madd(a, right, c11)
        a1 += 4
      }
      if (rows > 2) {
        a = v128.load32_splat(a2)
        c20 = madd(a, left, c20)
        c21 = madd(a, right, c21)
        a2 += 4
      }
      if (rows > 3) {
        a = v128.load32_splat(a3)
        c30 = madd(a, left, c30)
        c31 = madd(a, right, c31)
        a3 += 4
      }
      if (rows > 4) {
        a = v128.load32_splat(a4)
        c40 = madd(a, left, c40)
        c41 = madd(a, right, c41)
        a4 += 4
      }
      if (rows > 5) {
        a = v128.load32_splat(a5)
        c50 = madd(a, left, c50)
        c51 = madd(a, right, c51)
        a5 += 4
      }
    } while (a0 != end)
  } while (--taps)
  const low = f32x4.splat(job.low)
  const high = f32x4.splat(job.high)
  store(load<usize>(rowsOfC) + column, columns, c00, c01, low, high)
  if (rows > 1) store(load<usize>(rowsOfC, 4) + column, columns, c10, c11, low, high)
  if (rows > 2) store(load<usize>(rowsOfC, 8) + column, columns, c20, c21, low, high)
  if (rows > 3) store(load<usize>(rowsOfC, 12) + column, columns, c30, c31, low, high)
  if (rows > 4) store(load<usize>(rowsOfC, 16) + column, columns, c40, c41, low, high)
  if (rows > 5) store(load<usize>(rowsOfC, 20) + column, columns, c50, c51, low, high)
}

/** Multiplies one row, with accumulators enough to hide the latency of additions: as fast as weights arrive. */
function tile1(job: Job, table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32): void {
  const low = f32x4.splat(job.low)
  const high = f32x4.splat(job.high)
  const rowsOfC = table
  const bytes = <usize>run << 2
  let c00 = v128.load(panel), c01 = v128.load(panel, 16)
  let c10 = f32x4.splat(0), c20 = c10, c30 = c10
  let c11 = c10, c21 = c10, c31 = c10
  panel += PANEL_ROW
  do {
    table += TABLE_ROW
    let a = load<usize>(table) + skip
    const end = a + bytes
    const fours = a + (bytes & ~15)
    for (; a != fours; a += 16, panel += 4 * PANEL_ROW) {
      let x = v128.load32_splat(a)
      c00 = madd(x, v128.load(panel), c00)
      c01 = madd(x, v128.load(panel, 16), c01)
      x = v128.load32_splat(a, 4)
      c10 = madd(x, v128.load(panel, 32), c10)
      c11 = madd(x, v128.load(panel, 48), c11)
      x = v128.load32_splat(a, 8)
      c20 = madd(x, v128.load(panel, 64), c20)
      c21 = madd(x, v128.load(panel, 80), c21)
      x = v128.load32_splat(a, 12)
      c30 = madd(x, v128.load(panel, 96), c30)
      c31 = madd(x, v128.load(panel, 112), c31)
    }
    for (; a != end; a += 4, panel += PANEL_ROW) {
      const x = v128.load32_splat(a)
      c00 = madd(x, v128.load(panel), c00)
      c01 = madd(x, v128.load(panel, 16), c01)
    }
  } while (--taps)
  c00 = f32x4.add(f32x4.add(c00, c10), f32x4.add(c20, c30))
  c01 = f32x4.add(f32x4.add(c01, c11), f32x4.add(c21, c31))
  store(load<usize>(rowsOfC) + column, columns, c00, c01, low, high)
}

function tile6(job: Job, table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32): void {
  tile(6, job, table, taps, run, skip, panel, column, columns)
}

function tile4(job: Job, table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32): void {
  tile(4, job, table, taps, run, skip, panel, column, columns)
}

function tile2(job: Job, table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32): void {
  tile(2, job, table, taps, run, skip, panel, column, columns)
}

/** Multiplies the first `rows` rows of a table, or a few more: the table must be full. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function multiply(
  rows: i32, job: Job, table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32,
): void {
  if (ROWS > 4 && rows > 4) tile6(job, table, taps, run, skip, panel, column, columns)
  else if (rows > 2) tile4(job, table, taps, run, skip, panel, column, columns)
  else if (rows > 1) tile2(job, table, taps, run, skip, panel, column, columns)
  else tile1(job, table, taps, run, skip, panel, column, columns)
}
