import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { glob } from 'tinyglobby'
import { PetalError } from '../errors.ts'
import { codeFrame } from '../frame.ts'
import { portable } from '../project.ts'
import { type LayeredRequest, type Layers, type ModelRequest, parseImport, specifierOfAttributes } from '../request/index.ts'
import { importsOf, LONGEST_SOURCE, type WrittenImport } from './imports.ts'
import { scriptsOf, SOURCE_FILE } from './scripts.ts'

export { importsOf, type WrittenImport } from './imports.ts'
export { type Script, scriptsOf } from './scripts.ts'

/** An import of a model, found in a source. */
export interface ScannedImport {
  /** Absolute path of the model. */
  readonly file: string
  readonly request: ModelRequest
  /** The same, without what the defaults say of some stages: a model may be past them. */
  readonly without: LayeredRequest['without']
  /** As it is written. */
  readonly specifier: string
  /** Absolute path of the source, and where the specifier is in it; both count from 1. */
  readonly importer: string
  readonly line: number
  readonly column: number
}

/** What a search of an app's sources gave. */
export interface Scan {
  /** Sorted by importer and place. */
  readonly imports: readonly ScannedImport[]
  /** Marked imports that are not valid, or whose model cannot be told without the bundler. */
  readonly problems: readonly PetalError[]
  /** How many sources were read. */
  readonly sources: number
}

/** Where to search, and what a bundler's configuration would tell. */
export interface ScanOptions {
  /** The app's root, which `/models/net.pt` is relative to; the folder itself when left out. */
  readonly root?: string
  /** What specifiers may begin with, and the folder that it stands for: `@` and `src`. Relative to the root. */
  readonly aliases?: ReadonlyMap<string, string> | undefined
  /** The plugin's defaults and presets. */
  readonly layers?: Layers | undefined
}

/** Files that an import of ours may name. */
const MODEL_FILE = /\.(?:py|pt|pth|ptl|pt2|pte|ckpt|safetensors|onnx)$/i

/** Never an app's sources; those of the second kind only at the top. */
const SKIPPED = new Set(['node_modules', 'bower_components'])
const SKIPPED_AT_TOP = new Set(['dist', 'build', 'out', 'coverage'])

/** All imports of models with literal specifiers in the sources of a folder. Throws a PetalError (NO_FOLDER) where there is no folder. */
export async function scanImports(folder: string, options: ScanOptions = {}): Promise<Scan> {
  const top = resolve(folder)
  if (!await stat(top).then((stats) => stats.isDirectory(), () => false)) {
    throw new PetalError({ code: 'NO_FOLDER', message: `${folder} is no folder.`, fix: 'Name the folder of the app.' })
  }
  const root = resolve(options.root ?? top)
  const aliases = [...options.aliases ?? []]
  const { layers = {} } = options
  const imports: ScannedImport[] = []
  const problems: PetalError[] = []
  const files = await sourceFiles(top, top)
  for (const importer of files) {
    const text = await readFile(importer, 'utf8')
    // Lexing takes a hundred times as long as this.
    if (text.length > LONGEST_SOURCE || !text.includes('mobile')) continue
    for (const written of scriptsOf(importer, text).flatMap(importsOf)) {
      const { line, column } = written
      try {
        const found = await marked(written, { importer, root, aliases, layers })
        for (const one of found) imports.push({ ...one, importer, line, column })
      } catch (error) {
        if (!(error instanceof PetalError)) throw error
        const width = written.specifiers[0]?.length ?? 1
        const frame = codeFrame(text.split('\n'), { line, column, width })
        problems.push(error.at({ file: portable(root, importer), line, column, frame }))
      }
    }
  }
  return { imports, problems, sources: files.length }
}

async function sourceFiles(folder: string, top: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const nested = await Promise.all(entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(async (entry) => {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || SKIPPED.has(entry.name) || (folder === top && SKIPPED_AT_TOP.has(entry.name))) return []
    if (entry.isDirectory()) return await sourceFiles(path, top)
    return entry.isFile() && SOURCE_FILE.test(entry.name) ? [path] : []
  }))
  return nested.flat()
}

interface Surroundings {
  readonly importer: string
  readonly root: string
  readonly aliases: readonly (readonly [string, string])[]
  readonly layers: Layers
}

type Marked = Pick<ScannedImport, 'file' | 'request' | 'without' | 'specifier'>

/** The models that an import asks for: none where it is not ours. */
async function marked(written: WrittenImport, around: Surroundings): Promise<Marked[]> {
  if (written.isGlob) return await globbed(written, around)
  const [specifier = ''] = written.specifiers
  const id = specifierOfAttributes(specifier, written.attributes) ?? specifier
  if (!MODEL_FILE.test(specifier.replace(/\?.*$/s, ''))) return []
  const parsed = parseImport(id, around.layers)
  if (!parsed) return []
  const { path, request, without } = parsed
  return [{ file: located(path, around), request, without, specifier: id }]
}

async function globbed({ specifiers, query }: WrittenImport, { importer, root, layers }: Surroundings): Promise<Marked[]> {
  if (!parseImport(`net.pt${query}`, layers)) return []
  const patterns = specifiers.map((pattern) => {
    const [, not = '', path = ''] = /^(!?)(.*)$/s.exec(pattern)!
    return not + (path.startsWith('/') ? path.slice(1) : portable(root, resolve(dirname(importer), path)))
  })
  const files = await glob(patterns, { cwd: root, absolute: true, expandDirectories: false, ignore: ['**/node_modules/**'] })
  return files.filter((path) => MODEL_FILE.test(path)).toSorted().map((path): Marked => {
    const { request, without } = parseImport(path + query, layers)!
    return { file: resolve(path), request, without, specifier: portable(dirname(importer), path).replace(/^(?!\.\.?\/)/, './') + query }
  })
}

/** The model's path, as bundlers find it. */
function located(path: string, { importer, root, aliases }: Surroundings): string {
  if (/^\.\.?\//.test(path)) return resolve(dirname(importer), path)
  const alias = aliases.find(([name]) => path === name || path.startsWith(name.endsWith('/') ? name : `${name}/`))
  if (alias) return resolve(root, alias[1], path.slice(alias[0].length).replace(/^\/+/, ''))
  if (path.startsWith('/')) return [path, join(root, path)].find((one) => existsSync(one)) ?? join(root, path)
  // HTML and `new URL` name files beside themselves so.
  const beside = resolve(dirname(importer), path)
  try {
    return createRequire(importer).resolve(path)
  } catch {
    if (existsSync(beside)) return beside
    throw new PetalError({
      code: 'UNRESOLVED_IMPORT', message: `"${path}" is not found from ${portable(root, importer)}.`,
      cause: 'It begins with an alias of the bundler, or its package is not installed.',
      fix: `Where it is an alias, say which folder it stands for: --alias ${path.split('/')[0]}=src`,
    })
  }
}
