import { lazyAliasDb, type LazyAliasDb } from '../ir/alias-analysis.ts'
import type { Graph } from '../ir/graph.ts'

/** What passes tell about their work; becomes the `optimizations` of the facts. */
export interface PassLog {
  /** `count` places were changed. */
  changed(pass: string, count: number): void
  /** One place was left alone: `what` (an operator or attribute) and the reason, in words for a user. */
  declined(pass: string, what: string, why: string): void
}

/** A graph-to-graph rewrite, in place. Named as PyTorch names it. */
export interface Pass {
  readonly name: string
  run(graph: Graph, log: PassLog): void
}

/** A pass that simplifies and is good by itself, wherever it runs. */
export interface Simplification extends Pass {
  /** Gives the number of places changed. `aliases` is of the graph as it is; dead code may be left behind. */
  simplify(graph: Graph, aliases: LazyAliasDb): number
}

/** The pass that does `simplify`, and tells how often. */
export function simplification(name: string, simplify: Simplification['simplify']): Simplification {
  return {
    name, simplify,
    run(graph, log) {
      const count = simplify(graph, lazyAliasDb(graph))
      if (count > 0) log.changed(name, count)
    },
  }
}
