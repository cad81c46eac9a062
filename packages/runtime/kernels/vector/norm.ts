import { loadLanes, storeLanes, sumLanes } from './lanes'

/** Terms that are added up as float32 before they go to the sum of float64. */
const CHUNK: i32 = 4096

/** A term of a sum: the value, or the square of its distance to the mean. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function term(squares: bool, x: v128, mean: v128): v128 {
  if (!squares) return x
  x = f32x4.sub(x, mean)
  return f32x4.mul(x, x)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function total(squares: bool, from: usize, count: i32, mean: f32): f64 {
  let sum: f64 = 0
  const center = f32x4.splat(mean)
  while (count >= 16) {
    let left = min(count, CHUNK) >> 4
    count -= left << 4
    let a = f32x4.splat(0), b = a, c = a, d = a
    do {
      a = f32x4.add(a, term(squares, v128.load(from), center))
      b = f32x4.add(b, term(squares, v128.load(from, 16), center))
      c = f32x4.add(c, term(squares, v128.load(from, 32), center))
      d = f32x4.add(d, term(squares, v128.load(from, 48), center))
      from += 64
    } while (--left)
    sum += sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)))
  }
  for (; count > 0; count--) {
    sum += f32x4.extract_lane(term(squares, v128.load32_zero(from), center), 0)
    from += 4
  }
  return sum
}

/** Sum of consecutive floats. */
export function sum(from: usize, count: i32): f64 {
  return total(false, from, count, 0)
}

/** Sum of squared distances to `mean`. */
export function squares(from: usize, count: i32, mean: f32): f64 {
  return total(true, from, count, mean)
}

/** Adds to `to`, float64s, the sums of the columns of a matrix; with `means`, floats, of the squared distances to them. */
export function columnSums(to: usize, from: usize, rows: i32, columns: i32, means: usize): void {
  const bytes = <usize>columns << 2
  const vectors = columns & ~3
  for (let column = 0; column < vectors; column += 4) {
    let low = v128.load(to)
    let high = v128.load(to, 16)
    const mean = means ? v128.load(means + (column << 2)) : f32x4.splat(0)
    let a = from + (column << 2)
    for (let row = 0; row < rows; row++) {
      const x = v128.load(a)
      const y = means ? term(true, x, mean) : x
      low = f64x2.add(low, f64x2.promote_low_f32x4(y))
      high = f64x2.add(high, f64x2.promote_low_f32x4(i32x4.shuffle(y, y, 2, 3, 2, 3)))
      a += bytes
    }
    v128.store(to, low)
    v128.store(to, high, 16)
    to += 32
  }
  for (let column = vectors; column < columns; column++) {
    let sum = load<f64>(to)
    const mean: f32 = means ? load<f32>(means + (column << 2)) : 0
    let a = from + (column << 2)
    for (let row = 0; row < rows; row++) {
      const x = load<f32>(a) - mean
      sum += means ? x * x : x
      a += bytes
    }
    store<f64>(to, sum)
    to += 8
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function normalize(lanes: i32, to: usize, from: usize, offset: usize, mean: v128, factor: v128, weight: usize, bias: usize): void {
  let x = f32x4.mul(f32x4.sub(loadLanes(lanes, from + offset), mean), factor)
  if (weight) x = f32x4.mul(x, loadLanes(lanes, weight + offset))
  if (bias) x = f32x4.add(x, loadLanes(lanes, bias + offset))
  storeLanes(lanes, to + offset, x)
}

/**
 * Normalizes rows. `weight` and `bias` may be 0 for none, `stats` too: where each row's mean and 1 / deviation go. What is not centered is
 * divided by its root mean square.
 */
export function layerNorm(
  to: usize, from: usize, rows: i32, columns: i32, weight: usize, bias: usize, epsilon: f64, centered: i32, stats: usize,
): void {
  const bytes = <usize>columns << 2
  const vectors = bytes & ~15
  for (let row = 0; row < rows; row++) {
    const mean: f32 = centered && columns ? <f32>(sum(from, columns) / columns) : 0
    const factor = <f32>(1 / sqrt(squares(from, columns, mean) / columns + epsilon))
    let offset: usize = 0
    for (; offset < vectors; offset += 16) normalize(4, to, from, offset, f32x4.splat(mean), f32x4.splat(factor), weight, bias)
    for (; offset < bytes; offset += 4) normalize(1, to, from, offset, f32x4.splat(mean), f32x4.splat(factor), weight, bias)
    if (stats) {
      store<f32>(stats, mean)
      store<f32>(stats, factor, 4)
      stats += 8
    }
    from += bytes
    to += bytes
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function muladd(lanes: i32, to: usize, from: usize, offset: usize, scale: v128, shift: v128): void {
  storeLanes(lanes, to + offset, f32x4.add(f32x4.mul(loadLanes(lanes, from + offset), scale), shift))
}

/** Rows times one number plus another one: `scale` and `shift` have one for each row. */
export function scaleRows(to: usize, from: usize, rows: i32, columns: i32, scale: usize, shift: usize): void {
  const bytes = <usize>columns << 2
  const vectors = bytes & ~15
  for (let row = 0; row < rows; row++) {
    const x = v128.load32_splat(scale)
    const y = v128.load32_splat(shift)
    let offset: usize = 0
    for (; offset < vectors; offset += 16) muladd(4, to, from, offset, x, y)
    for (; offset < bytes; offset += 4) muladd(1, to, from, offset, x, y)
    to += bytes
    from += bytes
    scale += 4
    shift += 4
  }
}

/** Likewise with one number for each column. */
export function scaleColumns(to: usize, from: usize, rows: i32, columns: i32, scale: usize, shift: usize): void {
  const bytes = <usize>columns << 2
  const vectors = bytes & ~15
  for (let row = 0; row < rows; row++) {
    let offset: usize = 0
    for (; offset < vectors; offset += 16) muladd(4, to, from, offset, v128.load(scale + offset), v128.load(shift + offset))
    for (; offset < bytes; offset += 4) muladd(1, to, from, offset, v128.load32_zero(scale + offset), v128.load32_zero(shift + offset))
    to += bytes
    from += bytes
  }
}
