import type { BuildResult } from './build.ts'
import type { OptimizationFact, PortFact } from './compiler/facts.ts'

/** What the module of an import says about the model, besides its URL. Plain JSON: equal models give equal text, on every machine. */
export interface HandleFacts {
  readonly format: 'ptl'
  /** Size of the compiled file. */
  readonly bytes: number
  /** SHA-256 of the compiled file, in hexadecimal. */
  readonly sha256: string
  readonly inputs: readonly PortFact[]
  readonly outputs: readonly PortFact[]
  /** Operator -> count, in the model as it was and in the compiled file. */
  readonly operators: { readonly before: Readonly<Record<string, number>>; readonly after: Readonly<Record<string, number>> }
  /** The file that was imported, without its folder. */
  readonly source: { readonly name: string; readonly bytes: number; readonly sha256: string }
  readonly optimizations: readonly OptimizationFact[]
}

/** The facts that a user's module carries. */
export function handleFacts(result: BuildResult): HandleFacts {
  const { inputs, outputs, operators, optimizations, format } = result.facts
  return { format, bytes: result.bytes, sha256: result.sha256, inputs, outputs, operators, source: result.source, optimizations }
}
