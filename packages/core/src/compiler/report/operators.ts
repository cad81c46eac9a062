import type { Bytecode } from '../emit/emitter.ts'
import { OPERATOR_OF_OPCODE } from '../emit/opcodes.ts'
import { allNodes, type Graph } from '../ir/graph.ts'
import { schemaName } from '../ir/schema.ts'

/** Nodes that are no work at run time. */
const UNCOUNTED: ReadonlySet<string> = new Set(['prim::Constant', 'prim::GetAttr', 'prim::Drop'])

/** How often each operator occurs in the code, overloads apart, sorted by name. Constants and reads of attributes do not count. */
export function countOperators(graphs: Iterable<Graph>): Record<string, number> {
  const counts = new Map<string, number>()
  for (const graph of graphs) {
    for (const node of allNodes(graph.block)) {
      if (!UNCOUNTED.has(node.kind)) count(counts, node.schema ? schemaName(node.schema) : node.kind)
    }
  }
  return sorted(counts)
}

/** {@link countOperators} of code that is compiled already; instructions that stand for operators count as those. */
export function countInstructions(codes: Iterable<Pick<Bytecode, 'instructions' | 'operators'>>): Record<string, number> {
  const counts = new Map<string, number>()
  for (const { instructions, operators } of codes) {
    for (const { op, x } of instructions) {
      const operator = op === 'OP' || op === 'OPN' ? operators[x] : undefined
      const name = operator ? (operator.overload === '' ? operator.name : `${operator.name}.${operator.overload}`) : OPERATOR_OF_OPCODE[op]
      if (name !== undefined) count(counts, name)
    }
  }
  return sorted(counts)
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

/** By code units, so that no machine's language decides. */
function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
