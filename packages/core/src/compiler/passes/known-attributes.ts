import { toIValue, type Node, type Value } from '../ir/graph.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'

/** An attribute in evaluation mode: modules are not in training, whatever they were saved in. */
export function inEvaluation(value: IValue, object: ObjectValue, name: string): IValue {
  return name === 'training' && value.tag === 'Bool' && object.type.isModule ? { tag: 'Bool', value: false } : value
}

/**
 * What the flags of a module say while a graph is built from its code, as if no attribute on the way to them is ever assigned.
 * Whether that holds is known when the graphs of all methods are complete: code that is not in it, because a flag says so, cannot run, and so assigns nothing.
 */
export class KnownAttributes {
  readonly #root: ObjectValue
  readonly #objects: Map<Value, ObjectValue> = new Map()
  readonly #flags: Map<Value, IValue> = new Map()
  readonly #trusted: Set<string> = new Set()
  readonly #assigned: Set<string> = new Set()
  #hasHiddenCode = false

  constructor(root: ObjectValue) {
    this.#root = root
  }

  /** Takes notice of a node of the graph; in the order of the graph. */
  follow(node: Node): void {
    if (node.kind === 'prim::GetAttr') {
      const name = node.string('name')
      const object = this.#objectOf(node.input(0))
      const value = object?.slots.get(name)
      if (object === undefined || value === undefined) return
      if (value.tag === 'Object') this.#objects.set(node.output, value)
      else if (value.tag === 'Bool') this.#flags.set(node.output, inEvaluation(value, object, name))
      else return
      this.#trusted.add(name)
    } else if (node.kind === 'prim::SetAttr') {
      this.#assigned.add(node.string('name'))
    } else if (node.attributes.size > 0) {
      for (const { kind } of node.attributes.values()) if (kind === 'g') this.#hasHiddenCode = true
    }
  }

  /** What a value of the graph certainly is: a constant, or a module's flag. */
  valueOf(value: Value): IValue | undefined {
    return this.#flags.get(value) ?? toIValue(value)
  }

  /** Names of attributes that were taken for constant. */
  get trusted(): ReadonlySet<string> {
    return this.#trusted
  }

  /** Names of attributes that the graph assigns. */
  get assigned(): ReadonlySet<string> {
    return this.#assigned
  }

  /** True when the graph has code that was not looked into. */
  get hasHiddenCode(): boolean {
    return this.#hasHiddenCode
  }

  #objectOf(value: Value): ObjectValue | undefined {
    const isSelf = value.offset === 0 && value.node === value.node.graph.block.paramNode
    return isSelf ? this.#root : this.#objects.get(value)
  }
}

/** True when one of a module's methods, or who has the module (`changing`), may assign an attribute that one of them was taken to know. */
export function areContradicted(known: readonly KnownAttributes[], changing: ReadonlySet<string> = new Set()): boolean {
  const trusted = new Set(known.flatMap((each) => [...each.trusted]))
  if (trusted.size === 0) return false
  const assigned = [...changing, ...known.flatMap((each) => [...each.assigned])]
  return known.some((each) => each.hasHiddenCode) || assigned.some((name) => trusted.has(name))
}
