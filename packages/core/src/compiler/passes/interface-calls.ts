import type { ScriptFunction } from '../ir/class-type.ts'
import { toIValue, type Block, type Node, type SourceRange, type Value } from '../ir/graph.ts'
import { intValue, NONE, stringValue, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import { BoolType, type Type } from '../ir/types.ts'
import { attributePath, objectAt } from './module-paths.ts'

/** A module that an interface call may be about. */
export interface Implementation {
  readonly method: ScriptFunction
  /** Attribute names that lead to the module from the root. */
  readonly path: readonly string[]
}

/** Which module an interface call is about, as far as that is known before running. */
export type Callee =
  | Implementation & { readonly kind: 'module' }
  /** One of the modules of a container, by its position or name; the last names in the paths are the keys. */
  | { readonly kind: 'indexed'; readonly key: Value; readonly modules: readonly Implementation[] }
  /** What a branch chose before. */
  | { readonly kind: 'chosen'; readonly condition: Value; readonly whenTrue: Implementation; readonly whenFalse: Implementation }

/** Modules of a container that a call may be about at most; each becomes a branch with the module's code. */
export const MAX_INDEXED_MODULES = 256

/**
 * Resolves a call of `name` on a value of an interface type: a module by its attribute names from `root`, an element of a ModuleList or
 * ModuleDict, or one of two by an `If` that stands before the call. Undefined when it is something else.
 */
export function resolveInterface(self: Value, name: string, root: ObjectValue): Callee | undefined {
  const known = implementation(self, name, root)
  if (known !== undefined) return { kind: 'module', ...known }
  const { node } = self
  if (node.kind === 'prim::ModuleContainerIndex') return resolveIndex(node.input(0), node.input(1), name, root)
  if (node.kind !== 'prim::If') return undefined
  const [whenTrue, whenFalse] = node.blocks.map((block) => implementation(block.outputs[self.offset]!, name, root))
  return whenTrue && whenFalse && { kind: 'chosen', condition: node.input(0), whenTrue, whenFalse }
}

/** All modules that a call may be about. */
export function implementations(callee: Callee): readonly Implementation[] {
  switch (callee.kind) {
    case 'module': return [callee]
    case 'indexed': return callee.modules
    case 'chosen': return [callee.whenTrue, callee.whenFalse]
  }
}

function implementation(self: Value, name: string, root: ObjectValue): Implementation | undefined {
  const path = attributePath(self)
  const method = path && objectAt(root, path)?.type.methods.get(name)
  return path && method && { method, path }
}

function resolveIndex(container: Value, key: Value, name: string, root: ObjectValue): Callee | undefined {
  const path = attributePath(container)
  const object = path && objectAt(root, path)
  if (path === undefined || object === undefined) return undefined
  const modules: Implementation[] = []
  for (const { name: child } of object.type.attributes) {
    const module = object.slots.get(child)
    if (module?.tag !== 'Object') continue
    const method = module.type.methods.get(name)
    // Every module can be asked for, so every one must have the method.
    if (method === undefined || modules.length === MAX_INDEXED_MODULES) return undefined
    modules.push({ method, path: [...path, child] })
  }
  const constant = toIValue(key)
  if (constant?.tag !== 'Int' && constant?.tag !== 'String') return { kind: 'indexed', key, modules }
  const known = modules.find(({ path: names }) => names.at(-1) === String(constant.value))
  return known && { kind: 'indexed', key, modules: [known] }
}

/** Where a call is replaced. */
export interface CallSite {
  readonly root: ObjectValue
  readonly results: readonly Type[]
  readonly range: SourceRange | undefined
  /** Puts in the body of a method. */
  call(method: ScriptFunction, actuals: readonly Value[], block: Block): Value[]
  /** Told of every node that is made. */
  created(node: Node): void
}

/**
 * Appends to `block` what calls the modules of an interface call, each in a branch of its own; gives the results. `actuals` begins with
 * the object. A key that no module has ends the run, as in PyTorch.
 */
export function callImplementations(callee: Callee, actuals: readonly Value[], block: Block, site: CallSite): Value[] {
  if (callee.kind === 'module') return site.call(callee.method, actuals, block)
  if (callee.kind === 'indexed') return callIndexed(callee.key, callee.modules, actuals, block, site)
  return branch(callee.condition, block, site, [callee.whenTrue, callee.whenFalse].map((each) => (inner) => callOne(each, actuals, inner, site)))
}

function callOne({ method, path }: Implementation, actuals: readonly Value[], block: Block, site: CallSite): Value[] {
  let self = block.graph.inputs[0]!
  path.forEach((name, i) => {
    const declared = objectAt(site.root, path.slice(0, i))!.type.attributes.find((attribute) => attribute.name === name)
    self = append(block, site, 'prim::GetAttr', [self], declared?.type ?? objectAt(site.root, path.slice(0, i + 1))!.type)
      .setString('name', name).output
    site.created(self.node)
  })
  return site.call(method, [self, ...actuals.slice(1)], block)
}

function callIndexed(key: Value, modules: readonly Implementation[], actuals: readonly Value[], block: Block, site: CallSite): Value[] {
  const [first, ...others] = modules
  if (first === undefined) return noSuchModule(block, site)
  const isInt = key.type.kind === 'IntType'
  const name = first.path.at(-1)!
  const wanted = constant(block, site, isInt ? intValue(BigInt(name)) : stringValue(name))
  const isIt = append(block, site, 'aten::eq', [key, wanted], BoolType)
  isIt.schema = findSchema('aten::eq', isInt ? 'int' : 'str')
  return branch(isIt.output, block, site, [
    (inner) => callOne(first, actuals, inner, site), (inner) => callIndexed(key, others, actuals, inner, site),
  ])
}

function noSuchModule(block: Block, site: CallSite): Value[] {
  const message = constant(block, site, stringValue('the module container has no such module'))
  append(block, site, 'prim::RaiseException', [message, constant(block, site, NONE)]).schema = findSchema('prim::RaiseException', '')
  return site.results.map((type) => append(block, site, 'prim::Uninitialized', [], type).output)
}

function branch(condition: Value, block: Block, site: CallSite, branches: readonly ((inner: Block) => Value[])[]): Value[] {
  const node = append(block, site, 'prim::If', [condition])
  for (const fill of branches) {
    const inner = node.addBlock()
    for (const value of fill(inner)) inner.registerOutput(value)
  }
  return site.results.map((type) => node.addOutput(type))
}

function append(block: Block, site: CallSite, kind: string, inputs: readonly Value[], type?: Type): Node {
  const node = block.append(block.graph.create(kind, inputs))
  node.range = site.range
  if (type !== undefined) node.addOutput(type)
  return node
}

function constant(block: Block, site: CallSite, value: IValue): Value {
  const made = block.graph.withInsertPoint(block.returnNode, () => block.graph.insertConstant(value))
  made.node.range = site.range
  return made
}
