import { allNodes, type Graph } from '../ir/graph.ts'
import { boolValue } from '../ir/ivalue.ts'
import type { PassLog } from './pass.ts'
import { analyzeQuantized } from './quantized-analysis.ts'
import { insertConstant, replaceNode } from './rewriting.ts'

/**
 * `x.is_quantized` becomes True where it is certain. Scripted quantized layers check their input on every call; constant propagation
 * drops the checks that are settled.
 */
export function foldIsQuantized(graph: Graph, log: PassLog): void {
  const checks = [...allNodes(graph.block)].filter(({ kind }) => kind === 'prim::is_quantized')
  if (checks.length === 0) return
  const typeOf = analyzeQuantized(graph)
  const certain = checks.filter((node) => typeOf(node.input(0)) !== undefined)
  for (const node of certain) replaceNode(node, insertConstant(node, boolValue(true)))
  if (certain.length > 0) log.changed('fold_is_quantized', certain.length)
}
