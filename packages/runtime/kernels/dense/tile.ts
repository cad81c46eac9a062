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
import { clamp, madd } from './madd'

/** Rows of a tile: what a table has room for. */
export const ROWS: i32 = 6
/** Columns of a panel. */
export const COLUMNS: i32 = 8
/** Bytes of one row of a table. */
export const TABLE_ROW: usize = 24
/** Bytes of eight floats. */
export const PANEL_ROW: usize = 32

/** How a tile's results are written. */
@unmanaged
export class Finish {
  /** Lower limit of results: -Infinity for none. */
  low: f32
  /** Upper limit of results: Infinity for none. */
  high: f32
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function splat(address: usize, offset: usize): v128 {
  return v128.load32_splat(address + offset)
}

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
 * Multiplies `rows` rows (a constant) with a panel.
 * @param skip bytes added to every address of a run: the first channel of a group
 * @param column bytes from the start of a row of C to the panel's first column
 * @param columns columns to write, 1 … 8
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
function tile(rows: i32, table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32, finish: Finish): void {
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
  const low = f32x4.splat(finish.low)
  const high = f32x4.splat(finish.high)
  store(load<usize>(rowsOfC) + column, columns, c00, c01, low, high)
  if (rows > 1) store(load<usize>(rowsOfC, 4) + column, columns, c10, c11, low, high)
  if (rows > 2) store(load<usize>(rowsOfC, 8) + column, columns, c20, c21, low, high)
  if (rows > 3) store(load<usize>(rowsOfC, 12) + column, columns, c30, c31, low, high)
  if (rows > 4) store(load<usize>(rowsOfC, 16) + column, columns, c40, c41, low, high)
  if (rows > 5) store(load<usize>(rowsOfC, 20) + column, columns, c50, c51, low, high)
}

export function tile6(table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32, finish: Finish): void {
  tile(6, table, taps, run, skip, panel, column, columns, finish)
}
export function tile4(table: usize, taps: i32, run: i32, skip: usize, panel: usize, column: usize, columns: i32, finish: Finish): void {
  tile(4, table, taps, run, skip, panel, column, columns, finish)
}
