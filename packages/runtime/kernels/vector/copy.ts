/** Copies a matrix of elements of type T through any strides. */
// @ts-ignore: decorator
@inline
function copy<T>(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, toColumn: isize, fromRow: isize, fromColumn: isize): void {
  const size = <isize>sizeof<T>()
  for (let row = 0; row < rows; row++) {
    if (toColumn == size && fromColumn == size) {
      memory.copy(to, from, <usize>columns << alignof<T>())
    } else {
      let a = to
      let b = from
      for (let column = 0; column < columns; column++) {
        store<T>(a, load<T>(b))
        a += toColumn
        b += fromColumn
      }
    }
    to += toRow
    from += fromRow
  }
}

export function copy1(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, toColumn: isize, fromRow: isize, fromColumn: isize): void {
  copy<u8>(to, from, rows, columns, toRow, toColumn, fromRow, fromColumn)
}
export function copy2(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, toColumn: isize, fromRow: isize, fromColumn: isize): void {
  copy<u16>(to, from, rows, columns, toRow, toColumn, fromRow, fromColumn)
}
export function copy4(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, toColumn: isize, fromRow: isize, fromColumn: isize): void {
  copy<u32>(to, from, rows, columns, toRow, toColumn, fromRow, fromColumn)
}
export function copy8(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, toColumn: isize, fromRow: isize, fromColumn: isize): void {
  copy<u64>(to, from, rows, columns, toRow, toColumn, fromRow, fromColumn)
}

/** Transposes `batch` matrices of float32, `[rows, columns]` to `[columns, rows]`, by blocks of four by four. */
export function transpose(from: usize, to: usize, batch: i32, rows: i32, columns: i32): void {
  const fromStride = <usize>columns << 2
  const toStride = <usize>rows << 2
  const wholeRows = rows & ~3
  const wholeColumns = columns & ~3
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < wholeRows; row += 4) {
      let a = from + <usize>row * fromStride
      let b = to + (<usize>row << 2)
      for (let column = 0; column < wholeColumns; column += 4) {
        const r0 = v128.load(a)
        const r1 = v128.load(a + fromStride)
        const r2 = v128.load(a + 2 * fromStride)
        const r3 = v128.load(a + 3 * fromStride)
        const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5)
        const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7)
        const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
        const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
        v128.store(b, v128.shuffle<i64>(low01, low23, 0, 2))
        v128.store(b + toStride, v128.shuffle<i64>(low01, low23, 1, 3))
        v128.store(b + 2 * toStride, v128.shuffle<i64>(high01, high23, 0, 2))
        v128.store(b + 3 * toStride, v128.shuffle<i64>(high01, high23, 1, 3))
        a += 16
        b += toStride << 2
      }
    }
    if (wholeRows != rows) copy4(to + (<usize>wholeRows << 2), from + <usize>wholeRows * fromStride, rows - wholeRows, columns, 4, toStride, fromStride, 4)
    if (wholeColumns != columns) copy4(to + <usize>wholeColumns * toStride, from + (<usize>wholeColumns << 2), wholeRows, columns - wholeColumns, 4, toStride, fromStride, 4)
    from += <usize>rows * fromStride
    to += <usize>rows * fromStride
  }
}
