/** The compiler's public API. Pure: it runs in browsers as it is. */
export type { Artifact, CompileOptions } from './artifact.ts'
export { blobSource, bytesSource, type ByteSource } from './archive/byte-source.ts'
export { compile } from './compile.ts'
export type { Dtype, InputSpec } from './example-input.ts'
export { type ErrorLocation, PetalError, type PetalErrorInit } from './errors.ts'
export type { Facts, LintFact, OptimizationFact, PortFact } from './facts.ts'
export { LINT_CODES, type LintCode, type LintPolicy } from './lint-codes.ts'
export { inspectLite } from './report/inspect.ts'
