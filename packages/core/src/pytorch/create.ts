import { resolve } from 'node:path'
import type { Engine } from './engine.ts'
import type { PyTorchOptions } from './subprocess.ts'

export type { PyTorchOptions } from './subprocess.ts'

/**
 * An engine of real PyTorch in a subprocess. Nothing is looked for or started before it is asked for; what asks is not even loaded,
 * as most builds have no Python or find its answers stored.
 */
export function createPyTorch(options: PyTorchOptions): Engine {
  const settings: PyTorchOptions = { ...options, root: resolve(options.root) }
  let loaded: Promise<Engine> | undefined
  const engine = (): Promise<Engine> => loaded ??= import('./subprocess.ts').then(({ createSubprocess }) => createSubprocess(settings))
  return {
    identify: async () => await (await engine()).identify(),
    convert: async (job, control) => await (await engine()).convert(job, control),
    close: async () => await (await loaded)?.close(),
  }
}
