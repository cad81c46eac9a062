import { AliasDb } from '../ir/alias-analysis.ts'
import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { operatorsNamed, requiresNewerRuntime } from '../ir/ops/index.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import { hasSideEffects, isNondeterministic } from '../ir/side-effects.ts'
import { sameType, TensorType } from '../ir/types.ts'
import { analyzeFloats } from './float-analysis.ts'
import type { PassLog } from './pass.ts'

/**
 * Writes in place become operators that give a new tensor: `x = f(); x.add_(y)` becomes `x = f(); z = x.add(y)`, and whoever uses `x` later
 * uses `z`. As `RemoveTensorMutation` of torch/csrc/jit/passes/remove_mutation.cpp, for tensors that were made in the same block and that
 * nothing else can see. Where PyTorch wants the two side by side, reading the tensor in between is no hindrance here. The new tensor must
 * certainly have the old one's element type, which PyTorch does not ask.
 */
export function removeTensorMutation(graph: Graph, log: PassLog): void {
  const remover = new Remover(graph)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (!writesInPlace(node)) continue
    const why = remover.remove(node)
    if (why === undefined) changed++
    else log.declined('remove_tensor_mutation', node.kind, why)
  }
  if (changed > 0) log.changed('remove_tensor_mutation', changed)
}

/** These have new forms only since PyTorch 1.12, which older runtimes lack. */
const RECENT: ReadonlySet<string> = new Set(['aten::copy_', 'aten::fill_', 'aten::zero_', 'aten::index_put_', 'aten::resize_', 'aten::set_'])

/** An operator of ATen that writes to its first input, and gives that. */
function writesInPlace({ kind, schema, outputs }: Node): boolean {
  return kind.startsWith('aten::') && kind.endsWith('_') && !kind.endsWith('__') && outputs.length === 1
    && schema?.arguments[0]?.alias?.isWrite === true && sameType(schema.arguments[0].type, TensorType)
}

class Remover {
  readonly #aliasDb: AliasDb
  readonly #isFloat: (value: Value) => boolean
  /** Of what was made since. */
  readonly #floats: Set<Value> = new Set()
  /** By memory, the values that it can be got at from. */
  readonly #holders: Map<number, Value[]> = new Map()
  /** What a value took the place of: the same memory in the analysis, which is of the graph as it was. */
  readonly #replaced: Map<Value, readonly Value[]> = new Map()

  constructor(graph: Graph) {
    this.#aliasDb = new AliasDb(graph)
    this.#isFloat = analyzeFloats(graph)
    this.#hold(graph.inputs)
    for (const node of allNodes(graph.block)) {
      this.#hold(node.outputs)
      for (const block of node.blocks) this.#hold(block.inputs)
    }
  }

  #hold(values: readonly Value[]): void {
    for (const value of values) {
      for (const location of this.#aliasDb.reachable(value)) {
        const holders = this.#holders.get(location)
        if (holders === undefined) this.#holders.set(location, [value])
        else holders.push(value)
      }
    }
  }

  /** Does it, or says why not. */
  remove(node: Node): string | undefined {
    const target = node.input(0)
    const functional = RECENT.has(node.kind) ? undefined : functionalForm(node.schema!)
    if (functional === undefined) return 'it has no form that gives a new tensor'
    if (isNondeterministic(node)) return 'it is random'
    const same = this.#freshParts(target)
    if (same === undefined || target.node.owningBlock !== node.owningBlock) return 'it writes to what was not made there'
    if (this.#seenBefore(node, target, same)) return 'what it writes to has other names'
    if (!this.#keepsType(node)) return 'a new tensor might have another element type'
    this.#replace(node, functional, [...same, target])
    return undefined
  }

  /** The values that stand for the same new memory, of which nothing else knows where it is made; undefined where that is not so. */
  #freshParts(value: Value): readonly Value[] | undefined {
    const replaced = this.#replaced.get(value)
    if (replaced !== undefined) return replaced
    const { node, offset } = value
    if (node.kind === 'prim::If') {
      const parts = node.blocks.map((block) => block.outputs[offset]!)
      if (parts.some((part, i) => part.uses.size !== 1 || part.node.owningBlock !== node.blocks[i])) return undefined
      const inner = parts.map((part) => this.#freshParts(part))
      return inner.includes(undefined) ? undefined : [...parts, ...inner.flatMap((each) => each!)]
    }
    if (node.blocks.length > 0 || node.kind === 'prim::Param' || node.kind === 'prim::Constant' || node.kind === 'prim::GetAttr' || hasSideEffects(node)) return undefined
    return this.#aliasDb.mayContainAlias(node.inputs, value) ? undefined : []
  }

  /** True when something that runs before `node` may hold the tensor under another name. */
  #seenBefore(node: Node, target: Value, same: readonly Value[]): boolean {
    for (const location of this.#aliasDb.locations(target)) {
      for (const holder of this.#holders.get(location) ?? []) {
        if (holder !== target && holder !== node.output && !same.includes(holder) && isPlacedBefore(holder.node, node)) return true
      }
    }
    return false
  }

  /**
   * Writing keeps the element type. So does the new form, as numbers and tensors without dimensions do not widen a type of their kind, and
   * those of a wider kind cannot be written; only other tensors may widen it, as doubles a float.
   */
  #keepsType(node: Node): boolean {
    const tensors = node.inputs.filter((value) => value.type.kind === 'TensorType')
    const opaque = node.inputs.some((value) => value.type.kind === 'ListType' && value.type.element.kind !== 'IntType' && value.type.element.kind !== 'FloatType')
    return !opaque && (tensors.length === 1 || tensors.every((value) => this.#floats.has(value) || this.#isFloat(value)))
  }

  #replace(node: Node, schema: FunctionSchema, same: readonly Value[]): void {
    const target = node.input(0)
    const made = node.graph.create(schema.name, node.inputs, schema).insertBefore(node)
    made.range = node.range
    const value = made.addOutput(TensorType, target.debugName)
    for (const { user, offset } of Array.from(target.uses)) if (node.isBefore(user)) user.replaceInput(offset, value)
    node.output.replaceAllUsesWith(value)
    this.#aliasDb.copyValue(target, value)
    this.#replaced.set(value, [...same, node.output])
    if (this.#floats.has(target) || this.#isFloat(target)) this.#floats.add(value)
    node.destroy()
  }
}

/** The operator of the same arguments, in name, type and order, that gives a new tensor. */
function functionalForm(schema: FunctionSchema): FunctionSchema | undefined {
  const candidates = operatorsNamed(schema.name.slice(0, -1)).map((operator) => operator.schema)
  return candidates.find((other) => !requiresNewerRuntime(other) && other.returns.length === 1 && other.arguments.length === schema.arguments.length
    && other.arguments.every(({ name, type, alias }, i) => alias === undefined && name === schema.arguments[i]!.name && sameType(type, schema.arguments[i]!.type)))
}

/** True for what still stands, and runs before `other`. */
function isPlacedBefore(node: Node, other: Node): boolean {
  return node.owningBlock !== undefined && node.isBefore(other)
}
