/**
 * Functions of four floats. Errors are at most 2.5 units in the last place (of exp and log 1); NaN stays NaN.
 * Polynomials are those of Moshier's Cephes library (single precision).
 */

// @ts-ignore: a decorator of AssemblyScript
@inline
function constant(x: f32): v128 {
  return f32x4.splat(x)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function muladd(x: v128, y: v128, z: v128): v128 {
  return f32x4.add(f32x4.mul(x, y), z)
}

/** 2 to the power of whole numbers that are given as int32, -126 … 127. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function power(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23)
}

/** e to the power of x. Underflows to zero through the subnormal numbers, overflows to infinity. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function exp(x: v128): v128 {
  // Beyond these limits the result is 0 or infinity. The first operand is kept where it is NaN.
  x = f32x4.pmin(f32x4.pmax(x, constant(-104.0)), constant(89.0))
  const n = f32x4.nearest(f32x4.mul(x, constant(1.44269504088896341)))
  let r = muladd(n, constant(-0.693359375), x)
  r = muladd(n, constant(2.12194440e-4), r)
  let p = muladd(constant(1.9875691500e-4), r, constant(1.3981999507e-3))
  p = muladd(p, r, constant(8.3334519073e-3))
  p = muladd(p, r, constant(4.1665795894e-2))
  p = muladd(p, r, constant(1.6666665459e-1))
  p = muladd(p, r, constant(5.0000001201e-1))
  p = f32x4.add(muladd(p, f32x4.mul(r, r), r), constant(1))
  // In two steps, as neither 2^-150 nor 2^128 is a normal float.
  const whole = i32x4.trunc_sat_f32x4_s(n)
  const half = i32x4.shr_s(whole, 1)
  return f32x4.mul(f32x4.mul(p, power(half)), power(i32x4.sub(whole, half)))
}

/** 1 / (1 + e^-x). */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(constant(1), f32x4.add(constant(1), exp(f32x4.neg(x))))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
export function tanh(x: v128): v128 {
  const size = f32x4.abs(x)
  const sign = v128.xor(x, size)
  const large = f32x4.sub(constant(1), f32x4.div(constant(2), f32x4.add(exp(f32x4.add(size, size)), constant(1))))
  const z = f32x4.mul(x, x)
  let p = muladd(constant(-5.70498872745e-3), z, constant(2.06390887954e-2))
  p = muladd(p, z, constant(-5.37397155531e-2))
  p = muladd(p, z, constant(1.33314422036e-1))
  p = muladd(p, z, constant(-3.33332819422e-1))
  const small = muladd(f32x4.mul(p, z), x, x)
  return v128.bitselect(small, v128.or(large, sign), f32x4.lt(size, constant(0.625)))
}

/** The natural logarithm: -infinity of 0, NaN of what is below. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function log(x: v128): v128 {
  // Subnormal numbers are brought into the normal range.
  const tiny = f32x4.lt(x, constant(1.17549435e-38))
  const normal = f32x4.mul(x, v128.bitselect(constant(8388608), constant(1), tiny))
  // The mantissa in [sqrt(1/2), sqrt(2)) and the exponent that goes with it.
  const offset = i32x4.sub(normal, i32x4.splat(0x3f3504f3))
  let e = f32x4.convert_i32x4_s(i32x4.shr_s(offset, 23))
  e = f32x4.sub(e, v128.and(constant(23), tiny))
  const m = i32x4.add(v128.and(offset, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3))
  const f = f32x4.sub(m, constant(1))
  const z = f32x4.mul(f, f)
  let p = muladd(constant(7.0376836292e-2), f, constant(-1.1514610310e-1))
  p = muladd(p, f, constant(1.1676998740e-1))
  p = muladd(p, f, constant(-1.2420140846e-1))
  p = muladd(p, f, constant(1.4249322787e-1))
  p = muladd(p, f, constant(-1.6668057665e-1))
  p = muladd(p, f, constant(2.0000714765e-1))
  p = muladd(p, f, constant(-2.4999993993e-1))
  p = muladd(p, f, constant(3.3333331174e-1))
  p = f32x4.mul(f32x4.mul(p, f), z)
  p = muladd(e, constant(-2.12194440e-4), p)
  p = muladd(z, constant(-0.5), p)
  const result = muladd(e, constant(0.693359375), f32x4.add(f, p))
  // 0, infinity, and what has no logarithm.
  const infinite = v128.bitselect(constant(-Infinity), x, f32x4.eq(x, constant(0)))
  const special = v128.bitselect(constant(NaN), infinite, f32x4.lt(x, constant(0)))
  const ordinary = v128.and(f32x4.gt(x, constant(0)), f32x4.lt(x, constant(Infinity)))
  return v128.bitselect(result, special, ordinary)
}
