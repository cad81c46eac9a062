import { choose, loadPart, madd, splat, storePart } from './vectors'

// Operations with two operands, as rows of floats. An operand's step from one column to the next is one float or none at all.

// @ts-ignore: decorator
@inline
const ADD = 0
// @ts-ignore: decorator
@inline
const MULTIPLY = 1
// @ts-ignore: decorator
@inline
const DIVIDE = 2
// @ts-ignore: decorator
@inline
const MAXIMUM = 3
// @ts-ignore: decorator
@inline
const MINIMUM = 4

// @ts-ignore: decorator
@inline
function operate(operation: i32, a: v128, b: v128, p: v128, q: v128): v128 {
  if (operation == ADD) return f32x4.pmax(madd(b, p, a), q)
  if (operation == MULTIPLY) return f32x4.mul(a, b)
  if (operation == DIVIDE) return f32x4.div(a, b)
  return operation == MAXIMUM ? f32x4.max(a, b) : f32x4.min(a, b)
}

// @ts-ignore: decorator
@inline
function binary(
  operation: i32, to: usize, a: usize, b: usize, rows: i32, columns: i32, toRow: isize, aRow: isize, aColumn: isize, bRow: isize, bColumn: isize,
  p: f32, q: f32,
): void {
  const vp = splat(p)
  const vq = splat(q)
  const aStep = aColumn << 2
  const bStep = bColumn << 2
  for (let row = 0; row < rows; row++) {
    let x = a
    let y = b
    let z = to
    const end = z + (<usize>(columns & ~3) << 2)
    const va = v128.load32_splat(a)
    const vb = v128.load32_splat(b)
    if (aStep && bStep) {
      for (; z < end; z += 16, x += 16, y += 16) v128.store(z, operate(operation, v128.load(x), v128.load(y), vp, vq))
    } else {
      for (; z < end; z += 16, x += aStep << 2, y += bStep << 2) {
        v128.store(z, operate(operation, aStep ? v128.load(x) : va, bStep ? v128.load(y) : vb, vp, vq))
      }
    }
    const rest = columns & 3
    if (rest) storePart(z, operate(operation, aStep ? loadPart(x, rest) : va, bStep ? loadPart(y, rest) : vb, vp, vq), rest)
    to += toRow
    a += aRow
    b += bRow
  }
}

/** `max(a + p * b, q)` */
export function add(
  to: usize, a: usize, b: usize, rows: i32, columns: i32, toRow: isize, aRow: isize, aColumn: isize, bRow: isize, bColumn: isize, p: f32, q: f32,
): void {
  binary(ADD, to, a, b, rows, columns, toRow, aRow, aColumn, bRow, bColumn, p, q)
}
/** `a * b` */
export function multiply(
  to: usize, a: usize, b: usize, rows: i32, columns: i32, toRow: isize, aRow: isize, aColumn: isize, bRow: isize, bColumn: isize,
): void {
  binary(MULTIPLY, to, a, b, rows, columns, toRow, aRow, aColumn, bRow, bColumn, 0, 0)
}
/** `a / b` */
export function divide(
  to: usize, a: usize, b: usize, rows: i32, columns: i32, toRow: isize, aRow: isize, aColumn: isize, bRow: isize, bColumn: isize,
): void {
  binary(DIVIDE, to, a, b, rows, columns, toRow, aRow, aColumn, bRow, bColumn, 0, 0)
}
/** The larger one; NaN where one is NaN. */
export function maximum(
  to: usize, a: usize, b: usize, rows: i32, columns: i32, toRow: isize, aRow: isize, aColumn: isize, bRow: isize, bColumn: isize,
): void {
  binary(MAXIMUM, to, a, b, rows, columns, toRow, aRow, aColumn, bRow, bColumn, 0, 0)
}
/** The smaller one; NaN where one is NaN. */
export function minimum(
  to: usize, a: usize, b: usize, rows: i32, columns: i32, toRow: isize, aRow: isize, aColumn: isize, bRow: isize, bColumn: isize,
): void {
  binary(MINIMUM, to, a, b, rows, columns, toRow, aRow, aColumn, bRow, bColumn, 0, 0)
}

/** `condition ? a : b` of rows of floats; conditions are bytes. Steps between columns are one element or none. */
export function where(
  to: usize, condition: usize, a: usize, b: usize, rows: i32, columns: i32,
  toRow: isize, conditionRow: isize, conditionColumn: isize, aRow: isize, aColumn: isize, bRow: isize, bColumn: isize,
): void {
  const aStep = aColumn << 2
  const bStep = bColumn << 2
  for (let row = 0; row < rows; row++) {
    let c = condition
    let x = a
    let y = b
    let z = to
    const end = z + (<usize>columns << 2)
    const whole = conditionColumn ? z + (<usize>(columns & ~3) << 2) : z
    const va = v128.load32_splat(a)
    const vb = v128.load32_splat(b)
    for (; z < whole; z += 16, c += 4, x += aStep << 2, y += bStep << 2) {
      const bytes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(c)))
      v128.store(z, choose(i32x4.ne(bytes, i32x4.splat(0)), aStep ? v128.load(x) : va, bStep ? v128.load(y) : vb))
    }
    for (; z < end; z += 4, c += conditionColumn, x += aStep, y += bStep) store<f32>(z, load<u8>(c) ? load<f32>(x) : load<f32>(y))
    to += toRow
    condition += conditionRow
    a += aRow
    b += bRow
  }
}
