import { UNKNOWN } from './module-types.ts'

/** The first line of a declaration file; a file that begins otherwise is somebody's own. */
export const HEADER = '// Made by unplugin-petal: the models that this project imports. It is written anew when one of them changes.'

/** By import, as `src/net.pt?mobile`, what its module contains. Paths are relative to the declaration file. */
export type Declarations = ReadonlyMap<string, string>

/** The imports are modules of their own, so that several patterns can stand for one. */
const SCHEME = 'petal:'

/**
 * The text of a declaration file. A pattern has one star, and patterns that begin with the same letters win in the order that they have here:
 * `.*` goes before those that the package ships, for which `*` stands alone. Models that have the same name and query are told apart by
 * folders, in as far as specifiers name these.
 */
export function render(declarations: Declarations): string {
  const imports = [...declarations].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const modules = imports.map(([name, body]) => `declare module ${JSON.stringify(SCHEME + name)} {\n${body}}\n`)
  const patterns = [...new Set(imports.map(([name]) => afterFolders(name)))]
    .flatMap((end) => patternsOf(imports.filter(([name]) => afterFolders(name) === end)))
    .toSorted((a, b) => b.depth - a.depth || (a.suffix < b.suffix ? -1 : 1))
  const lines = ['.*', '*'].flatMap((start) => patterns.map(({ suffix, body }) => `declare module ${JSON.stringify(`${start}/${suffix}`)} {\n${body}}\n`))
  return [HEADER, '/* eslint-disable */\n', ...modules, ...lines].join('\n')
}

/** The declarations of such a text; undefined for any other one. */
export function parse(text: string): Declarations | undefined {
  if (!text.replaceAll('\r\n', '\n').startsWith(`${HEADER}\n`)) return undefined
  return new Map([...text.replaceAll('\r\n', '\n').matchAll(/^declare module ("petal:.*") \{\n([^]*?)^\}\n/gm)]
    .map(([, name, body]) => [(JSON.parse(name!) as string).slice(SCHEME.length), body!]))
}

/** The file that an import is of. */
export const fileOf = (name: string): string => name.slice(0, name.indexOf('?'))

const afterFolders = (name: string): string => fileOf(name).split('/').at(-1)! + name.slice(name.indexOf('?'))

interface Pattern {
  /** What follows the star and a slash. */
  readonly suffix: string
  /** Folders in it. */
  readonly depth: number
  readonly body: string
}

/** Of imports that end alike. */
function patternsOf(imports: readonly (readonly [name: string, body: string])[]): Pattern[] {
  const [[first, body]] = imports as [readonly [string, string]]
  const isOne = imports.every(([, other]) => other === body)
  const shortest: Pattern = { suffix: afterFolders(first), depth: 0, body: isOne ? reexport(first) : UNKNOWN.handle }
  return isOne ? [shortest] : [...imports.flatMap(([name]) => byFolders(name, imports.map(([other]) => other))), shortest]
}

/** With as many folders as no other one has. */
function byFolders(name: string, all: readonly string[]): Pattern[] {
  const folders = fileOf(name).split('/').filter((part) => part !== '..').length - 1
  for (let depth = 1; depth <= folders; depth++) {
    const suffix = fileOf(name).split('/').slice(-1 - depth).join('/') + name.slice(name.indexOf('?'))
    if (all.every((other) => other === name || !`/${other}`.endsWith(`/${suffix}`))) return [{ suffix, depth, body: reexport(name) }]
  }
  return []
}

const reexport = (name: string): string => `  export { default } from ${JSON.stringify(SCHEME + name)}\n`
