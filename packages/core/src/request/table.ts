import type { Directive } from './directive.ts'
import { args, check, convert, entry, input, quantize, script, trace, trust, weights } from './directives/conversion.ts'
import { block } from './directives/optimizations.ts'
import { as } from './directives/shape.ts'
import { backend, format } from './directives/target.ts'
import type { ModelRequest } from './model-request.ts'

/** The word that makes an import ours. It carries no value. */
export const MARKER = 'mobile'

/** Every directive, in the order of their names. */
export const DIRECTIVES: { readonly [Field in keyof ModelRequest]: Directive<Field> } = {
  args, as, backend, block, check, convert, entry, format, input, quantize, script, trace, trust, weights,
}
