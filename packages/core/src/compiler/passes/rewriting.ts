import type { Tensor } from '../archive/tensor.ts'
import { AliasDb } from '../ir/alias-analysis.ts'
import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import { TensorType, type Type } from '../ir/types.ts'

/** Operators that look at a tensor's shape or type only: what they give does not change when its elements do. */
export const METADATA_OPS: ReadonlySet<string> = new Set([
  'aten::dim', 'aten::size', 'aten::numel', 'aten::len', 'prim::device', 'prim::dtype', 'prim::is_cuda', 'prim::layout',
  'prim::requires_grad', 'aten::is_floating_point', 'aten::is_complex', 'aten::sym_size',
])

/** The plain list of a constant `int[]`, also when it is built from constants and only read afterwards. */
export function constantInts(value: Value): number[] | undefined {
  const constant = toIValue(value)
  const elements = constant === undefined ? builtList(value) : constant.tag === 'List' ? constant.elements : undefined
  if (elements === undefined) return undefined
  const ints: number[] = []
  for (const element of elements) {
    if (element.tag !== 'Int' || element.value > Number.MAX_SAFE_INTEGER || element.value < Number.MIN_SAFE_INTEGER) return undefined
    ints.push(Number(element.value))
  }
  return ints
}

function builtList(value: Value): IValue[] | undefined {
  if (value.node.kind !== 'prim::ListConstruct') return undefined
  for (const { user, offset } of value.uses) {
    const argument = user.schema?.arguments[offset]
    if (argument === undefined || argument.alias !== undefined) return undefined
  }
  const elements = value.node.inputs.map(toIValue)
  return elements.every((element) => element !== undefined) ? elements as IValue[] : undefined
}

/** The tensor of a constant, or undefined. */
export function constantTensor(value: Value): Tensor | undefined {
  const constant = toIValue(value)
  return constant?.tag === 'Tensor' ? constant.value : undefined
}

/**
 * How a constant tensor of the graph may come to hold other numbers, in words; undefined for one that cannot. A copy of its numbers,
 * packed or folded into others, would not follow. Constants that a pass makes later are its own, and do not change.
 */
export function changingConstants(graph: Graph): (value: Value) => string | undefined {
  const changes = new Map<Value, string>()
  const aliasDb = new AliasDb(graph)
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'prim::Constant' || node.output.type.kind !== 'TensorType') continue
    if (aliasDb.hasWriters(node.output)) changes.set(node.output, 'changes while the model runs')
    else if (aliasDb.escapesScope(node.output)) changes.set(node.output, 'is part of what the model returns, so that an app may change it')
  }
  return (value) => changes.get(value)
}

/** True for a constant None. */
export function isNone(value: Value): boolean {
  return toIValue(value)?.tag === 'None'
}

/** The bool of a constant, or undefined. */
export function constantBool(value: Value): boolean | undefined {
  const constant = toIValue(value)
  return constant?.tag === 'Bool' ? constant.value : undefined
}

/** A constant int or float as a number. */
export function constantNumber(value: Value): number | undefined {
  const constant = toIValue(value)
  if (constant?.tag === 'Double') return constant.value
  return constant?.tag === 'Int' ? Number(constant.value) : undefined
}

/** Inserts an operator with one output right before `node`. */
export function insertOperator(node: Node, name: string, overload: string, inputs: readonly Value[], type: Type = TensorType): Value {
  const schema = findSchema(name, overload)
  if (schema === undefined) throw new Error(`no operator ${name}.${overload}`)
  const created = node.graph.create(name, inputs, schema).insertBefore(node)
  created.range = node.range
  return created.addOutput(type)
}

/** Inserts a constant right before `node`. */
export function insertConstant(node: Node, value: IValue, type?: Type): Value {
  return node.graph.withInsertPoint(node, () => node.graph.insertConstant(value, type))
}

/** Replaces the only output of `node` by `value` and removes the node. */
export function replaceNode(node: Node, value: Value): void {
  value.debugName ??= node.output.debugName
  node.output.replaceAllUsesWith(value)
  node.destroy()
}

/** True when every use of `value` but that by `user` only looks at its shape or type. */
export function onlyUsedBy(value: Value, user: Node): boolean {
  let seen = 0
  for (const use of value.uses) {
    if (use.user === user) seen++
    else if (!METADATA_OPS.has(use.user.kind)) return false
  }
  return seen === 1
}
