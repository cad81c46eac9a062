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

/** 1 - erf(a) for a >= 0, as e^(a polynomial), which falls without end. An absolute error of 2e-8 before rounding. */
// @ts-ignore: decorator
@inline
export function erfc(a: v128): v128 {
  let p = madd(splat(-3.144024908707799e-05), a, splat(0.0003088026666992483))
  p = madd(p, a, splat(-0.00103240255905368))
  p = madd(p, a, splat(-0.000536932868247797))
  p = madd(p, a, splat(0.01958396059164963))
  p = madd(p, a, splat(-0.10291961372433564))
  p = madd(p, a, splat(-0.6365977333156785))
  p = madd(p, a, splat(-1.1283802515135615))
  return exp(f32x4.mul(p, a))
}

/** Gauss's error function: a polynomial of x^2 up to 1, behind that 1 - {@link erfc}. */
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
  const far = v128.or(f32x4.sub(splat(1), erfc(a)), sign)
  return choose(f32x4.gt(a, splat(1)), far, f32x4.mul(p, x))
}
