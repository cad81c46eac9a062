import { allNodes, type Graph, type Node, type Value } from './graph.ts'
import { AliasBuilder } from './alias-builder.ts'
import { memoryClass } from './alias-types.ts'
import type { Locations, MemoryGraph } from './memory-graph.ts'

/** One value or several. */
export type Values = Value | Iterable<Value>

const NOTHING: Locations = new Set()

/**
 * Which values may share memory, and which nodes write to it; as `torch::jit::AliasDb` (torch/csrc/jit/ir/alias_analysis.cpp).
 * What schemas annotate is believed, with the corrections in alias-corrections.ts; for anything else the worst is assumed.
 * Stricter than PyTorch where PyTorch is not sound: values carried by loops, elements of lists when asking for writers,
 * values of type Any, constants that share a storage.
 *
 * The answers hold for the graph as it was analyzed. A pass may go on using them after it removed nodes, or replaced values
 * by ones that hold the same; values made later must be made known with {@link copyValue}, unless their type is immutable.
 */
export class AliasDb {
  readonly #graph: Graph
  readonly #memory: MemoryGraph
  readonly #elements: Map<Value, number>
  /** Memory of constants. */
  readonly #constants: ReadonlySet<number>
  /** Memory that each node writes to by itself. */
  readonly #writes: Map<Node, Set<number>>
  readonly #nestedWrites = new Map<Node, Locations>()
  readonly #written = new Set<number>()
  #boundary: Locations | undefined
  #compared: Locations | undefined

  constructor(graph: Graph) {
    this.#graph = graph
    const builder = new AliasBuilder(graph)
    this.#memory = builder.memory
    this.#elements = builder.elements
    this.#constants = builder.constants
    this.#writes = builder.resolveWrites()
    for (const locations of this.#writes.values()) for (const location of locations) this.#written.add(location)
  }

  /** The memory a value may be. Values that were not there when the graph was analyzed are not known: that is an error in the pass. */
  locations(value: Value): Locations {
    const element = this.#element(value)
    return element === undefined ? NOTHING : this.#memory.locations(element)
  }

  /** The memory a value may be or, through containers, lead to. */
  reachable(value: Value): Locations {
    const element = this.#element(value)
    return element === undefined ? NOTHING : this.#memory.reachable(element)
  }

  #element(value: Value): number | undefined {
    const element = this.#elements.get(value)
    if (element === undefined && memoryClass(value.type) !== undefined) {
      throw new Error(`alias analysis does not know %${value.debugName ?? value.id} of ${value.node.kind}`)
    }
    return element
  }

  mayAlias(a: Values, b: Values): boolean {
    return this.#meet(a, b, (value) => this.locations(value))
  }

  /** True when something that can be got at from `a` may share memory with something that can be got at from `b`. */
  mayContainAlias(a: Values, b: Values): boolean {
    return this.#meet(a, b, (value) => this.reachable(value))
  }

  #meet(a: Values, b: Values, of: (value: Value) => Locations): boolean {
    const mine = union(list(a).map(of))
    return mine.size > 0 && list(b).some((value) => intersects(of(value), mine))
  }

  /** True when any node writes to the value, or to what it holds. */
  hasWriters(value: Value): boolean {
    return this.#written.size > 0 && intersects(this.reachable(value), this.#written)
  }

  /** True when any node writes to the value itself: a list gets longer, a tensor other numbers. What it holds does not count. */
  isWritten(value: Value): boolean {
    return this.#written.size > 0 && intersects(this.locations(value), this.#written)
  }

  /** True when any node writes to an input or output of `node`, or to what they hold. */
  nodeHasWriters(node: Node): boolean {
    return node.inputs.some((value) => this.hasWriters(value)) || node.outputs.some((value) => this.hasWriters(value))
  }

  /** The memory that a node and the nodes in its blocks write to. */
  writesOf(node: Node): Locations {
    if (node.blocks.length === 0) return this.#writes.get(node) ?? NOTHING
    let known = this.#nestedWrites.get(node)
    if (known === undefined) {
      const parts = [this.#writes.get(node) ?? NOTHING]
      for (const block of node.blocks) for (const inner of block.nodes()) parts.push(this.writesOf(inner))
      this.#nestedWrites.set(node, known = union(parts))
    }
    return known
  }

  /** The memory that a node and the nodes in its blocks may read. */
  readsOf(node: Node): Locations {
    const parts = node.inputs.map((value) => this.reachable(value))
    for (const block of node.blocks) {
      for (const inner of block.nodes()) parts.push(this.readsOf(inner))
      for (const output of block.outputs) parts.push(this.reachable(output))
    }
    return union(parts)
  }

  /**
   * True when the node itself may write to memory that exists outside of the graph, that can be got at from anywhere in it, or that
   * belongs to a constant, which the next run finds as this one leaves it.
   */
  writesToWildcard(node: Node): boolean {
    for (const location of this.#writes.get(node) ?? NOTHING) {
      if (this.#memory.isWildcard(location) || this.#constants.has(location)) return true
    }
    return false
  }

  /** True when one of the values may be seen from outside: through inputs, outputs or a container. */
  escapesScope(values: Values): boolean {
    this.#boundary ??= union([...this.#graph.inputs, ...this.#graph.outputs].map((value) => this.reachable(value)))
    for (const value of list(values)) {
      const reachable = this.reachable(value)
      if (intersects(reachable, this.#boundary)) return true
      for (const location of this.locations(value)) if (this.#memory.isWildcard(location)) return true
    }
    return false
  }

  /**
   * True when the graph asks, with `is`, whether something is this very object: then two objects of equal content must not become one,
   * nor a view of a tensor the tensor itself.
   */
  identityMatters(value: Value): boolean {
    this.#compared ??= union([...allNodes(this.#graph.block)].flatMap((node) => {
      const asks = (node.kind === 'aten::__is__' || node.kind === 'aten::__isnot__') && node.inputs.every(({ type }) => type.kind !== 'NoneType')
      return asks ? node.inputs.map((input) => this.locations(input)) : []
    }))
    return this.#compared.size > 0 && intersects(this.locations(value), this.#compared)
  }

  /** Makes a new value known as one that holds the same as `known`. */
  copyValue(known: Value, fresh: Value): void {
    const element = this.#element(known)
    if (element !== undefined) this.#elements.set(fresh, element)
  }
}

/** An analysis that is made when it is first asked for. */
export type LazyAliasDb = () => AliasDb

/** The analysis of `graph` as it is when first asked for. */
export function lazyAliasDb(graph: Graph): LazyAliasDb {
  let made: AliasDb | undefined
  return () => made ??= new AliasDb(graph)
}

function list(values: Values): readonly Value[] {
  return Symbol.iterator in values ? [...values] : [values]
}

/** True when the two have a location in common. */
export function intersects(a: Locations, b: Locations): boolean {
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  for (const each of small) if (large.has(each)) return true
  return false
}

function union(sets: readonly Locations[]): Locations {
  const filled = sets.filter((set) => set.size > 0)
  if (filled.length <= 1) return filled[0] ?? NOTHING
  const all = new Set<number>()
  for (const set of new Set(filled)) for (const each of set) all.add(each)
  return all
}
