import { PetalError } from '../errors.ts'
import type { ClassType } from '../ir/class-type.ts'
import { allNodes, type Graph, type Value } from '../ir/graph.ts'
import { ivalueType, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { NoneType, sameType, typeString } from '../ir/types.ts'
import { analyzeAttributeWrites, type Access, type AttributeWrites } from './attribute-writes.ts'
import { inEvaluation } from './known-attributes.ts'
import type { PassLog } from './pass.ts'
import type { AttributeSet } from './preserved.ts'

/** What to freeze, and under which name to tell of it. */
export interface FreezeOptions {
  /** Name in the log. */
  readonly name?: string
  /** Attributes to freeze; all that can be when left out. Asked with undefined for reads whose module is not certain. */
  readonly select?: (access: Access | undefined) => boolean
  /** Attributes that an app may set. */
  readonly preserved?: AttributeSet
}

/**
 * Turns the attributes of `root` that running its methods cannot change into constants, in place, the module being in evaluation mode.
 * `graphs` are the inlined methods; their first input is the module. As torch/csrc/jit/passes/freeze_module.cpp.
 * Attributes that may change, and all that share memory with them, stay; so do modules that are used other than by naming attributes.
 * Throws when the module returns itself.
 */
export function freezeModule(graphs: readonly Graph[], root: ObjectValue, log: PassLog, options: FreezeOptions = {}): void {
  const { name = 'freeze_module', select, preserved } = options
  if (graphs.some((graph) => graph.outputs.some((value) => value === graph.inputs[0] || sameType(value.type, root.type)))) throw returnsItself(root)
  const writes = analyzeAttributeWrites(graphs, root, preserved)
  let changed = 0
  const declined = new Map<ObjectValue | undefined, Set<string>>()
  for (const graph of graphs) {
    const constants = new Map<ObjectValue, Map<string, Value>>()
    for (const node of allNodes(graph.block)) {
      if (node.kind !== 'prim::GetAttr') continue
      const access = writes.accessOf(node)
      if (select !== undefined && !select(access)) continue
      if (access !== undefined && preserved?.get(access.object)?.has(access.name)) continue
      const constant = constantFor(graph, access, writes, constants)
      if (typeof constant !== 'string') {
        node.output.replaceAllUsesWith(constant)
        node.destroy()
        changed++
      } else if (constant !== '' && isNew(declined, access?.object, node.string('name'))) log.declined(name, node.string('name'), constant)
    }
    removeUnusedReads(graph)
  }
  if (changed > 0) log.changed(name, changed)
}

/** True the first time an attribute is asked for. */
function isNew(seen: Map<ObjectValue | undefined, Set<string>>, object: ObjectValue | undefined, name: string): boolean {
  const names = seen.get(object) ?? new Set()
  seen.set(object, names)
  return names.size < names.add(name).size
}

/** The constant an attribute read gives; the reason why there is none, or '' where none is due (a module on the way to an attribute). */
function constantFor(graph: Graph, access: Access | undefined, writes: AttributeWrites, constants: Map<ObjectValue, Map<string, Value>>): Value | string {
  if (access === undefined) return 'the module it belongs to is not certain'
  const { object, name } = access
  const stored = object.slots.get(name)!
  if (stored.tag === 'Object') return ''
  const ofObject = constants.get(object) ?? new Map<string, Value>()
  constants.set(object, ofObject)
  const known = ofObject.get(name)
  if (known !== undefined) return known
  if (writes.isWritten(object, name)) return 'it changes while the model runs'
  const value = evaluated(stored, object, name)
  if (value === undefined) return `a ${typeString(ivalueType(stored))} cannot be a constant`
  const first = graph.block.paramNode.next!
  const constant = graph.withInsertPoint(first, () => graph.insertConstant(value, value.tag === 'None' ? NoneType : undefined))
  constant.debugName = `self.${name}`
  ofObject.set(name, constant)
  return constant
}

/** The attribute in evaluation mode and without gradients; undefined for what no constant can hold. */
function evaluated(value: IValue, object: ObjectValue, name: string): IValue | undefined {
  return detached(inEvaluation(value, object, name))
}

/** What stands for a value without gradients: attributes that share one, tied weights for instance, go on sharing it. */
const DETACHED = new WeakMap<IValue, IValue | undefined>()

function detached(value: IValue): IValue | undefined {
  if (DETACHED.has(value)) return DETACHED.get(value)
  const made = withoutGradients(value)
  DETACHED.set(value, made)
  return made
}

function withoutGradients(value: IValue): IValue | undefined {
  switch (value.tag) {
    case 'Tensor': return value.value.requiresGrad ? { tag: 'Tensor', value: { ...value.value, requiresGrad: false } } : value
    case 'Object': return undefined
    case 'List': case 'Tuple': {
      const elements = value.elements.map(detached)
      if (elements.includes(undefined)) return undefined
      return elements.every((element, i) => element === value.elements[i]) ? value : { ...value, elements: elements as IValue[] }
    }
    case 'Dict': {
      const entries = value.entries.map(([key, element]) => [key, detached(element)] as const)
      if (entries.some(([, element]) => element === undefined)) return undefined
      return { ...value, entries: entries as [IValue, IValue][] }
    }
    default: return value
  }
}

/** Reads of modules whose attributes have become constants; inner ones first, as they use the outer ones. */
function removeUnusedReads(graph: Graph): void {
  for (const node of [...allNodes(graph.block)].toReversed()) {
    if (node.kind === 'prim::GetAttr' && !node.output.hasUses) node.destroy()
  }
}

/**
 * A copy of `root` that holds only what `graphs` still access and what is preserved; an object that they pass on whole keeps everything, and so do
 * the objects in kept values. Objects of one class keep the same attributes, as a class has one list of them. Run it after the last pass.
 */
export function pruneModule(graphs: readonly Graph[], root: ObjectValue, preserved: AttributeSet = new Map()): ObjectValue {
  const writes = analyzeAttributeWrites(graphs, root, preserved)
  const kept = new Map<ClassType, Set<string>>()
  const keep = (type: ClassType, name: string): void => { kept.set(type, (kept.get(type) ?? new Set()).add(name)) }
  for (const [{ type }, names] of preserved) for (const name of names) keep(type, name)
  for (const node of graphs.flatMap((graph) => [...allNodes(graph.block)])) {
    if (node.kind !== 'prim::GetAttr' && node.kind !== 'prim::SetAttr') continue
    const access = writes.accessOf(node)
    if (access !== undefined) keep(access.object.type, access.name)
    else if (node.input(0).type.kind === 'ClassType') keep(node.input(0).type as ClassType, node.string('name'))
  }
  for (const object of reachable(root, kept, writes)) for (const name of object.slots.keys()) keep(object.type, name)
  return copyObject(root, { kept, preserved, copies: new Map() })
}

/** Objects that must stay whole: those that escape, and what they and kept attributes hold. */
function reachable(root: ObjectValue, kept: ReadonlyMap<ClassType, ReadonlySet<string>>, writes: AttributeWrites): Set<ObjectValue> {
  const whole = new Set<ObjectValue>()
  const seen = new Set<ObjectValue>()
  const pending: [ObjectValue, boolean][] = [[root, false]]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const [object, inWhole] = next
    const isWhole = inWhole || writes.escapes(object)
    if (isWhole ? whole.has(object) : seen.has(object)) continue
    seen.add(object)
    if (isWhole) whole.add(object)
    for (const [name, value] of object.slots) {
      if (!isWhole && !kept.get(object.type)?.has(name)) continue
      if (value.tag === 'Object') pending.push([value, isWhole])
      else for (const inner of objectsIn(value)) pending.push([inner, true])
    }
  }
  return whole
}

