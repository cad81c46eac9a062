import { allNodes } from '../ir/graph.ts'
import { holdsTensors } from '../passes/move-tensors.ts'
import { schemaName } from '../ir/schema.ts'
import { analyzeLayouts } from '../passes/layout-analysis.ts'
import { METADATA_OPS } from '../passes/rewriting.ts'
import type { Lack } from '../passes/run-on-cpu.ts'
import type { Program } from '../program.ts'
import { lackingOnMetal, lackingOnVulkan } from './gpu-support.ts'

/** An operator of a program that an engine lacks, or cannot run in this form. */
export interface MissingOperator {
  /** Name with overload: `aten::silu`. */
  readonly operator: string
  readonly count: number
  /** Why, in words for a user. */
  readonly why: string
  /** The first place in the TorchScript code that calls it, where that is known. */
  readonly at?: { readonly file: string; readonly line: number }
}

const LACKS: Readonly<Record<'vulkan' | 'metal', Lack>> = { vulkan: lackingOnVulkan, metal: lackingOnMetal }

/**
 * Operators on tensors that an engine's runtime (PyTorch 1.13's) lacks, by operator and reason, in the order of the code. Compiled for
 * Vulkan with automatic transfer they run on the CPU; without, and on Metal, running them fails. Convolutions always run.
 */
export function missingOperators(program: Pick<Program, 'methods'>, backend: 'cpu' | 'vulkan' | 'metal'): MissingOperator[] {
  if (backend === 'cpu') return []
  const found = new Map<string, MissingOperator>()
  for (const { graph } of program.methods) {
    const layoutOf = analyzeLayouts(graph)
    for (const node of allNodes(graph.block)) {
      const { schema, kind, range } = node
      if (schema === undefined || kind.startsWith('prim::') || METADATA_OPS.has(kind) || !schema.arguments.some(({ type }) => holdsTensors(type))) continue
      const why = LACKS[backend](node, layoutOf)
      if (why === undefined) continue
      const operator = schemaName(schema)
      const key = `${operator} ${why}`
      const known = found.get(key)
      found.set(key, { operator, count: (known?.count ?? 0) + 1, why, ...known?.at ? { at: known.at } : range && { at: range } })
    }
  }
  return [...found.values()]
}
