import { ANY_MEMORY } from './alias-types.ts'

/** Something in memory, or something that may stand for several: then it points to them. Numbers are indices into the graph's tables. */
export type Element = number

/** Elements that are memory themselves: what a value may be. */
export type Locations = ReadonlySet<number>

const NOTHING: Locations = new Set()

/**
 * A set that grows larger is widened to the whole class of memory. Sets of this size do not occur in models (they arise
 * where thousands of branches choose between different tensors), and it keeps the analysis linear.
 */
const MAX_LOCATIONS = 256

/**
 * Which elements may be which memory: points-to and containment edges, and wildcards, the memory that everything of one class may share
 * (torch/csrc/jit/passes/utils/memory_dag.cpp). Edges are added first; the queries answer after {@link solve}. Unlike in PyTorch,
 * edges may form cycles, which loops do.
 */
export class MemoryGraph {
  readonly #pointsTo: (Element[] | undefined)[] = []
  readonly #contains: (Element[] | undefined)[] = []
  readonly #classOf: string[] = []
  /** Wildcard element of a class. */
  readonly #wildcards = new Map<string, Element>()
  readonly #isWildcard: boolean[] = []
  /** Elements whose memory joins the wildcard of their class. */
  readonly #escaped = new Set<Element>()
  #locations: (Locations | undefined)[] = []
  #reachable: (Locations | undefined)[] = []
  /** When a value of any type may be around, all wildcards are one: this is it. */
  #universal: Element | undefined
  /** Wildcards that a memory location also is. */
  readonly #wild = new Map<Element, Set<Element>>()

  element(memoryClass: string): Element {
    const index = this.#classOf.length
    this.#classOf.push(memoryClass)
    this.#pointsTo.push(undefined)
    this.#contains.push(undefined)
    this.#isWildcard.push(false)
    return index
  }

  /** The wildcard of a class; `isNew` tells that it has just been made and contains nothing yet. */
  wildcard(memoryClass: string): { element: Element; isNew: boolean } {
    const known = this.#wildcards.get(memoryClass)
    if (known !== undefined) return { element: known, isNew: false }
    const element = this.element(memoryClass)
    this.#wildcards.set(memoryClass, element)
    this.#isWildcard[element] = true
    if (memoryClass === ANY_MEMORY) this.#universal = element
    return { element, isNew: true }
  }

