import type { RuntimeVersion } from '../../artifact.ts'
import { allNodes, toIValue, type Graph, type Node, type Value } from '../../ir/graph.ts'
import { schemaName, type Argument, type FunctionSchema } from '../../ir/schema.ts'
import { sameType } from '../../ir/types.ts'
import { equalValues } from '../necessary-args.ts'
import { operatorIn } from './index.ts'

/**
 * The graph with every operator called as a runtime knows it: arguments that came later are left out where they have their default,
 * and those that have gone are given theirs. What cannot be adapted stays as it is and is found by `missingOperators`. The graph
 * itself is not changed.
 */
export function adapted(original: Graph, version: RuntimeVersion): Graph {
  const isForeign = ({ schema }: Node): boolean => schema !== undefined && typeof operatorIn(version, schemaName(schema)) === 'object'
  if (![...allNodes(original.block)].some(isForeign)) return original
  const graph = original.copy()
  for (const node of allNodes(graph.block)) {
    const target = node.schema && operatorIn(version, schemaName(node.schema))
    if (typeof target === 'object') adapt(node, target)
  }
  return graph
}

/** Arguments that change no result: the class of an error, which releases before 1.11 do not know. */
const DISPENSABLE: ReadonlySet<string> = new Set(['prim::RaiseException cls'])

function adapt(node: Node, target: FunctionSchema): void {
  const own = node.schema!
  if (own.isVararg || own.arguments.length !== node.inputs.length) return
  const used = new Set<number>()
  const sources = target.arguments.map((wanted, i) => {
    const index = counterpart(own, wanted, i, target)
    if (index >= 0) used.add(index)
    return index
  })
  const fits = own.arguments.every((argument, i) => used.has(i) || isDefault(argument, node.inputs[i]!) || DISPENSABLE.has(`${own.name} ${argument.name}`))
    && target.arguments.every((argument, i) => sources[i]! >= 0 ? accepts(argument, node.inputs[sources[i]!]!) : argument.defaultValue !== undefined)
  if (!fits) return
  const inputs = target.arguments.map(({ defaultValue }, i) => sources[i]! >= 0 ? node.inputs[sources[i]!]!
    : node.graph.withInsertPoint(node, () => node.graph.insertConstant(defaultValue!)))
  node.removeAllInputs()
  for (const input of inputs) node.addInput(input)
  node.schema = { ...target, returns: own.returns }
}

/** The argument of the same name; where names have changed, the one in the same place with the same type. */
function counterpart(own: FunctionSchema, wanted: Argument, index: number, target: FunctionSchema): number {
  const named = own.arguments.findIndex(({ name }) => name === wanted.name)
  const there = own.arguments[index]
  if (named >= 0 || there === undefined) return named
  return sameType(there.type, wanted.type) && !target.arguments.some(({ name }) => name === there.name) ? index : -1
}

function isDefault({ defaultValue }: Argument, value: Value): boolean {
  const given = toIValue(value)
  return defaultValue !== undefined && given !== undefined && equalValues(defaultValue, given)
}

/** A None is taken only by what may be None. */
function accepts({ type }: Argument, value: Value): boolean {
  return toIValue(value)?.tag !== 'None' || type.kind === 'OptionalType' || type.kind === 'AnyType'
}
