/** The first `count` floats, of one to three, at an address; the others are 0. */
export function loadPart(from: usize, count: i32): v128 {
  let lanes = v128.load32_zero(from)
  if (count > 1) lanes = v128.load_lane<f32>(from, lanes, 1, 4)
  if (count > 2) lanes = v128.load_lane<f32>(from, lanes, 2, 8)
  return lanes
}

/** Writes the first `count` lanes, of one to three. */
export function storePart(to: usize, lanes: v128, count: i32): void {
  v128.store_lane<f32>(to, lanes, 0)
  if (count > 1) v128.store_lane<f32>(to, lanes, 1, 4)
  if (count > 2) v128.store_lane<f32>(to, lanes, 2, 8)
}

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x)
}

/** `a * b + c` */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c)
}

/** `condition ? a : b`, by lane. */
// @ts-ignore: decorator
@inline
export function choose(condition: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, condition)
}

/** Between `low` and `high`; NaN stays NaN, as in PyTorch. */
// @ts-ignore: decorator
@inline
export function between(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high)
}
