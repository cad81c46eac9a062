import type { Graph } from './ir/graph.ts'
import type { ObjectValue } from './ir/ivalue.ts'
import type { FunctionSchema } from './ir/schema.ts'

/** A method of the root module as one flat graph: all calls are inlined, and the module itself is the first input. */
export interface Method {
  /** Without the class: `forward`. */
  readonly name: string
  readonly schema: FunctionSchema
  /** Changed in place by passes. */
  readonly graph: Graph
}

/** What is emitted: a module, and the methods that run it. */
export interface Program {
  readonly root: ObjectValue
  /** `forward` first, where there is one. */
  readonly methods: readonly Method[]
  /** Attributes that are set on the module to tell those who load it what was done: `mobile_optimized`. */
  readonly flags: Readonly<Record<string, boolean>>
}

/** The graphs of all methods, in their order. */
export function graphsOf({ methods }: Pick<Program, 'methods'>): Graph[] {
  return methods.map(({ graph }) => graph)
}
