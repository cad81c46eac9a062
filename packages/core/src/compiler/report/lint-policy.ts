import { PetalError } from '../errors.ts'
import type { LintFact } from '../facts.ts'
import type { LintCode, LintPolicy } from '../lint-codes.ts'

/** What to do about each. */
const FIXES: Readonly<Record<LintCode, string>> = {
  BUNDLED_INPUT: 'Write "bundle=1x3x224x224", with the model\'s own shapes, if tools that run models on what they bring shall run this one.',
  REQUIRES_GRAD: 'Call model.requires_grad_(False) before saving the model, or do not preserve the parameters.',
  DROPOUT: 'Call model.eval() before tracing, give dropout the module\'s training flag, and do not block "remove_dropout".',
  BATCHNORM: 'Call model.eval() before tracing, put batch norms right behind convolutions, and do not block "conv_bn_fusion".',
  MISSING_OPERATOR: 'Write that part of the model with other operators, or compile for another runtime or backend.',
  FLOAT16_WEIGHTS: 'Call model.float() before saving the model: the mobile kernels compute with float32.',
  FLOAT64_WEIGHTS: 'Call model.float() before saving the model: the mobile kernels compute with float32, in half the room.',
  TRAINING_MODE: 'Call model.eval() before tracing, and pass training=self.training to F.dropout and F.batch_norm.',
}

/** The lints that `policy` wants to be told of, each with what to do. */
export function lintWarnings(lints: readonly LintFact[] = [], policy: LintPolicy = 'auto'): { readonly code: LintCode; readonly message: string }[] {
  if (policy === 'off') return []
  return lints
    .filter(({ code }) => policy === 'warn' || code !== 'BUNDLED_INPUT')
    .map(({ code, message }) => ({ code, message: `${message} ${FIXES[code]}` }))
}

/** Throws a PetalError for the lints that `policy` makes errors. `name` is the model's. */
export function refuseLints(lints: readonly LintFact[], policy: LintPolicy, name = 'The model'): void {
  const errors = lints.filter(({ code }) => policy === 'error' || (typeof policy !== 'string' && policy.includes(code)))
  if (errors.length === 0) return
  const place = errors.find(({ at }) => at)?.at
  throw new PetalError({
    code: 'LINT',
    message: `${name} has ${errors.length === 1 ? 'a lint that is an error' : `${errors.length} lints that are errors`}: `
      + errors.map(({ code, message }) => `${code}: ${message}`).join(' '),
    cause: `"lint=${typeof policy === 'string' ? policy : policy.join(',').toLowerCase()}" asks for that.`,
    fix: errors.map(({ code }) => `${code}: ${FIXES[code]}`).join(' '),
    ...place && { location: { ...place } },
  })
}
