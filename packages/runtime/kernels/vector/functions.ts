import { exp, log, power } from './math'
import { choose, madd, splat } from './vectors'

// Polynomials were fitted to least largest relative error; the errors named are those of the polynomial, before rounding to float32.

/** x - n * ln 2, with ln 2 in two parts. */
// @ts-ignore: decorator
@inline
function remainder(x: v128, n: v128): v128 {
  return madd(n, splat(2.12194440e-4), madd(n, splat(-0.693359375), x))
}

/** e^x - 1 for |x| <= ln 2 / 2. */
// @ts-ignore: decorator
@inline
function expm1Near0(x: v128): v128 {
  let p = madd(splat(0.0013950600302285662), x, splat(0.008368953708369821))
  p = madd(p, x, splat(0.04166620416601882))
  p = madd(p, x, splat(0.16666518303908823))
  p = madd(p, x, splat(0.5000000095694717))
  return madd(f32x4.mul(x, x), p, x)
}

/** e^x - 1 without cancellation near 0, for x <= 88. */
// @ts-ignore: decorator
@inline
export function expm1(x: v128): v128 {
  const bounded = f32x4.pmax(x, splat(-60))
  const n = f32x4.nearest(f32x4.mul(bounded, splat(1.44269504)))
  const scale = power(i32x4.trunc_sat_f32x4_s(n))
  return madd(expm1Near0(remainder(bounded, n)), scale, f32x4.sub(scale, splat(1)))
}

/** log(1 + x) for x >= 0. */
// @ts-ignore: decorator
@inline
export function log1p(x: v128): v128 {
  const u = f32x4.add(x, splat(1))
  // What rounding 1 + x lost.
  const lost = f32x4.sub(f32x4.sub(u, splat(1)), x)
  return f32x4.sub(log(u), f32x4.div(lost, u))
}

/** Gauss's error function: a polynomial of x^2 up to 1, behind that 1 - e^(a polynomial of x). Errors of 1e-9 before rounding. */
// @ts-ignore: decorator
@inline
export function erf(x: v128): v128 {
  const sign = v128.and(x, splat(-0.0))
  const a = v128.xor(x, sign)
  const square = f32x4.mul(x, x)
  let p = madd(splat(7.889119526535704e-5), square, splat(-0.0008020841277995572))
  p = madd(p, square, splat(0.005189535339113233))
  p = madd(p, square, splat(-0.02685444459176485))
  p = madd(p, square, splat(0.11283600176252997))
  p = madd(p, square, splat(-0.37612627135965215))
  p = madd(p, square, splat(1.128379165913751))
  const t = f32x4.pmin(a, splat(4))
  let q = madd(splat(0.00018557489308268504), t, splat(-0.0029396157342080897))
  q = madd(q, t, splat(0.02180535114964699))
  q = madd(q, t, splat(-0.10303743550502092))
  q = madd(q, t, splat(-0.6382256023843463))
  q = madd(q, t, splat(-1.127040079968735))
  q = madd(q, t, splat(-0.000353708930620782))
  const far = v128.or(f32x4.sub(splat(1), exp(q)), sign)
  return choose(f32x4.gt(a, splat(1)), far, f32x4.mul(p, x))
}
