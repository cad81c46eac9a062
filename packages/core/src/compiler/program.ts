import type { ClassType } from './ir/class-type.ts'
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

/** A method of a class of modules within. */
export interface InnerMethod {
  readonly owner: ClassType
  readonly name: string
  /** Names of attributes that lead to the module; absent for all modules of the class. */
  readonly path?: readonly string[]
  /** Its first input is the module; the class's own code when left out. */
  readonly method?: Method
}

/** What is emitted: a module, and the methods that run it. */
export interface Program {
  readonly root: ObjectValue
  /** `forward` first, where there is one. */
  readonly methods: readonly Method[]
  /** For files whose modules within have methods, too. */
  readonly innerMethods?: readonly InnerMethod[]
  /** Attributes that are set on the module to tell those who load it what was done: `mobile_optimized`. */
  readonly flags: Readonly<Record<string, boolean>>
}

/** The graphs of all methods, in their order; code that stays as it was saved has none. */
export function graphsOf({ methods, innerMethods = [] }: Pick<Program, 'methods' | 'innerMethods'>): Graph[] {
  return [...methods, ...innerMethods.flatMap(({ method }) => method ?? [])].map(({ graph }) => graph)
}
