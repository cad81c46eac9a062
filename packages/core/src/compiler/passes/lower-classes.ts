import { allNodes, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import type { Type } from '../ir/types.ts'
import { foldObjectChecks, isPlainObject } from './object-checks.ts'
import { splitMergedObjects } from './object-merges.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Replaces objects of plain classes by the values of their attributes, where an object is only used by naming its attributes: what is
 * assigned is what later reads give, carried through branches and loops. Objects that branches or loops merge are taken apart first
 * ({@link splitMergedObjects}). Objects that are returned, passed on, or put into lists and other objects stay as they are.
 * Upstream has no such pass: its lite interpreter cannot create objects, and its exporter refuses models that do.
 */
export const lowerClasses: Simplification = simplification('lower_classes', lowerObjects)

function lowerObjects(graph: Graph): number {
  const first = findObject(graph)
  if (first === undefined) return 0
  return foldObjectChecks(graph) + splitMergedObjects(graph) + promoteAttributes(graph)
}

function findObject(graph: Graph): Node | undefined {
  for (const node of allNodes(graph.block)) if (node.kind === 'prim::CreateObject') return node
  return undefined
}

/** Attributes by name; those that were never assigned are missing. */
type Fields = Map<string, Value>

/** Assigned attributes, by object. */
type Assigned = Map<Value, Set<string>>

/** Replaces attribute reads of objects that do not escape by what was assigned. Gives the number of objects that are gone. */
function promoteAttributes(graph: Graph): number {
  const creations = Array.from(allNodes(graph.block)).filter((node) => node.kind === 'prim::CreateObject' && isPrivate(node.output))
  if (creations.length === 0) return 0
  const promotion = new Promotion(creations)
  promotion.block(graph.block)
  for (const node of creations) node.destroy()
  return creations.length
}

/** True when an object is only used to read and assign its attributes. */
function isPrivate(object: Value): boolean {
  if (!isPlainObject(object.type)) return false
  for (const { user, offset } of object.uses) {
    if (offset !== 0 || (user.kind !== 'prim::GetAttr' && user.kind !== 'prim::SetAttr')) return false
  }
  return true
}

/** One walk over the graph in order of execution, with the current attributes of all objects. */
class Promotion {
  readonly #fields: Map<Value, Fields> = new Map()
  /** What a branch or loop assigns to objects from around it. */
  readonly #assignedIn: Map<Node, Assigned> = new Map()
  readonly #uninitialized: Map<Value, Fields> = new Map()

  constructor(creations: readonly Node[]) {
    for (const node of creations) {
      this.#fields.set(node.output, new Map())
      for (const { user } of node.output.uses) if (user.kind === 'prim::SetAttr') this.#note(node.output, user)
    }
  }

  #note(object: Value, assignment: Node): void {
    const home = object.node.owningBlock
    for (let block = assignment.owningBlock!; block !== home; block = block.owningNode!.owningBlock!) {
      const assigned = this.#assignedIn.get(block.owningNode!) ?? new Map<Value, Set<string>>()
      this.#assignedIn.set(block.owningNode!, assigned)
      const names = assigned.get(object) ?? new Set()
      assigned.set(object, names.add(assignment.string('name')))
    }
  }

  block(block: Block): void {
    for (const node of block.nodes()) this.#node(node)
  }

  #node(node: Node): void {
    const assigned = this.#assignedIn.get(node)
    if (assigned !== undefined) return node.kind === 'prim::Loop' ? this.#loop(node, assigned) : this.#branches(node, assigned)
    for (const block of node.blocks) this.block(block)
    const fields = node.kind === 'prim::GetAttr' || node.kind === 'prim::SetAttr' ? this.#fields.get(node.input(0)) : undefined
    if (fields === undefined) return
    const name = node.string('name')
    if (node.kind === 'prim::SetAttr') fields.set(name, node.input(1))
    else node.output.replaceAllUsesWith(this.#current(node.input(0), name, node.output.type))
    node.destroy()
  }

  /** What an attribute is now. One that was never assigned cannot be read by a program that runs. */
  #current(object: Value, name: string, type: Type): Value {
    const known = this.#fields.get(object)!.get(name)
    if (known !== undefined) return known
    const made = this.#uninitialized.get(object) ?? new Map<string, Value>()
    this.#uninitialized.set(object, made)
    let value = made.get(name)
    if (value === undefined) {
      const { graph } = object.node
      value = graph.create('prim::Uninitialized').insertBefore(object.node).addOutput(type)
      value.node.range = object.node.range
      made.set(name, value)
    }
    return value
  }

  #branches(node: Node, assigned: Assigned): void {
    const before = snapshot(assigned, this.#fields)
    const results = node.blocks.map((block) => {
      before.forEach((fields, object) => this.#fields.set(object, new Map(fields)))
      this.block(block)
      return snapshot(assigned, this.#fields)
    })
    before.forEach((fields, object) => this.#fields.set(object, new Map(fields)))
    for (const { object, name, type } of attributesOf(assigned)) {
      node.blocks.forEach((block, i) => {
        this.#fields.set(object, results[i]!.get(object)!)
        block.registerOutput(this.#current(object, name, type))
      })
      this.#fields.set(object, before.get(object)!)
      before.get(object)!.set(name, node.addOutput(type, name))
    }
  }

  #loop(node: Node, assigned: Assigned): void {
    const body = node.blocks[0]!
    const attributes = attributesOf(assigned)
    for (const { object, name, type } of attributes) {
      node.addInput(this.#current(object, name, type))
      this.#fields.get(object)!.set(name, body.addInput(type, name))
    }
    this.block(body)
    for (const { object, name, type } of attributes) {
      body.registerOutput(this.#current(object, name, type))
      this.#fields.get(object)!.set(name, node.addOutput(type, name))
    }
  }
}

/** The current attributes of the objects that are assigned to. */
function snapshot(assigned: Assigned, all: ReadonlyMap<Value, Fields>): Map<Value, Fields> {
  return new Map([...assigned.keys()].map((object) => [object, new Map(all.get(object))]))
}

/** What is assigned, with declared types. */
function attributesOf(assigned: Assigned): { object: Value; name: string; type: Type }[] {
  return [...assigned].flatMap(([object, names]) => {
    const declared = object.type.kind === 'ClassType' ? object.type.attributes : []
    return declared.filter(({ name }) => names.has(name)).map(({ name, type }) => ({ object, name, type }))
  })
}
