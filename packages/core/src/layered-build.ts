import type { BuildResult } from './build.ts'
import { PetalError } from './errors.ts'
import type { LayeredRequest, ModelRequest, Stage } from './request/index.ts'

/** By the code of a refusal, the stages that its model is past. */
const PAST: Readonly<Record<string, readonly Stage[]>> = {
  NOT_PYTHON: ['conversion'], ALREADY_COMPILED: ['conversion', 'examples', 'compilation'],
}

/**
 * Builds what an import asks for. What only defaults say of stages that the model is past, as it is TorchScript or compiled already, is left
 * out. Throws the PetalError of `build` for what the import itself says of them, and for everything else.
 */
export async function buildLayered(
  { request, without }: Pick<LayeredRequest, 'request' | 'without'>, build: (request: ModelRequest) => Promise<BuildResult>,
): Promise<BuildResult> {
  for (let wanted = request, tries = 0; ; tries++) {
    try {
      return await build(wanted)
    } catch (error) {
      const stages = error instanceof PetalError && tries < Object.keys(PAST).length ? PAST[error.code] : undefined
      if (!stages) throw error
      wanted = without(stages)
    }
  }
}
