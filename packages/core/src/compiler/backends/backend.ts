import type { BackendName } from '../artifact.ts'
import type { Graph } from '../ir/graph.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import type { PassLog } from '../passes/pass.ts'
import type { AttributeSet } from '../passes/preserved.ts'
import type { Method } from '../program.ts'

/** What a stage works on. Graphs are changed in place; the module may be replaced by one with further attributes. */
export interface StageState {
  readonly methods: readonly Method[]
  root: ObjectValue
  readonly log: PassLog
  /** Attributes that an app may set, and so are no constants. */
  preserved: AttributeSet
}

/** One step of a backend. Left out when `optimization`, one of the backend's `blockable`, is blocked. */
export interface Stage {
  readonly name: string
  readonly optimization?: string
  readonly run: (state: StageState) => void
}

/** An engine: which steps in which order, and what tells that they were done. */
export interface Backend {
  readonly name: BackendName
  readonly stages: readonly Stage[]
  /** Attributes set on the module: see Program; asked with what is blocked. */
  readonly flags: (block: ReadonlySet<string>) => Readonly<Record<string, boolean>>
}

/** A stage that does the same to each method. */
export function each(pass: (graph: Graph, log: PassLog) => unknown): Stage['run'] {
  return ({ methods, log }) => { for (const { graph } of methods) pass(graph, log) }
}
