/** What is known about an error when it is explained. */
export interface Seen {
  /** What the patterns found, by name. */
  readonly groups: Readonly<Record<string, string>>
  /** What PyTorch marks: `decoder.n_layers`; empty where it marks nothing, or more than a line. */
  readonly marked: string
  /** The lines of the project's file that has the place, and the place's line, from 1; none and 0 where there is no place. */
  readonly lines: readonly string[]
  readonly line: number
}

/** Text with the groups of the patterns in it (`{name}`), or a function that finds the words. */
export type Wording = string | ((seen: Seen) => string)

/** One error of the catalogue. */
export interface Entry {
  /** Name of the folder in test/script-errors that shows it. */
  readonly id: string
  /** What is wrong, as a heading. */
  readonly title: string
  /** Matched against PyTorch's message without the places in it. Its named groups go into the wording. */
  readonly pattern: RegExp
  /** Matched against `file: line of code` of the innermost place in the message, PyTorch's own files included, where the text alone does not tell. */
  readonly place?: RegExp
  /** Finds the line in the project's file where PyTorch names none in it. */
  readonly find?: string
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
  return typeof wording === 'function' ? wording(seen) : fill(wording, seen.groups)
}

/** Puts groups into a text; PyTorch's names for types become those that Python code has. */
export function fill(text: string, groups: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => groups[name] === undefined ? whole : typeName(groups[name]))
}

/** A type as one writes it: `Tensor (inferred)` is a Tensor, `__torch__.net.Head (of Python …)` is a Head. */
export function typeName(name: string): string {
  return name.replace(' (inferred)', '').replaceAll(/__torch__\.(?:\w+\.)*(\w+)(?: \(of Python compilation unit[^)]*\))?/g, '$1')
}
