import { PetalError } from '../errors.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { objectsOf } from '../ir/objects.ts'
import { nearest } from '../ir/ops/nearest.ts'

/** Names of attributes by the module they belong to. */
export type AttributeSet = ReadonlyMap<ObjectValue, ReadonlySet<string>>

/** A method of a module within the model. */
export interface InnerPath {
  /** Names of attributes that lead from the root to the module, never empty. */
  readonly path: readonly string[]
  readonly name: string
}

/** What of a model is part of the file. */
export interface Members {
  /** Methods of the root module, in the order in which they are emitted. */
  readonly methods: readonly string[]
  readonly innerMethods: readonly InnerPath[]
  /** Paths of modules that were named. */
  readonly modules: readonly (readonly string[])[]
  /**
   * Attributes that can be read and set from outside, and so are no constants: those that were named, all of modules that were named, and the
   * modules on the way to them.
   */
  readonly attributes: AttributeSet
}

/** The method that apps run. */
const MAIN = 'forward'

/**
 * `forward` and what `paths` name: methods and attributes, `encoder.weight` those of a module within. A module stands for all that it holds.
 * As `preserved_attrs` of torch.jit.freeze (torch/csrc/jit/passes/freeze_module.cpp); there may be no `forward` where other methods are named.
 * Throws a PetalError for a name that there is not.
 */
export function findMembers(root: ObjectValue, paths: readonly string[]): Members {
  const methods = new Set<string>()
  const innerMethods: InnerPath[] = []
  const modules: string[][] = []
  const attributes = new Map<ObjectValue, Set<string>>()
  const keep = (object: ObjectValue, name: string): void => { attributes.set(object, (attributes.get(object) ?? new Set()).add(name)) }
  for (const path of paths) {
    const way = path.split('.')
    const name = way.pop()!
    const objects = objectsOn(root, way, path)
    const owner = objects.at(-1)!
    const value = owner.slots.get(name)
    if (value !== undefined) {
      keep(owner, name)
      way.forEach((step, i) => keep(objects[i]!, step))
      if (value.tag === 'Object') modules.push([...way, name])
      for (const object of objectsOf(value)) for (const slot of object.slots.keys()) keep(object, slot)
    } else if (!owner.type.methods.has(name)) {
      throw unknownMember(root, path, way, owner)
    } else if (way.length === 0) {
      methods.add(name)
    } else {
      innerMethods.push({ path: way, name })
    }
  }
  const hasMain = root.type.methods.has(MAIN) || methods.size + innerMethods.length === 0
  return { methods: [...new Set([...hasMain ? [MAIN] : [], ...methods])], innerMethods, modules, attributes }
}

/** The root and the modules that `way` leads through. */
function objectsOn(root: ObjectValue, way: readonly string[], path: string): ObjectValue[] {
  const objects = [root]
  for (const [i, step] of way.entries()) {
    const owner = objects.at(-1)!
    const value = owner.slots.get(step)
    if (value?.tag !== 'Object') throw unknownMember(root, path, way.slice(0, i), owner)
    objects.push(value)
  }
  return objects
}

/** The method with the bundled inputs of a function, and the function's name (torch/utils/bundled_inputs.py). */
const BUNDLED_FUNCTION = /^get_all_bundled_inputs_for_(\w+)$/

/**
 * What PyTorch keeps of bundled inputs (`_get_bundled_inputs_preserved_attributes` of torch/utils/mobile_optimizer.py): the methods that give
 * them, the functions that they are for, and what is stored of them. Nothing where a part of that is missing. Which functions those are
 * PyTorch asks the model, which is not run here: there is a method for each.
 */
export function bundledMembers({ type, slots }: ObjectValue): string[] {
  const { methods } = type
  const members: string[] = []
  if (methods.has('get_all_bundled_inputs')) members.push('get_all_bundled_inputs', 'get_num_bundled_inputs')
  if (methods.has('get_bundled_inputs_functions_and_info')) {
    members.push('get_bundled_inputs_functions_and_info')
    for (const name of methods.keys()) {
      const [, of] = BUNDLED_FUNCTION.exec(name) ?? []
      if (of !== undefined) members.push(of, name, `_bundled_inputs_deflated_${of}`)
    }
  }
  return members.every((name) => methods.has(name) || slots.has(name)) ? [...new Set(members)] : []
}

/** Suggestions of an error message. */
const MAX_NAMES = 8

function unknownMember(root: ObjectValue, path: string, way: readonly string[], owner: ObjectValue): PetalError {
  const wanted = path.split('.')[way.length]!
  const modules = way.length < path.split('.').length - 1
  const members = [...owner.type.methods.keys(), ...owner.slots.keys()]
    .filter((name) => !modules || owner.slots.get(name)?.tag === 'Object')
    .filter((name) => !/^(?:training|_is_full_backward_hook|__getstate__|__setstate__)$/.test(name))
  const prefixed = (name: string): string => [...way, name].join('.')
  const [meant] = nearest(wanted, members, 1)
  const where = way.length === 0 ? `The model (${root.type.name})` : `The model's module ${way.join('.')} (${owner.type.name})`
  const list = members.length > MAX_NAMES ? [...members.slice(0, MAX_NAMES).map(prefixed), '…'] : members.map(prefixed)
  return new PetalError({
    code: 'UNKNOWN_MEMBER',
    message: `${where} has no ${modules ? 'module' : 'method or attribute'} ${wanted}, which "preserve" asks for by ${path}.`,
    cause: 'Scripting leaves methods out that nothing calls and torch.jit.export does not mark, and tracing has only forward.',
    fix: `${meant === undefined ? '' : `Did you mean "${prefixed(meant)}"? `}There ${list.length === 0 ? 'is nothing to preserve.' : `is ${list.join(', ')}.`}`,
  })
}
