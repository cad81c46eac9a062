import colors from 'picocolors'

/** What a terminal or an editor would obey instead of show. Names out of model files may hold it. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** A text out of a file or an argument, safe to print. */
export function plain(text: string): string {
  return text.replaceAll(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** `13.6 MB`; a kB is 1000 bytes, as bundlers count. */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** `1 place`, `2 places`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Lines on standard output. */
export function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** A value on standard output, for programs. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2))
}

/** A warning on standard error. */
export function warn(text: string): void {
  process.stderr.write(`${colors.yellow('warning:')} ${plain(text)}\n`)
}
