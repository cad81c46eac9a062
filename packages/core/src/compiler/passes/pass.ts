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
