import type { Directive } from './directive.ts'
import { args, check, convert, entry, input, quantize, script, trace, trust, weights } from './directives/conversion.ts'
import { channels, crop, image, layout, mean, range, resize, scaling, std } from './directives/image.ts'
import { block, tolerance } from './directives/optimizations.ts'
import { as, requires } from './directives/shape.ts'
import { bundle, lint, preserve } from './directives/switches.ts'
import { backend, bytecode, code, debug, format, runtime } from './directives/target.ts'
import type { ModelRequest } from './model-request.ts'

/** The word that makes an import ours. It carries no value. */
export const MARKER = 'mobile'

/** Every directive, in the order of their names. */
export const DIRECTIVES: { readonly [Field in keyof ModelRequest]: Directive<Field> } = {
  args, as, backend, block, bundle, bytecode, channels, check, code, convert, crop, debug, entry, format, image, input, layout, lint,
  mean, preserve, quantize, range, requires, resize, runtime, scaling, script, std, tolerance, trace, trust, weights,
}
