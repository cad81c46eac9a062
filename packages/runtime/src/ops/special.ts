// Special functions in double precision, for Python's numbers; tensors have kernels.

/** Lanczos' coefficients for g = 7, n = 9 (Godfrey). */
const LANCZOS = [
  0.999_999_999_999_809_93, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_13, -176.615_029_162_140_59,
  12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_571_6e-6, 1.505_632_735_149_311_6e-7,
]

/** The logarithm of |Γ(x)|; relative error about 1e-14. */
export function lgamma(x: number): number {
  if (Math.abs(x) === Infinity) return Infinity
  if (x <= 0 && Number.isInteger(x)) return Infinity
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - lgamma(1 - x)
  if (x === 1 || x === 2) return 0
  const t = x + 6.5
  return (x - 0.5) * Math.log(t) - t + Math.log(Math.sqrt(2 * Math.PI) * lanczos(x))
}

/** Γ(x); relative error about 1e-14. */
export function gamma(x: number): number {
  if (x === 0) return 1 / x
  if (Number.isInteger(x) && x < 0) return NaN
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x))
  if (x > 171.7) return Infinity
  if (Number.isInteger(x)) {
    let product = 1
    for (let factor = 2; factor < x; factor++) product *= factor
    return product
  }
  const t = x + 6.5
  // The power in two halves, which would overflow before its product with the exponential does.
  const half = t ** ((x - 0.5) / 2)
  return Math.sqrt(2 * Math.PI) * half * Math.exp(-t) * half * lanczos(x)
}

function lanczos(x: number): number {
  return LANCZOS.reduce((sum, coefficient, i) => i === 0 ? coefficient : sum + coefficient / (x - 1 + i), 0)
}

/** The error function; relative error about 1e-15. */
export function erf(x: number): number {
  if (Math.abs(x) >= 2.5) return Math.sign(x) * (1 - erfc(Math.abs(x)))
  // A series of terms of one sign (Abramowitz and Stegun 7.1.6).
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= 2 * x * x / (2 * n + 1)
    sum += term
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum
}

/** One minus the error function, without cancellation for large arguments. */
export function erfc(x: number): number {
  if (!(x >= 2.5)) return 1 - erf(x)
  // A continued fraction (Abramowitz and Stegun 7.1.14), from the inside.
  let value = 0
  for (let n = 80; n >= 1; n--) value = n / 2 / (x + value)
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + value)
}
