import type { CompileOptions, Format } from './artifact.ts'
import { placeInnerMethods } from './backends/inner-methods.ts'
import { forwardedName, inlineMethods } from './backends/methods.ts'
import { BUNDLED_MEMBERS } from './bundle/bundle.ts'
import { PetalError } from './errors.ts'
import type { ObjectValue } from './ir/ivalue.ts'
import { objectAt } from './passes/module-paths.ts'
import { bundledMembers, findMembers, type Members } from './passes/preserved.ts'
import type { Program } from './program.ts'
import type { LoadedModule } from './script/load.ts'

/**
 * What of a model is part of the file: `forward`, what was asked for, and its bundled inputs; with what to tell of that. Bundled inputs that
 * cannot be compiled are left out, as nobody asked for them.
 */
export function membersOf(module: LoadedModule, options: CompileOptions): { readonly members: Members; readonly warnings: readonly string[] } {
  const { preserve = [], bundle = [], format, method } = options
  const { root } = module
  if (method !== undefined && method !== 'forward') return { members: { methods: [method], innerMethods: [], modules: [], attributes: new Map() }, warnings: [] }
  const bundled = bundle.length > 0 ? BUNDLED_MEMBERS : bundledMembers(root)
  const unusable = bundle.length > 0 || bundled.length === 0 ? undefined : whyNot(module, bundled)
  const members = findMembers(root, [...preserve, ...unusable === undefined ? bundled : []])
  return {
    members: format === 'torchscript' ? withWays(root, members) : members,
    warnings: unusable === undefined ? [] : [`The model's bundled inputs are left out of the file: ${unusable}`],
  }
}

/** The same, with the modules that have methods. */
function withWays(root: ObjectValue, members: Members): Members {
  const attributes = new Map(members.attributes)
  for (const { path } of members.innerMethods) {
    path.forEach((step, i) => {
      const owner = objectAt(root, path.slice(0, i))!
      attributes.set(owner, new Set([...attributes.get(owner) ?? [], step]))
    })
  }
  return { ...members, attributes }
}

/** The program as the format has it, and what to tell of methods that are called otherwise than they were. */
export function placed(program: Program, members: Members, root: ObjectValue, format: Format): { readonly program: Program; readonly warnings: readonly string[] } {
  const made = format === 'torchscript' ? placeInnerMethods(program, members, root) : program
  const names = new Set(made.methods.map(({ name }) => name))
  const forwarded = members.innerMethods.map((inner) => ({ path: [...inner.path, inner.name].join('.'), name: forwardedName(root, inner) }))
  return {
    program: made,
    warnings: forwarded.filter(({ name }) => names.has(name)).map(({ path, name }) =>
      `The method ${path} is called ${name} in the file: ${format === 'torchscript' ? 'its module\'s class could not have it as it is optimized' : 'apps run methods of the model itself only'}.`),
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
