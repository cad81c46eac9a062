import type { Node } from '../../ir/graph.ts'
import type { IValue } from '../../ir/ivalue.ts'
import { CONTAINER_EVALUATORS } from './containers.ts'
import { NUMBER_EVALUATORS } from './numbers.ts'
import { TENSOR_EVALUATORS } from './tensors.ts'

const TABLES = [NUMBER_EVALUATORS, CONTAINER_EVALUATORS, TENSOR_EVALUATORS]

/** Operators that give (a view of) an input, so that nothing new comes into being. */
const RETURNS_INPUT: ReadonlySet<string> = new Set([
  'prim::unchecked_cast', 'prim::unchecked_unwrap_optional', 'aten::_unwrap_optional', 'prim::TupleUnpack', 'prim::TupleIndex', 'prim::ListUnpack',
  'aten::__getitem__', 'aten::get', 'aten::detach', 'aten::alias', 'aten::t', 'aten::transpose', 'aten::permute', 'aten::unsqueeze', 'aten::squeeze',
  'aten::view', 'aten::select', 'aten::expand',
])

/** True when the outputs of a node share their memory with its inputs, whether it is evaluated or runs. */
export function evaluatesToInput(node: Node): boolean {
  return RETURNS_INPUT.has(node.kind)
}

/**
 * What a node gives for constant inputs, one value for each output, or undefined when it must run. Never throws. The caller must know that
 * the inputs are not written to and the node has no effects.
 */
export function evaluate(node: Node, inputs: readonly IValue[]): readonly IValue[] | undefined {
  for (const table of TABLES) {
    const evaluator = Object.hasOwn(table, node.kind) ? table[node.kind] : undefined
    const result = evaluator?.(inputs, node)
    if (result === undefined) continue
    const values = Array.isArray(result) ? result as readonly IValue[] : [result as IValue]
    return values.length === node.outputs.length ? values : undefined
  }
  return undefined
}
