import type { CompileOptions, RuntimeVersion } from '../artifact.ts'
import { missingOperators as missingOnGpu } from '../backends/missing-operators.ts'
import type { LiteFile } from '../emit/lite.ts'
import { type MissingOperator, missingOperators } from '../emit/runtimes/check.ts'
import type { Program } from '../program.ts'
import type { CalledOperator, Missing } from './lints.ts'
import { isBuiltIn } from './warnings.ts'

/** The last release of PyTorch Mobile: what it lacks none has. */
const NEWEST: RuntimeVersion = '2.1'

/** The operators of a program that its engine lacks, or that no release of PyTorch Mobile has, or not the chosen one. */
export function missingOf(
  program: Program, { backend, block, runtime = NEWEST }: CompileOptions, { codes = [], bytecodeVersion = 0 }: Partial<Pick<LiteFile, 'codes' | 'bytecodeVersion'>>,
): Missing {
  if (backend !== 'cpu') {
    const runs = backend === 'vulkan' && !block.includes('vulkan_automatic_gpu_transfer')
    const name = backend === 'vulkan' ? 'Vulkan' : 'Metal'
    const result = runs ? 'these run on the CPU, with copies in between' : 'running the model fails there'
    // Bundled inputs are made on the CPU.
    const methods = program.methods.filter(({ name: method }) => !method.includes('bundled_inputs'))
    return { operators: missingOnGpu({ methods }, backend), sentence: (list) => `PyTorch's ${name} runtime has no kernel for ${list}: ${result}.` }
  }
  return {
    // What comes with libraries of its own is told of elsewhere.
    operators: missingOperators(codes, runtime, bytecodeVersion).filter(({ operator }) => isBuiltIn(operator)).map(called),
    sentence: (list) => `The lite interpreter of PyTorch ${runtime} lacks ${list}.`,
  }
}

function called({ operator, count, why, at }: MissingOperator): CalledOperator {
  return { operator, count, ...why !== 'missing' && { why: `with ${why}` }, ...at && { at } }
}
