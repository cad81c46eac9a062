import * as functions from './functions'
import * as math from './math'
import { between, choose, loadPart, madd, splat, storePart } from './vectors'

// Operations with one operand, on rows of floats that lie one after the other; in place is fine. The step between columns is not used:
// arguments are alike in all elementwise kernels.

// @ts-ignore: decorator
@inline
const CLAMP = 0
// @ts-ignore: decorator
@inline
const HARDSWISH = 1
// @ts-ignore: decorator
@inline
const HARDSIGMOID = 2
// @ts-ignore: decorator
@inline
const LEAKY_RELU = 3
// @ts-ignore: decorator
@inline
const ABS = 4
// @ts-ignore: decorator
@inline
const SQRT = 5
// @ts-ignore: decorator
@inline
const RSQRT = 6
// @ts-ignore: decorator
@inline
const EXP = 7
// @ts-ignore: decorator
@inline
const LOG = 8
// @ts-ignore: decorator
@inline
const TANH = 9
// @ts-ignore: decorator
@inline
const SIGMOID = 10
// @ts-ignore: decorator
@inline
const SILU = 11
// @ts-ignore: decorator
@inline
const GELU = 12
// @ts-ignore: decorator
@inline
const GELU_TANH = 13
// @ts-ignore: decorator
@inline
const ERF = 14
// @ts-ignore: decorator
@inline
const ELU = 15
// @ts-ignore: decorator
@inline
const SOFTPLUS = 16
// @ts-ignore: decorator
@inline
const MISH = 17

/** x / 2 * erfc(-x / sqrt(2)), where erfc(-a) is 2 - erfc(a). What 1 + erf(x) rounds to nothing is nothing, as in PyTorch. */
// @ts-ignore: decorator
@inline
function geluOf(x: v128): v128 {
  const tail = functions.erfc(f32x4.mul(f32x4.abs(x), splat(0.70710678)))
  const rest = f32x4.mul(splat(0.5), choose(f32x4.lt(tail, splat(2.98e-8)), splat(0), tail))
  return f32x4.mul(x, choose(f32x4.gt(x, splat(0)), f32x4.sub(splat(1), rest), rest))
}

/** x * sigmoid(2 k) with k = sqrt(2 / pi) * (x + 0.044715 x^3), which is x / 2 * (1 + tanh(k)); nothing where that rounds to nothing. */
// @ts-ignore: decorator
@inline
function geluTanhOf(x: v128): v128 {
  const k = f32x4.mul(x, madd(f32x4.mul(x, x), splat(-0.0713548162726), splat(-1.59576912161)))
  const e = math.exp(k)
  return f32x4.div(x, f32x4.add(splat(1), choose(f32x4.gt(e, splat(6.7e7)), splat(Infinity), e)))
}

// @ts-ignore: decorator
@inline
function softplusOf(x: v128, beta: v128, threshold: v128): v128 {
  const z = f32x4.mul(x, beta)
  return choose(f32x4.gt(z, threshold), x, f32x4.div(functions.log1p(math.exp(z)), beta))
}

/** With e = e^x, tanh(log(1 + e)) is (e^2 + 2e) / (e^2 + 2e + 2). */
// @ts-ignore: decorator
@inline
function mishOf(x: v128): v128 {
  const e = math.exp(f32x4.pmin(x, splat(20)))
  const n = f32x4.mul(e, f32x4.add(e, splat(2)))
  return f32x4.mul(x, f32x4.div(n, f32x4.add(n, splat(2))))
}

