import { loadLanes, storeLanes } from './lanes'

/** The columns of the input that a column of the output is computed from: their first one in bytes, their number, what to divide by. */
@unmanaged
class Window {
  begin: i32
  count: i32
  divisor: f32
}

/** Pools the windows of some channels, from planes, rows and columns of pixels. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function block(
  lanes: i32, greatest: bool, to: usize, from: usize, planes: i32, planeBytes: isize, rows: i32, rowBytes: isize,
  columns: i32, columnBytes: isize, divisor: f32,
): void {
  let result = f32x4.splat(greatest ? -Infinity : 0)
  let nan = f32x4.splat(0)
  for (let plane = 0; plane < planes; plane++) {
    let row = from
    for (let i = 0; i < rows; i++) {
      let pixel = row
      for (let column = 0; column < columns; column++) {
        const x = loadLanes(lanes, pixel)
        if (greatest) {
          // A NaN wins, which no maximum of one instruction knows everywhere.
          nan = v128.or(nan, f32x4.ne(x, x))
          result = f32x4.pmax(x, result)
        } else result = f32x4.add(result, x)
        pixel += columnBytes
      }
      row += rowBytes
    }
    from += planeBytes
  }
  storeLanes(lanes, to, greatest ? v128.or(result, nan) : f32x4.div(result, f32x4.splat(divisor)))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function row(
  greatest: bool, to: usize, from: usize, planes: i32, planeBytes: isize, rows: i32, rowBytes: isize,
  columnBytes: isize, windows: usize, outputs: i32, channels: i32, area: f32,
): void {
  const vectors = channels & ~3
  for (let output = 0; output < outputs; output++) {
    const window = changetype<Window>(windows)
    const first = from + window.begin
    const divisor = area * window.divisor
    let channel = 0
    for (; channel < vectors; channel += 4) {
      const offset = channel << 2
      block(4, greatest, to + offset, first + offset, planes, planeBytes, rows, rowBytes, window.count, columnBytes, divisor)
    }
    for (; channel < channels; channel++) {
      const offset = channel << 2
      block(1, greatest, to + offset, first + offset, planes, planeBytes, rows, rowBytes, window.count, columnBytes, divisor)
    }
    to += <usize>channels << 2
    windows += offsetof<Window>()
  }
}

/** Largest values: one row of pixels of a channels-last result. `from` is the first row that it is computed from. */
export function maxPool(
  to: usize, from: usize, planes: i32, planeBytes: isize, rows: i32, rowBytes: isize,
  columnBytes: isize, windows: usize, outputs: i32, channels: i32,
): void {
  row(true, to, from, planes, planeBytes, rows, rowBytes, columnBytes, windows, outputs, channels, 0)
}

/** Means likewise: sums over `area` times the windows' divisors. */
export function averagePool(
  to: usize, from: usize, planes: i32, planeBytes: isize, rows: i32, rowBytes: isize,
  columnBytes: isize, windows: usize, outputs: i32, channels: i32, area: f32,
): void {
  row(false, to, from, planes, planeBytes, rows, rowBytes, columnBytes, windows, outputs, channels, area)
}
