import { PetalError } from '../errors.ts'
import { layerDirectives, type LayeredRequest, type Layers } from './layers.ts'
import type { ModelRequest, WrittenDirective } from './model-request.ts'
import { DIRECTIVES, MARKER } from './table.ts'

/** Longer queries are no hand-written imports; the limit keeps error messages and their making small. */
const LONGEST_QUERY = 2000

/**
 * What a name and most values may be written with. `!` is a loader separator in webpack, `#` starts a fragment, quotes and spaces
 * need escaping somewhere: none of them survives every bundler. Directives that need more allow it themselves.
 */
const ALLOWED = /^[A-Za-z0-9_.,:;-]*$/

/** A marker with a sign that parts loaders or begins a fragment elsewhere, or a space: nobody else's query, but a slip. */
const NEARLY_MARKER = new RegExp(`^(?:[!# ]|%2[013])*${MARKER}(?:[!# ]|%2[013]|$)`)

/** An import that asks for a model. */
export interface ModelImport extends LayeredRequest {
  /** The part before the query, untouched. */
  readonly path: string
}

/**
 * Reads an import such as `./net.pt?mobile&block=conv_bn_fusion`. Undefined when the marker is absent: then the import is
 * not ours, whatever else its query says. Percent-escapes are decoded once (URLSearchParams escapes commas); `+` is no space.
 * `layers` are the defaults and presets that hold for it. Throws a PetalError for an import that is ours and not valid.
 */
export function parseImport(id: string, layers: Layers = {}): ModelImport | undefined {
  const mark = id.indexOf('?')
  if (mark < 0 || id.startsWith('\0')) return undefined
  const query = id.slice(mark + 1)
  const pieces = piecesOf(query)
  if (!pieces.some((piece) => piece.split('=', 1)[0] === MARKER)) {
    const meant = pieces.find((piece) => NEARLY_MARKER.test(piece))
    if (meant !== undefined) throw badCharacters(meant)
    return undefined
  }
  if (query.length > LONGEST_QUERY) {
    throw new PetalError({
      code: 'QUERY_TOO_LONG',
      message: `The query of this "?${MARKER}" import has ${query.length} characters; ${LONGEST_QUERY} are allowed.`,
    })
  }
  const path = id.slice(0, mark)
  return { path, ...layerDirectives(pieces.map(readPiece), path, layers) }
}

/** Directives that are written as a query, with or without the question mark. Throws a PetalError for characters that it may not have. */
export const parseQuery = (query: string): WrittenDirective[] => piecesOf(query.replace(/^\?/, '')).map(readPiece)

const piecesOf = (query: string): string[] => query.split('&').filter((piece) => piece !== '')

function readPiece(piece: string): WrittenDirective {
  if (piece.startsWith('amp;')) throw escapedForHtml(piece)
  const equals = piece.indexOf('=')
  const name = decode(equals < 0 ? piece : piece.slice(0, equals), piece, ALLOWED)
  return [name, equals < 0 ? undefined : decode(piece.slice(equals + 1), piece, charactersOf(name))]
}

function charactersOf(name: string): RegExp {
  return Object.hasOwn(DIRECTIVES, name) && DIRECTIVES[name as keyof ModelRequest].characters || ALLOWED
}

function decode(text: string, piece: string, allowed: RegExp): string {
  let decoded = text
  if (text.includes('%')) {
    try {
      decoded = decodeURIComponent(text)
    } catch {
      throw badCharacters(piece)
    }
  }
  if (!allowed.test(decoded)) throw badCharacters(piece)
  return decoded
}

function badCharacters(piece: string): PetalError {
  return new PetalError({
    code: 'BAD_QUERY',
    message: `"${piece}" in this "?${MARKER}" import has characters that it may not have.`,
    fix: 'Directives are made of letters, digits and _ . , : ; - and separated by "&"; paths and shapes may have a few more. '
      + 'What a bundler takes for its own is written with a percent sign: "%20" for a space, "%21" for "!", "%23" for "#".',
  })
}

function escapedForHtml(piece: string): PetalError {
  return new PetalError({
    code: 'BAD_QUERY',
    message: `"&${piece}" in this "?${MARKER}" import begins with what HTML writes for "&".`,
    fix: `Write "&${piece.slice('amp;'.length)}": it is a script.`,
  })
}

/** What Vite's dev server adds to a module's id: `import`, a reload time `t`, a dependency version `v`. */
const DEV_ADDITION = /^(?:import|t=\d+|v=[\da-f]+)$/

/** The id as the user wrote it: without what Vite's dev server adds to a query. */
export function stripDevQuery(id: string): string {
  const mark = id.indexOf('?')
  if (mark < 0) return id
  const kept = id.slice(mark + 1).split('&').filter((piece) => !DEV_ADDITION.test(piece))
  return kept.length === 0 ? id.slice(0, mark) : `${id.slice(0, mark)}?${kept.join('&')}`
}
