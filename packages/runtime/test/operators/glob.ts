/** Matches a name with a pattern in which `*` stands for anything. */
export function matchesGlob(name: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*')}$`).test(name)
}
