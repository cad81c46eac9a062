/** A list of numbers as Python prints it. */
export function listed(numbers: readonly (number | bigint)[]): string {
  return `[${numbers.join(', ')}]`
}
