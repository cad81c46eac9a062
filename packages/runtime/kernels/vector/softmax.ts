import { largestLane, loadLanes, storeLanes, sumLanes } from './lanes'
import { exp, log } from './math'

/**
 * Softmax of rows, or its logarithm. Values are first multiplied with `scale`, and `mask` is added unless it is 0: rows that are
 * `maskBytes` apart. `to` may be `from`.
 */
export function softmaxRows(
  to: usize, from: usize, rows: i32, columns: i32, logarithm: i32, scale: f32, mask: usize, maskBytes: usize,
): void {
  const bytes = <usize>columns << 2
  const vectors = bytes & ~15
  const factor = f32x4.splat(scale)
  for (let row = 0; row < rows; row++) {
    let greatest = f32x4.splat(-Infinity)
    for (let i: usize = 0; i < vectors; i += 16) {
      let x = f32x4.mul(v128.load(from + i), factor)
      if (mask) x = f32x4.add(x, v128.load(mask + i))
      v128.store(to + i, x)
      greatest = f32x4.pmax(x, greatest)
    }
    let largest = largestLane(greatest)
    for (let i = vectors; i < bytes; i += 4) {
      let x = load<f32>(from + i) * scale
      if (mask) x += load<f32>(mask + i)
      store<f32>(to + i, x)
      largest = max<f32>(largest, x)
    }

    const base = f32x4.splat(largest)
    let sums = f32x4.splat(0)
    for (let i: usize = 0; i < vectors; i += 16) {
      const shifted = f32x4.sub(v128.load(to + i), base)
      const e = exp(shifted)
      v128.store(to + i, logarithm ? shifted : e)
      sums = f32x4.add(sums, e)
    }
    let sum = sumLanes(sums)
    for (let i = vectors; i < bytes; i += 4) {
      const shifted = f32x4.sub(v128.load32_zero(to + i), base)
      const e = exp(shifted)
      v128.store32_lane(to + i, logarithm ? shifted : e, 0)
      sum += f32x4.extract_lane(e, 0)
    }

    const divisor = logarithm ? log(f32x4.splat(sum)) : f32x4.splat(1 / sum)
    for (let i: usize = 0; i < vectors; i += 16) {
      const x = v128.load(to + i)
      v128.store(to + i, logarithm ? f32x4.sub(x, divisor) : f32x4.mul(x, divisor))
    }
    for (let i = vectors; i < bytes; i += 4) {
      const x = v128.load32_zero(to + i)
      v128.store32_lane(to + i, logarithm ? f32x4.sub(x, divisor) : f32x4.mul(x, divisor), 0)
    }
    from += bytes
    to += bytes
    mask += maskBytes
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function columnsOf(lanes: i32, to: usize, from: usize, rows: i32, step: usize, logarithm: i32): void {
  const end = <usize>rows * step
  let greatest = f32x4.splat(-Infinity)
  for (let i: usize = 0; i < end; i += step) greatest = f32x4.pmax(loadLanes(lanes, from + i), greatest)
  let sum = f32x4.splat(0)
  for (let i: usize = 0; i < end; i += step) {
    const shifted = f32x4.sub(loadLanes(lanes, from + i), greatest)
    const e = exp(shifted)
    storeLanes(lanes, to + i, logarithm ? shifted : e)
    sum = f32x4.add(sum, e)
  }
  const divisor = logarithm ? log(sum) : f32x4.div(f32x4.splat(1), sum)
  for (let i: usize = 0; i < end; i += step) {
    const x = loadLanes(lanes, to + i)
    storeLanes(lanes, to + i, logarithm ? f32x4.sub(x, divisor) : f32x4.mul(x, divisor))
  }
}

/** Softmax of the columns of matrices, or its logarithm. */
export function softmaxColumns(to: usize, from: usize, batch: i32, rows: i32, columns: i32, logarithm: i32): void {
  const step = <usize>columns << 2
  const vectors = step & ~15
  for (let n = 0; n < batch; n++) {
    let column: usize = 0
    for (; column < vectors; column += 16) columnsOf(4, to + column, from + column, rows, step, logarithm)
    for (; column < step; column += 4) columnsOf(1, to + column, from + column, rows, step, logarithm)
    to += <usize>rows * step
    from += <usize>rows * step
  }
}