function objectsIn(value: IValue): ObjectValue[] {
  switch (value.tag) {
    case 'Object': return [value]
    case 'List': case 'Tuple': return value.elements.flatMap(objectsIn)
    case 'Dict': return value.entries.flatMap(([, element]) => objectsIn(element))
    default: return []
  }
}

interface Copying {
  readonly kept: ReadonlyMap<ClassType, ReadonlySet<string>>
  readonly preserved: AttributeSet
  readonly copies: Map<ObjectValue, ObjectValue>
}

/** What is preserved stays as it is; all else is in evaluation mode and wants no gradients. */
function copyObject(object: ObjectValue, copying: Copying): ObjectValue {
  const known = copying.copies.get(object)
  if (known !== undefined) return known
  const slots = new Map<string, IValue>()
  const copy: ObjectValue = { ...object, slots }
  copying.copies.set(object, copy)
  for (const [name, value] of object.slots) {
    if (!copying.kept.get(object.type)?.has(name)) continue
    const settled = inEvaluation(value, object, name)
    slots.set(name, copyValue((copying.preserved.get(object)?.has(name) ? undefined : detached(settled)) ?? settled, copying))
  }
  return copy
}

/** Lists and dicts are copied only when they hold objects, so that attributes which share one go on sharing it. */
function copyValue(value: IValue, copying: Copying): IValue {
  if (value.tag === 'Object') return copyObject(value, copying)
  if (objectsIn(value).length === 0) return value
  if (value.tag === 'List' || value.tag === 'Tuple') return { ...value, elements: value.elements.map((each) => copyValue(each, copying)) }
  if (value.tag === 'Dict') return { ...value, entries: value.entries.map(([key, each]) => [key, copyValue(each, copying)] as const) }
  return value
}

function returnsItself(root: ObjectValue): PetalError {
  return new PetalError({
    code: 'MODULE_RETURNS_ITSELF',
    message: `${root.type.name} returns itself from forward.`,
    cause: 'A module that leaves the model cannot be frozen, as its user may change it.',
    fix: 'Return tensors or plain values.',
  })
}
