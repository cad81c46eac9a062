import type { CompileOptions, RuntimeVersion } from '../artifact.ts'
import type { LiteFile } from '../emit/lite.ts'
import { missingOperators } from '../emit/runtimes/check.ts'
import type { LintContext } from './lints.ts'

/** The last release of PyTorch Mobile: what it lacks none has. */
const NEWEST: RuntimeVersion = '2.1'

/** The operators of emitted code that no build of PyTorch Mobile has, or not the chosen one. */
export function missingOperatorsOf({ runtime }: CompileOptions, { codes, bytecodeVersion }: Pick<LiteFile, 'codes' | 'bytecodeVersion'>): LintContext {
  return { missing: missingOperators(codes, runtime ?? NEWEST, bytecodeVersion), runtime: `PyTorch Mobile ${runtime ?? NEWEST}` }
}
