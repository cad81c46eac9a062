/**
 * Four elements or one: loops are written once, with the number of lanes as a constant, and expanded for whole vectors and for what
 * is left.
 */

// @ts-ignore: a decorator of AssemblyScript
@inline
export function loadLanes(lanes: i32, address: usize): v128 {
  return lanes == 4 ? v128.load(address) : v128.load32_zero(address)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
export function storeLanes(lanes: i32, address: usize, x: v128): void {
  if (lanes == 4) v128.store(address, x)
  else v128.store32_lane(address, x, 0)
}

/** Largest of the lanes; NaN where one is. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function largestLane(x: v128): f32 {
  x = f32x4.max(x, i32x4.shuffle(x, x, 2, 3, 0, 1))
  return max<f32>(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1))
}

/** Sum of the lanes. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function sumLanes(x: v128): f32 {
  x = f32x4.add(x, i32x4.shuffle(x, x, 2, 3, 0, 1))
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1)
}
