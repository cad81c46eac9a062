import { PetalError } from '../errors.ts'
import type { Directive, Stage } from './directive.ts'
import type { ModelRequest, WrittenDirective } from './model-request.ts'
import { nearest } from './nearest.ts'
import { DIRECTIVES, MARKER } from './table.ts'

const byName = new Map<string, Directive>(Object.entries(DIRECTIVES) as unknown as [string, Directive][])

/** What an import without any directive asks for. */
export const defaultRequest: ModelRequest = Object.freeze(
  Object.fromEntries([...byName].map(([name, directive]) => [name, directive.fallback])) as unknown as ModelRequest,
)

/**
 * The request that a list of directives makes, in whatever order, from whatever syntax (a query, import attributes,
 * command line options). The marker may be among them.
 * Throws a PetalError: UNKNOWN_DIRECTIVE, UNKNOWN_VALUE, BAD_VALUE, EMPTY_DIRECTIVE, DUPLICATE_DIRECTIVE, MARKER_VALUE.
 */
export function parseDirectives(written: Iterable<WrittenDirective>): ModelRequest {
  const seen = new Set<string>()
  const request: Record<string, unknown> = { ...defaultRequest }
  for (const [name, value] of written) {
    const directive = byName.get(name)
    if (directive === undefined && name !== MARKER) throw unknownDirective(name)
    if (seen.has(name)) throw duplicateDirective(name)
    seen.add(name)
    if (directive === undefined) checkMarker(value)
    else request[name] = directive.parse(value)
  }
  return Object.freeze(request) as unknown as ModelRequest
}

/**
 * One spelling for all requests that are the same to a stage: the stage's directives (of a conversion also those about examples), defaults
 * written out, empty ones left out, sorted. Fit for cache keys.
 */
export function canonicalRequest(request: ModelRequest, stage: Exclude<Stage, 'import'> = 'compilation'): string {
  return [...byName.values()]
    .filter((directive) => directive.stage === stage || (stage === 'conversion' && directive.stage === 'examples'))
    .flatMap((directive) => directive.print(request[directive.name]) === '' ? [] : `${directive.name}=${directive.print(request[directive.name])}`)
    .toSorted()
    .join('&')
}

/** Names of a stage's directives that ask for something else than their fallback. */
export function givenDirectives(request: ModelRequest, stage: Stage): string[] {
  return [...byName.values()]
    .filter(({ name, stage: own, print, fallback }) => own === stage && print(request[name]) !== print(fallback))
    .map(({ name }) => name)
}

/** Its value is for whoever knows presets. */
function checkMarker(value: string | undefined): void {
  if (value === undefined || value === '' || value === 'true') return
  throw new PetalError({
    code: 'MARKER_VALUE',
    message: `"${MARKER}" takes no value here, and was given "${value}".`,
    fix: `Write "${MARKER}" alone; directives follow it: "?${MARKER}&block=conv_bn_fusion".`,
  })
}

function duplicateDirective(name: string): PetalError {
  return new PetalError({
    code: 'DUPLICATE_DIRECTIVE',
    message: `The directive "${name}" is given more than once.`,
    fix: name === 'block' ? 'Write all names in one list: "block=conv_bn_fusion,fuse_add_relu".' : 'Write it once.',
  })
}

function unknownDirective(name: string): PetalError {
  const valued = [...byName.values()].find((directive) => directive.words.includes(name.toLowerCase()))
  const meant = valued ? `${valued.name}=${name.toLowerCase()}` : nearest(name, byName.keys())
  const all = [...byName.keys()].join(', ')
  return new PetalError({
    code: 'UNKNOWN_DIRECTIVE',
    message: name === '' ? 'A value has no directive name before it.' : `"${name}" is not a directive of a "?${MARKER}" import.`,
    fix: meant === undefined ? `Valid: ${all}.` : `Did you mean "${meant}"? Valid: ${all}.`,
  })
}
