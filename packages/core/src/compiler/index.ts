/** The compiler's public API. Pure: it runs in browsers as it is. */
export type { Artifact, CompileOptions } from './artifact.ts'
export { blobSource, bytesSource, type ByteSource } from './archive/byte-source.ts'
export { compile } from './compile.ts'
export { type ErrorLocation, PetalError, type PetalErrorInit } from './errors.ts'
export type { Facts, OptimizationFact, PortFact } from './facts.ts'
export { inspectLite } from './report/inspect.ts'
