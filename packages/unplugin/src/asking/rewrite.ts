import { dirname, resolve } from 'node:path'
import { codeFrame, PetalError, specifierOfAttributes } from '@petaljs/core/asking'
import { importsOf, type Script, scriptsOf, type WrittenImport } from '@petaljs/core/scan'
import MagicString, { type SourceMap } from 'magic-string'
import { MODEL_FILE, pathOf } from '../ids.ts'

/** How a bundler wants it. */
export interface RewriteOptions {
  /** What URLs of assets are relative to, where they are: an expression. */
  readonly base: string
  isOurs(file: string): boolean
  /** See the bundler's `write`. */
  write?: ((specifier: string) => string | undefined) | undefined
}

/** A module, rewritten. */
export interface Rewritten {
  readonly code: string
  readonly map: SourceMap
}

/**
 * Makes plain imports of what bundlers would take for something else: `new URL('./net.pt?mobile', import.meta.url)` becomes the URL of the
 * compiled file, and `with { type: 'mobile' }` a query. Undefined where there is none of it.
 * Throws a PetalError for a URL that is computed.
 */
export function rewrite(code: string, id: string, options: RewriteOptions): Rewritten | undefined {
  const file = pathOf(id)
  const text = new MagicString(code)
  for (const script of scriptsIn(id, code)) {
    refuseComputed(script, file)
    const added = importsOf(script).flatMap((found) => rewriteImport(text, found, file, options))
    const unique = [...new Set(added)]
    // At the end: what stands at the beginning of a module has a meaning there, and imports are hoisted.
    if (unique.length > 0) text.appendLeft(script.text.length, `\n${unique.join('\n')}\n`)
  }
  if (!text.hasChanged()) return undefined
  return { code: text.toString(), map: text.generateMap({ hires: 'boundary', source: file, includeContent: true }) }
}

/** Of a component only its scripts; what other plugins made of a part of one is a script all through. */
const scriptsIn = (id: string, code: string): readonly Script[] =>
  (/\?(?:.*&)?(?:html-proxy|vue|svelte)\b/.test(id) ? [{ text: code, hasJsx: false }] : scriptsOf(pathOf(id), code))

/** Rewrites one import and gives the statement that it needs, if any. */
function rewriteImport(text: MagicString, found: WrittenImport, importer: string, options: RewriteOptions): string[] {
  const { base, isOurs } = options
  const [specifier = ''] = found.specifiers
  const written = (wanted: string): string => writtenAt(wanted, found, text.original, importer, options)
  const marked = found.clause && MODEL_FILE.test(specifier) ? specifierOfAttributes(specifier, found.attributes) : undefined
  if (found.clause && marked !== undefined && isOurs(located(marked, importer))) {
    text.overwrite(found.literal.start, found.clause.end, JSON.stringify(written(marked)))
    return []
  }
  if (!found.base && !found.isGlob && MODEL_FILE.test(specifier) && ABOUT_MOBILE.test(specifier) && isOurs(located(specifier, importer))) {
    const other = written(specifier)
    if (other !== specifier) text.overwrite(found.literal.start, found.literal.end, JSON.stringify(other))
    return []
  }
  const wanted = found.base && urlSpecifier(specifier)
  if (!found.base || wanted === undefined || !isOurs(located(wanted, importer))) return []
  const name = `__petal_url_${nameOf(wanted)}`
  text.overwrite(found.literal.start, found.literal.end, name)
  if (base !== text.slice(found.base.start, found.base.end)) text.overwrite(found.base.start, found.base.end, base)
  return [`import ${name} from ${JSON.stringify(written(wanted))}`]
}

/** The marker among whatever signs. */
const ABOUT_MOBILE = /\?.*\bmobile\b/s

/** A specifier as the bundler wants it. Throws a PetalError where it cannot be one. */
function writtenAt(specifier: string, { line, column, literal }: WrittenImport, text: string, file: string, { write }: RewriteOptions): string {
  const written = write ? write(specifier) : specifier
  if (written !== undefined) return written
  throw new PetalError({
    code: 'BAD_PATH',
    message: `The path of the model in "${specifier}" has a "!", at which this bundler parts a specifier into loaders.`,
    fix: 'Rename the file or the folder; it cannot be escaped in a path. In the query "!" is written as "%21".',
    location: { file, line, column, frame: codeFrame(text.split('\n'), { line, column, width: literal.end - literal.start - 2 }) },
  })
}

/** The import that gives the URL that a specifier means; undefined where that is not marked. */
function urlSpecifier(specifier: string): string | undefined {
  const query = specifier.slice(pathOf(specifier).length)
  if (!MODEL_FILE.test(specifier) || !/[?&]mobile(?:[&=]|$)/.test(query) || /^[a-z][a-z\d+.-]*:/i.test(specifier)) return undefined
  // Of URLs, `net.pt` is beside the module; of imports, it would be a package. What begins with a sign is an alias.
  const path = /^\w/.test(specifier) ? `./${specifier}` : specifier
  return /[?&]as=/.test(query) ? path : `${path}&as=url`
}

/** A name that follows from the text alone. */
function nameOf(specifier: string): string {
  let hash = 0
  for (const character of specifier) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0
  return hash.toString(36)
}

/** A path that filters can be asked about; of aliases and packages nothing more is known here. */
const located = (specifier: string, importer: string): string =>
  (specifier.startsWith('.') ? resolve(dirname(importer), pathOf(specifier)) : pathOf(specifier))

/** What a bundler would take for a folder of unmarked files. */
const COMPUTED = /new\s+URL\s*\(\s*`([^`]*\$\{[^`]*\.\w+\?(?:[^`]*&)?mobile[^`]*)`\s*,\s*import\.meta\.url/

function refuseComputed({ text }: Script, file: string): void {
  const match = COMPUTED.exec(text)
  if (!match || !MODEL_FILE.test(match[1]!)) return
  const before = text.slice(0, match.index + match[0].indexOf('`')).split('\n')
  const line = before.length
  const column = before.at(-1)!.length + 1
  throw new PetalError({
    code: 'COMPUTED_URL',
    message: `The model in \`${match[1]}\` is only known when the app runs, so it cannot be compiled when it is built.`,
    fix: 'Write one URL for each model, or take "import.meta.glob" in Vite.',
    location: { file, line, column, frame: codeFrame(text.split('\n'), { line, column, width: match[1]!.length + 2 }) },
  })
}
