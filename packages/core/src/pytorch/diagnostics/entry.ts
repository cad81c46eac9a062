/** What is known about an error when it is explained. */
export interface Seen {
  /** The groups of the pattern that matched, by name. */
  readonly groups: Readonly<Record<string, string>>
  /** The marked line of the project's code, trimmed; empty where there is none. */
  readonly statement: string
  /** The lines of the file that has the statement, and its number from 1; no lines where there is no such file. */
  readonly lines: readonly string[]
  readonly line: number
}

/** Text with the groups of the pattern in it (`{name}`), or a function that finds the words. */
export type Wording = string | ((seen: Seen) => string)

/** One error of the catalogue. */
export interface Entry {
  /** Name of the folder in test/script-errors that shows it. */
  readonly id: string
  /** What is wrong, as a heading. */
  readonly title: string
  /** What PyTorch says, an example that the pattern matches. */
  readonly says: string
  /** Matched against PyTorch's message without the places in it. Its named groups go into the wording. */
  readonly pattern: RegExp
  /** Why, in one sentence. */
  readonly cause: Wording
  /** The exact change to make. */
  readonly fix: Wording
  /** Which conversion meets it; `script` without it. */
  readonly method?: 'trace'
  /** First PyTorch release that takes the code as it is. */
  readonly fixedIn?: string
}

/** The wording for what was seen. */
export function word(wording: Wording, seen: Seen): string {
  if (typeof wording === 'function') return wording(seen)
  return wording.replaceAll(/\{(\w+)\}/g, (whole, name: string) => seen.groups[name] ?? whole)
}
