import type { CompileOptions } from './artifact.ts'
import { forwardedName, inlineMethods } from './backends/methods.ts'
import { BUNDLED_MEMBERS } from './bundle/bundle.ts'
import { PetalError } from './errors.ts'
import { bundledMembers, findMembers, type Members } from './passes/preserved.ts'
import type { LoadedModule } from './script/load.ts'

/**
 * What of a model is part of the file: `forward`, what was asked for, and its bundled inputs; with what to tell of that. Bundled inputs that
 * cannot be compiled are left out, as nobody asked for them.
 */
export function membersOf(module: LoadedModule, options: CompileOptions): { readonly members: Members; readonly warnings: readonly string[] } {
  const { preserve = [], bundle = [], method } = options
  const { root } = module
  if (method !== undefined && method !== 'forward') return { members: { methods: [method], innerMethods: [], attributes: new Map() }, warnings: [] }
  const bundled = bundle.length > 0 ? BUNDLED_MEMBERS : bundledMembers(root)
  const unusable = bundle.length > 0 || bundled.length === 0 ? undefined : whyNot(module, bundled)
  const members = findMembers(root, [...preserve, ...unusable === undefined ? bundled : []])
  return {
    members,
    warnings: [
      ...unusable === undefined ? [] : [`The model's bundled inputs are left out of the file: ${unusable}`],
      ...members.innerMethods.map((inner) =>
        `The method ${[...inner.path, inner.name].join('.')} is called ${forwardedName(root, inner)} in the file: apps run methods of the model itself only.`),
    ],
  }
}

function whyNot(module: LoadedModule, names: readonly string[]): string | undefined {
  try {
    inlineMethods(module, findMembers(module.root, names))
    return undefined
  } catch (error) {
    if (error instanceof PetalError) return error.what
    throw error
  }
}
