/** What lints tell of; the first four are `torch.utils.mobile_optimizer`'s `LintCode`. */
export const LINT_CODES = [
  'BUNDLED_INPUT', 'REQUIRES_GRAD', 'DROPOUT', 'BATCHNORM', 'MISSING_OPERATOR', 'FLOAT16_WEIGHTS', 'FLOAT64_WEIGHTS', 'TRAINING_MODE',
] as const
export type LintCode = typeof LINT_CODES[number]

/**
 * What lints are for: `off` for nothing, `auto` for warnings, though not of bundled inputs, which few models have; `warn` for warnings of all,
 * `error` for errors, and a list for errors where they have one of its codes and warnings otherwise.
 */
export type LintPolicy = 'auto' | 'off' | 'warn' | 'error' | readonly LintCode[]
