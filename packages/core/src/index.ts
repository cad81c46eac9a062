/** The build step: a request and a model file in, a compiled file in a content-addressed store out. */
export { build, type BuildOptions, type BuildRequest, type BuildResult } from './build.ts'

export { buildLayered } from './layered-build.ts'

/** Converting Python sources with real PyTorch. */
export {
  type CheckFact, type Conversion, type ConversionControl, type ConversionFacts, type ConversionJob, createPyTorch, type Engine,
  type EngineIdentity, type PyTorchOptions, type QuantizationFact, type Warning,
} from './pytorch/index.ts'
export type { Argument, ConversionRequest, Dtype, InputSpec } from './conversion-request.ts'

/** Requests, as imports write them, and errors. */
export * from './asking.ts'

/** The store of compiled files. */
export { createStore, type Store, type StoreOptions, type StoreStats } from './store/index.ts'
export { openStore, type OpenStoreOptions, type RemoteOptions } from './open-store.ts'
export { namedMiss } from './frozen/index.ts'
export { projectRoot } from './project.ts'

export type { Facts, LintFact, OptimizationFact, PortFact } from './compiler/facts.ts'
export { LINT_CODES, type LintCode, type LintPolicy } from './compiler/lint-codes.ts'
export type { BuiltFacts, ImageSpec, ModelCheck, ModelRuntime } from './facts.ts'
export { createLimit, type Limit } from './limit.ts'
