const short = (text: string): string => text.includes('.') ? text.replace(/\.?0+$/, '') : text

/** C's `%g`. */
export function formatGeneral(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf'
  const [mantissa, exponent] = value.toExponential(digits - 1).split('e') as [string, string]
  if (Number(exponent) >= -4 && Number(exponent) < digits) return short(value.toFixed(Math.min(digits - 1 - Number(exponent), 100)))
  return short(mantissa) + exponentOf(exponent)
}

/** C's `%e`. */
export function formatScientific(value: number, digits: number): string {
  if (!Number.isFinite(value)) return formatGeneral(value, 6)
  const [mantissa, exponent] = value.toExponential(digits).split('e') as [string, string]
  return mantissa + exponentOf(exponent)
}

/** C writes two digits at least. */
const exponentOf = (exponent: string): string => `e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
