import { PetalError } from '../errors.ts'
import type { Stage } from './directive.ts'
import type { ModelRequest, WrittenDirective } from './model-request.ts'
import { nearest } from './nearest.ts'
import { parseDirectives } from './parse.ts'
import { DIRECTIVES, MARKER } from './table.ts'

/** What is said apart from an import: it wins over its preset, and that over the defaults. */
export interface Layers {
  /** Directives for a model whose import and preset say nothing of them. */
  readonly defaults?: ((path: string) => readonly WrittenDirective[]) | undefined
  /** By the name that an import gives to the marker: `?mobile=camera`. */
  readonly presets?: Readonly<Record<string, readonly WrittenDirective[]>> | undefined
}

/** What an import asks for, together with its preset and the defaults. */
export interface LayeredRequest {
  readonly request: ModelRequest
  /** The same, without what the defaults say of some stages: a model may be past them. */
  without(stages: readonly Stage[]): ModelRequest
}

/**
 * The request of an import. Throws a PetalError: UNKNOWN_PRESET, and those of `parseDirectives`.
 */
export function layerDirectives(written: readonly WrittenDirective[], path: string, { defaults, presets = {} }: Layers): LayeredRequest {
  const preset = presetOf(written, presets)
  const own = written.map(([name, value]): WrittenDirective => (name === MARKER ? [name, undefined] : [name, value]))
  // What is written twice in one place is a mistake there.
  parseDirectives(own)
  const lowest = defaults?.(path) ?? []
  const without: LayeredRequest['without'] = (stages) =>
    parseDirectives(new Map([...lowest.filter(([name]) => !stages.includes(stageOf(name))), ...preset, ...own]))
  return { request: without([]), without }
}

/** Names that are no directives are for `parseDirectives` to refuse. */
const stageOf = (name: string): Stage => (Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name as keyof ModelRequest].stage : 'import')

/** `mobile=` and `mobile=true` are how URLSearchParams and Vite's `import.meta.glob({ query: { mobile: true } })` write a bare word. */
function presetOf(written: readonly WrittenDirective[], presets: NonNullable<Layers['presets']>): readonly WrittenDirective[] {
  const name = written.find(([directive]) => directive === MARKER)?.[1]
  if (name === undefined || name === '' || name === 'true') return []
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined
  if (preset) return preset
  const names = Object.keys(presets)
  const meant = nearest(name, names)
  const known = names.length === 0 ? 'None is defined.' : `Presets: ${names.join(', ')}.`
  throw new PetalError({
    code: 'UNKNOWN_PRESET',
    message: `"${name}" in "${MARKER}=${name}" is not a preset.`,
    fix: meant === undefined
      ? `${known} Name it in the option "presets" of the plugin, or write "${MARKER}" alone: "?${MARKER}&block=conv_bn_fusion".`
      : `Did you mean "${MARKER}=${meant}"? ${known}`,
  })
}