// @ts-ignore: decorator
@inline
function operate(operation: i32, x: v128, p: v128, q: v128, r: v128): v128 {
  if (operation == CLAMP) return between(x, p, q)
  if (operation == HARDSWISH) return f32x4.mul(f32x4.mul(x, between(f32x4.add(x, splat(3)), splat(0), splat(6))), splat(1 / 6))
  if (operation == HARDSIGMOID) return f32x4.mul(between(f32x4.add(x, splat(3)), splat(0), splat(6)), splat(1 / 6))
  if (operation == LEAKY_RELU) return choose(f32x4.gt(x, splat(0)), x, f32x4.mul(x, p))
  if (operation == ABS) return f32x4.abs(x)
  if (operation == SQRT) return f32x4.sqrt(x)
  if (operation == RSQRT) return f32x4.div(splat(1), f32x4.sqrt(x))
  if (operation == EXP) return math.exp(x)
  if (operation == LOG) return math.log(x)
  if (operation == TANH) return math.tanh(x)
  if (operation == SIGMOID) return math.sigmoid(x)
  if (operation == SILU) return f32x4.div(x, f32x4.add(splat(1), math.exp(f32x4.neg(x))))
  if (operation == GELU) return geluOf(x)
  if (operation == GELU_TANH) return geluTanhOf(x)
  if (operation == ERF) return functions.erf(x)
  if (operation == ELU) return choose(f32x4.gt(x, splat(0)), f32x4.mul(x, q), f32x4.mul(functions.expm1(f32x4.mul(f32x4.pmin(x, splat(0)), r)), p))
  if (operation == SOFTPLUS) return softplusOf(x, p, q)
  return mishOf(x)
}

// @ts-ignore: decorator
@inline
function unary(operation: i32, to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, p: f32, q: f32, r: f32): void {
  const vp = splat(p)
  const vq = splat(q)
  const vr = splat(r)
  for (let row = 0; row < rows; row++, to += toRow, from += fromRow) {
    let a = from
    let b = to
    for (let count = columns; count > 0; count -= 4, b += 16, a += 16) {
      // One place for the operation, since it may be long.
      const x = operate(operation, count >= 4 ? v128.load(a) : loadPart(a, count), vp, vq, vr)
      if (count >= 4) v128.store(b, x)
      else storePart(b, x, count)
    }
  }
}

/** Between `p` and `q`. */
export function clamp(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32, p: f32, q: f32): void {
  unary(CLAMP, to, from, rows, columns, toRow, fromRow, p, q, 0)
}
/** `x * clamp(x + 3, 0, 6) / 6` */
export function hardswish(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(HARDSWISH, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
/** `clamp(x + 3, 0, 6) / 6` */
export function hardsigmoid(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(HARDSIGMOID, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
/** `x > 0 ? x : p * x` */
export function leakyRelu(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32, p: f32): void {
  unary(LEAKY_RELU, to, from, rows, columns, toRow, fromRow, p, 0, 0)
}
export function abs(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(ABS, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
export function sqrt(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(SQRT, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
/** `1 / sqrt(x)` */
export function rsqrt(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(RSQRT, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
export function exp(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(EXP, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
export function log(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(LOG, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
export function tanh(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(TANH, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
export function sigmoid(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(SIGMOID, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
/** `x * sigmoid(x)` */
export function silu(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(SILU, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
/** `x / 2 * (1 + erf(x / sqrt(2)))` */
export function gelu(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(GELU, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
/** gelu with the approximation by tanh */
export function geluTanh(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(GELU_TANH, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
export function erf(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(ERF, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
/** `x > 0 ? q * x : p * (e^(r * x) - 1)` */
export function elu(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32, p: f32, q: f32, r: f32): void {
  unary(ELU, to, from, rows, columns, toRow, fromRow, p, q, r)
}
/** `log(1 + e^(p * x)) / p`, and x where `p * x` is more than `q` */
export function softplus(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32, p: f32, q: f32): void {
  unary(SOFTPLUS, to, from, rows, columns, toRow, fromRow, p, q, 0)
}
/** `x * tanh(log(1 + e^x))` */
export function mish(to: usize, from: usize, rows: i32, columns: i32, toRow: isize, fromRow: isize, _: i32): void {
  unary(MISH, to, from, rows, columns, toRow, fromRow, 0, 0, 0)
}