  pointTo(from: Element, to: Element): void {
    if (from !== to) (this.#pointsTo[from] ??= []).push(to)
  }

  contain(container: Element, inner: Element): void {
    if (container !== inner) (this.#contains[container] ??= []).push(inner)
  }

  /** All memory of `element` may from now on be any other memory of its class. The wildcard must have been made. */
  escape(element: Element): void {
    this.#escaped.add(element)
  }

  solve(): void {
    const raw = this.#leaves()
    for (const element of this.#escaped) {
      const wildcard = this.#representative(this.#wildcards.get(this.#classOf[element]!)!)
      for (const location of raw[element]!) {
        if (location === wildcard) continue
        let wilds = this.#wild.get(location)
        if (wilds === undefined) this.#wild.set(location, wilds = new Set())
        wilds.add(wildcard)
      }
    }
    // Equal sets are shared, so they are widened once.
    const widened = new Map<Locations, Locations>()
    this.#locations = raw.map((set) => {
      let wide = widened.get(set!)
      if (wide === undefined) widened.set(set!, wide = this.#widen(set!))
      return wide
    })
    this.#reachable = Array.from({ length: this.#locations.length })
  }

  /** The memory that `element` may be. */
  locations(element: Element): Locations {
    return this.#locations[element] ?? NOTHING
  }

  /** The memory that `element` may be, and all that can be got at from there. */
  reachable(element: Element): Locations {
    let known = this.#reachable[element]
    if (known === undefined) {
      const locations = this.locations(element)
      known = locations
      for (const location of locations) {
        if (location === this.#universal || this.#contains[location] !== undefined || this.#contains[element] !== undefined) {
          known = this.#collect(element)
          break
        }
      }
      this.#reachable[element] = known
    }
    return known
  }

  isWildcard(location: Element): boolean {
    return this.#isWildcard[location]!
  }

  /** All wildcards there are. */
  wildcards(): Locations {
    return new Set([...this.#wildcards.values()].map((element) => this.#representative(element)))
  }

  #representative(location: Element): Element {
    return this.#universal !== undefined && this.#isWildcard[location] ? this.#universal : location
  }

  #widen(set: Locations): Locations {
    let wide: Set<number> | undefined
    for (const location of set) {
      for (const wild of this.#wild.get(location) ?? NOTHING) if (!set.has(wild)) (wide ??= new Set(set)).add(wild)
    }
    return wide ?? set
  }

  #collect(start: Element): Locations {
    const found = new Set<number>()
    const todo = [start]
    const seen = new Set(todo)
    const push = (element: Element): void => {
      if (!seen.has(element)) {
        seen.add(element)
        todo.push(element)
      }
    }
    for (let element = todo.pop(); element !== undefined; element = todo.pop()) {
      for (const location of this.locations(element)) {
        found.add(location)
        push(location)
        // All wildcards are one: what any of them contains, this one does.
        if (location === this.#universal) for (const wildcard of this.#wildcards.values()) push(wildcard)
      }
      for (const inner of this.#contains[element] ?? []) push(inner)
    }
    return found
  }

  /** For every element the elements without pointers that it leads to: strongly connected components, then unions (Tarjan, without recursion). */
  #leaves(): (Locations | undefined)[] {
    const count = this.#classOf.length
    const order = new Int32Array(count).fill(-1)
    const low = new Int32Array(count)
    const onStack = new Uint8Array(count)
    const result: (Locations | undefined)[] = Array.from({ length: count })
    const stack: Element[] = []
    const calls: { element: Element; next: number }[] = []
    let counter = 0
    for (let root = 0; root < count; root++) {
      if (order[root] !== -1) continue
      calls.push({ element: root, next: 0 })
      while (calls.length > 0) {
        const call = calls[calls.length - 1]!
        const { element } = call
        if (call.next === 0 && order[element] === -1) {
          order[element] = low[element] = counter++
          stack.push(element)
          onStack[element] = 1
        }
        const targets = this.#pointsTo[element]
        if (targets !== undefined && call.next < targets.length) {
          const target = targets[call.next++]!
          if (order[target] === -1) calls.push({ element: target, next: 0 })
          else if (onStack[target]) low[element] = Math.min(low[element]!, order[target]!)
          continue
        }
        calls.pop()
        const caller = calls[calls.length - 1]
        if (caller) low[caller.element] = Math.min(low[caller.element]!, low[element]!)
        if (low[element] === order[element]) this.#closeComponent(element, stack, onStack, result)
      }
    }
    return result
  }

  #closeComponent(root: Element, stack: Element[], onStack: Uint8Array, result: (Locations | undefined)[]): void {
    const members: Element[] = []
    for (let member = -1; member !== root;) {
      member = stack.pop()!
      onStack[member] = 0
      members.push(member)
    }
    const union = this.#union(members, result)
    for (const member of members) result[member] = union
  }

  #union(members: readonly Element[], result: readonly (Locations | undefined)[]): Locations {
    let union: Set<number> | undefined
    let single: Locations | undefined
    for (const member of members) {
      for (const target of this.#pointsTo[member] ?? []) {
        const set = result[target]
        if (set === undefined || set === single) continue
        if (single === undefined) single = set
        else {
          union ??= new Set(single)
          for (const location of set) union.add(location)
        }
      }
    }
    if (single === undefined) return new Set([this.#representative(members[0]!)])
    if (union === undefined || union.size <= MAX_LOCATIONS) return union ?? single
    for (const location of union) this.#escapeLocation(location)
    return new Set([...union].map((location) => this.#representativeOfClass(location)))
  }

  /** The location joins its class, which must have a wildcard: the widened set consists of nothing else. */
  #escapeLocation(location: Element): void {
    const wildcard = this.#representativeOfClass(location)
    if (wildcard === location) return
    let wilds = this.#wild.get(location)
    if (wilds === undefined) this.#wild.set(location, wilds = new Set())
    wilds.add(wildcard)
  }

  #representativeOfClass(location: Element): Element {
    return this.#representative(this.#wildcards.get(this.#classOf[location]!)!)
  }
}
