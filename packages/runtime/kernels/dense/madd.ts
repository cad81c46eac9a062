/**
 * Multiply and add, the one operation the two builds of this module differ in.
 *
 * The relaxed build uses the engine's fused instruction (rounds once), the other multiplies and then adds (rounds twice).
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function madd(x: v128, y: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, sum)
  return f32x4.add(sum, f32x4.mul(x, y))
}

/**
 * Limits lanes to `low … high`. The operand order matters: `pmin` and `pmax` return their first operand where a lane is NaN,
 * as PyTorch's `clamp` does, and are one machine instruction where `min` and `max` are many.
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function clamp(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high)
}
