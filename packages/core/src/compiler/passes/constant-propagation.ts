import type { LazyAliasDb } from '../ir/alias-analysis.ts'
import { isMutableType } from '../ir/alias-types.ts'
import { constantKey } from '../ir/constant-key.ts'
import { toIValue, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { ivalueType, type IValue } from '../ir/ivalue.ts'
import { hasSideEffects, isNondeterministic } from '../ir/side-effects.ts'
import { isSubtype, type Type } from '../ir/types.ts'
import { evaluate, evaluatesToInput } from './evaluate/index.ts'
import { simplification, type Simplification } from './pass.ts'
import { METADATA_OPS } from './rewriting.ts'

/** Kinds that are never folded: the first is a constant already, the second has no value. */
const SKIPPED: ReadonlySet<string> = new Set(['prim::Constant', 'prim::Uninitialized', 'prim::CreateObject', 'prim::GetAttr'])

/**
 * Computes what depends on constants only, and puts in the branch that a constant condition takes (torch/csrc/jit/passes/constant_propagation.cpp).
 * Loops that never run go, and outputs of control flow that are the same either way.
 * A node is folded only when nothing writes to its inputs or outputs, and when neither what it reads nor what it makes can be seen outside of
 * the graph, where it might be changed: constants live on from run to run.
 */
export const constantPropagation: Simplification = simplification('constant_propagation', foldConstants)

/**
 * See {@link constantPropagation}; gives the number of places changed. Without `aliases`, only numbers and other immutable values are folded
 * (`ConstantPropagationImmutableTypes`), which settles most branches at little cost.
 */
export function foldConstants(graph: Graph, aliases?: LazyAliasDb): number {
  const propagation = new Propagation(aliases)
  propagation.block(graph.block)
  return propagation.changes
}

class Propagation {
  changes = 0
  readonly #aliases: LazyAliasDb | undefined

  constructor(aliases: LazyAliasDb | undefined) {
    this.#aliases = aliases
  }

  block(block: Block): void {
    for (const node of block.nodes()) this.#node(node)
  }

  #node(node: Node): void {
    if (node.kind === 'prim::If') return this.#branch(node)
    if (node.kind === 'prim::Loop') return this.#loop(node)
    if (node.blocks.length > 0 || SKIPPED.has(node.kind)) return
    const inputs = node.inputs.map(toIValue)
    if (inputs.includes(undefined) || !this.#mayFold(node)) return
    const results = evaluate(node, inputs as IValue[])
    if (results === undefined) return
    const constants = results.map((result, i) => constantFor(result, node.outputs[i]!.type))
    if (constants.includes(undefined)) return
    node.outputs.forEach((output, i) => this.#replace(node, output, constants[i]!))
    node.destroy()
  }

  #mayFold(node: Node): boolean {
    if (hasSideEffects(node) || isNondeterministic(node)) return false
    const touched = [...node.inputs, ...node.outputs].filter((value) => isMutableType(value.type))
    if (touched.length === 0) return true
    if (this.#aliases === undefined || this.#aliases().nodeHasWriters(node)) return false
    if (evaluatesToInput(node)) return true
    const read = METADATA_OPS.has(node.kind) ? node.inputs.filter((value) => value.type.kind !== 'TensorType') : node.inputs
    return !this.#aliases().escapesScope([...read, ...node.outputs])
  }

  #replace(node: Node, output: Value, { value, type }: Constant): void {
    const fresh = node.graph.withInsertPoint(node, () => node.graph.insertConstant(value, type))
    fresh.debugName = output.debugName
    fresh.node.range = node.range
    if (isMutableType(output.type)) this.#aliases?.().copyValue(output, fresh)
    output.replaceAllUsesWith(fresh)
    this.changes++
  }

  #branch(node: Node): void {
    const condition = toIValue(node.input(0))
    if (condition?.tag === 'Bool') {
      const taken = node.blocks[condition.value ? 0 : 1]!
      this.block(taken)
      inline(taken, node)
      this.changes++
      return
    }
    for (const block of node.blocks) this.block(block)
    this.#mergeEqualOutputs(node)
  }

  /** Outputs that both branches give alike come from before the node. */
  #mergeEqualOutputs(node: Node): void {
    const [yes, no] = node.blocks as [Block, Block]
    for (let i = node.outputs.length - 1; i >= 0; i--) {
      const [a, b] = [yes.outputs[i]!, no.outputs[i]!]
      const common = a === b ? a : this.#commonConstant(node, a, b)
      if (common === undefined) continue
      node.outputs[i]!.replaceAllUsesWith(common)
      node.removeOutput(i)
      yes.returnNode.removeInput(i)
      no.returnNode.removeInput(i)
      this.changes++
    }
  }

  #commonConstant(node: Node, a: Value, b: Value): Value | undefined {
    const value = toIValue(a)
    if (value === undefined || isMutableType(a.type) || toIValue(b) === undefined || constantKey(a.node) !== constantKey(b.node)) return undefined
    return node.graph.withInsertPoint(node, () => node.graph.insertConstant(value, a.type))
  }

  #loop(node: Node): void {
    const trips = toIValue(node.input(0))
    const start = toIValue(node.input(1))
    if ((trips?.tag === 'Int' && trips.value <= 0n) || (start?.tag === 'Bool' && !start.value)) {
      node.outputs.forEach((output, i) => output.replaceAllUsesWith(node.input(i + 2)))
      node.destroy()
      this.changes++
      return
    }
    for (const block of node.blocks) this.block(block)
    this.#dropUnchanged(node)
  }

  /** Carried values that the body hands on as they are need not be carried. */
  #dropUnchanged(node: Node): void {
    const body = node.blocks[0]!
    for (let i = node.outputs.length - 1; i >= 0; i--) {
      const carried = body.inputs[i + 1]!
      if (body.outputs[i + 1] !== carried) continue
      const before = node.input(i + 2)
      node.outputs[i]!.replaceAllUsesWith(before)
      body.returnNode.removeInput(i + 1)
      carried.replaceAllUsesWith(before)
      node.removeOutput(i)
      node.removeInput(i + 2)
      body.paramNode.removeOutput(i + 1)
      this.changes++
    }
  }
}

/** Moves the nodes of a branch in front of its `If`, which then goes with all that is left in it. */
function inline(taken: Block, node: Node): void {
  for (const inner of taken.nodes()) inner.moveBefore(node)
  node.outputs.forEach((output, i) => output.replaceAllUsesWith(taken.outputs[i]!))
  node.destroy()
}

interface Constant {
  readonly value: IValue
  readonly type: Type
}

/** The value as a constant that can stand where `type` was: narrower is fine; lists must have exactly the element type. */
function constantFor(value: IValue, type: Type): Constant | undefined {
  const wanted = type.kind === 'OptionalType' ? type.element : type
  if (value.tag === 'None') return type.kind === 'OptionalType' || type.kind === 'NoneType' || type.kind === 'AnyType' ? { value, type } : undefined
  if (value.tag === 'List' && wanted.kind === 'ListType') return { value: { ...value, elementType: wanted.element }, type: wanted }
  if (value.tag === 'Tuple' && wanted.kind === 'TupleType') return { value: { ...value, type: wanted }, type: wanted }
  const own = ivalueType(value)
  return isSubtype(own, type) ? { value, type: own } : undefined
}
