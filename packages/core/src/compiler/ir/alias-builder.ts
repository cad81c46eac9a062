import type { Storage } from '../archive/tensor.ts'
import { hiddenWrites, mayReturnInput } from './alias-corrections.ts'
import { ANY_MEMORY, containedTypes, isMutableType, memoryClass } from './alias-types.ts'
import { toIValue, type Block, type Graph, type Node, type Value } from './graph.ts'
import { ivalueType, type IValue } from './ivalue.ts'
import { schemaOf } from './match-schema.ts'
import { MemoryGraph, type Element, type Locations } from './memory-graph.ts'
import type { AliasInfo, FunctionSchema } from './schema.ts'
import { isAnnotated } from './side-effects.ts'
import { TensorType, type Type } from './types.ts'

/** What a node does to memory, for the kinds that schemas do not describe. */
type Rule = (builder: AliasBuilder, node: Node) => void

/** Walks a graph once and records pointers, containment, escapes and writes. See AliasDb for what it is good for. */
export class AliasBuilder {
  readonly memory: MemoryGraph = new MemoryGraph()
  readonly elements: Map<Value, Element> = new Map()
  /** Elements of constants. */
  readonly constants: Set<Element> = new Set()
  /** What the alias sets of one node's schema stand for. */
  readonly #actuals = new Map<string, Value[]>()
  readonly #graph: Graph
  readonly #writes = new Map<Node, { element: Element; contained: boolean }[]>()
  readonly #writesAnywhere = new Set<Node>()
  /** Memory of constants, by what makes two of them the same. */
  readonly #constantElements = new Map<Storage | IValue, Element>()

  constructor(graph: Graph) {
    this.#graph = graph
    for (const input of graph.inputs) this.escape(input)
    this.block(graph.block)
  }

  block(block: Block): void {
    for (const node of block.nodes()) this.#node(node)
  }

  #node(node: Node): void {
    const rule = Object.hasOwn(RULES, node.kind) ? RULES[node.kind] : undefined
    if (rule) return rule(this, node)
    const schema = schemaOf(node)
    if (schema === undefined || !isAnnotated(node.kind)) return conservative(this, node)
    this.#schema(node, schema)
  }

  /** The element of a value, made when it is not there; undefined when the type is immutable. */
  element(value: Value): Element | undefined {
    const known = this.elements.get(value)
    if (known !== undefined) return known
    const element = this.#fresh(value.type)
    if (element !== undefined) this.elements.set(value, element)
    return element
  }

  /** Memory of its own; what is in it may be anything of the contained types. */
  #fresh(type: Type): Element | undefined {
    const own = memoryClass(type)
    if (own === undefined) return undefined
    this.#wildcard(own, type)
    const element = this.memory.element(own)
    this.#containWildcards(element, type)
    return element
  }

  #containWildcards(element: Element, type: Type): void {
    for (const inner of containedTypes(type)) {
      const innerClass = memoryClass(inner)
      if (innerClass !== undefined) this.memory.contain(element, this.#wildcard(innerClass, inner))
    }
  }

  #wildcard(memoryClassName: string, type: Type): Element {
    const { element, isNew } = this.memory.wildcard(memoryClassName)
    // The wildcard exists by now, so recursive class types end here. Any may be everything, tensors at least.
    if (isNew) {
      if (memoryClassName === ANY_MEMORY) this.#wildcard('Tensor', TensorType)
      this.#containWildcards(element, type)
    }
    return element
  }

  fresh(values: readonly Value[]): void {
    for (const value of values) this.element(value)
  }

  /** `value` may from now on be any memory of its type. */
  escape(value: Value): void {
    const element = this.element(value)
    if (element !== undefined) this.memory.escape(element)
  }

  point(from: Value, to: Value): void {
    if (from === to) return
    const source = this.element(from)
    const target = this.element(to)
    // None is nothing, and what is uninitialized is never looked at.
    if (to.type.kind === 'NoneType' || to.node.kind === 'prim::Uninitialized') return
    if (source !== undefined && target !== undefined) this.memory.pointTo(source, target)
  }

  write(node: Node, value: Value, contained = false): void {
    const element = this.element(value)
    if (element === undefined) return
    const writes = this.#writes.get(node)
    if (writes) writes.push({ element, contained })
    else this.#writes.set(node, [{ element, contained }])
  }

  writeAnywhere(node: Node): void {
    this.#writesAnywhere.add(node)
  }

  /** A container that is used once, by something that lets no element go, holds just its elements; all others let them escape. */
  construct(node: Node): void {
    const container = node.output
    if (!isMutableType(container.type)) return
    if (!this.#staysInside(container)) {
      this.element(container)
      for (const input of node.inputs) this.escape(input)
      return
    }
    const own = memoryClass(container.type)!
    this.#wildcard(own, container.type)
    const element = this.memory.element(own)
    this.elements.set(container, element)
    for (const input of node.inputs) {
      const inner = this.element(input)
      if (inner !== undefined) this.memory.contain(element, inner)
    }
  }

  #staysInside(container: Value): boolean {
    if (container.uses.size !== 1) return false
    const [use] = container.uses
    const { user, offset } = use!
    if (user.kind === 'prim::Return') return user.owningBlock === this.#graph.block && container.node.owningBlock === this.#graph.block
    if (container.type.kind !== 'ListType' || !user.kind.startsWith('aten::') || mayReturnInput(user)) return false
    const schema = user.schema
    return schema !== undefined && schema.arguments[offset] !== undefined && schema.arguments[offset].alias === undefined
      && !schema.isVararg && !schema.isVarret
      && schema.returns.every(({ type, alias }) => alias === undefined && (type.kind === 'TensorType' || !isMutableType(type)))
  }

  constant(node: Node): void {
    const value = toIValue(node.output)
    if (value === undefined || !isMutableType(node.output.type)) return this.fresh(node.outputs)
    const element = this.#constantElement(value)
    if (element === undefined) this.element(node.output)
    else this.elements.set(node.output, element)
  }

  /** Tensors of one storage are the same memory, and so are references to one list or object. */
  #constantElement(value: IValue): Element | undefined {
    const identity = value.tag === 'Tensor' ? value.value.storage : value
    const known = this.#constantElements.get(identity)
    if (known !== undefined) return known
    const type = ivalueType(value)
    const own = memoryClass(type)
    if (own === undefined) return undefined
    this.#wildcard(own, type)
    const element = this.memory.element(own)
    this.#constantElements.set(identity, element)
    this.constants.add(element)
    const inner = value.tag === 'List' || value.tag === 'Tuple' ? value.elements
      : value.tag === 'Dict' ? value.entries.flat() : value.tag === 'Object' ? [...value.slots.values()]
        : value.tag === 'CustomObject' ? [value.state] : []
    for (const each of inner) {
      const part = this.#constantElement(each)
      if (part === undefined) continue
      this.memory.contain(element, part)
      this.memory.escape(part)
    }
    return element
  }

  #schema(node: Node, schema: FunctionSchema): void {
    const actuals = this.#actuals
    actuals.clear()
    node.inputs.forEach((value, i) => {
      const alias = schema.arguments[i]?.alias
      if (alias === undefined || !isMutableType(value.type)) return
      for (const set of aliasSets(alias)) actuals.set(set, [...actuals.get(set) ?? [], value])
      if (alias.isWrite) this.write(node, value)
      // `Tensor(a!)[]` writes to the tensors in the list.
      if (alias.contained?.isWrite) this.write(node, value, true)
      if (alias.after.includes('*') || alias.contained?.after.includes('*')) this.escape(value)
    })
    if (schema.isVararg) {
      for (const value of node.inputs.slice(schema.arguments.length)) {
        this.write(node, value, true)
        this.escape(value)
      }
    }
    for (const value of hiddenWrites(node, schema)) this.write(node, value)
    node.outputs.forEach((output, i) => {
      const alias = schema.returns[i]?.alias
      if (schema.isVarret && schema.returns[i] === undefined) return this.escape(output)
      this.element(output)
      if (!isMutableType(output.type)) return
      if (mayReturnInput(node)) return this.#returnsInputs(node, output)
      if (alias !== undefined) this.#returned(node, output, alias, actuals)
    })
  }

  #returned(node: Node, output: Value, alias: AliasInfo, actuals: ReadonlyMap<string, readonly Value[]>): void {
    const sets = aliasSets(alias)
    if (sets.includes('*') || alias.contained?.before.includes('*')) this.escape(output)
    for (const set of sets) {
      for (const actual of actuals.get(set) ?? []) {
        // A view in a list, or an element of one: wildcards stand between.
        if (memoryClass(actual.type) === memoryClass(output.type)) this.point(output, actual)
        else {
          this.escape(actual)
          this.escape(output)
        }
      }
    }
    if (alias.isWrite) this.write(node, output)
  }

  #returnsInputs(node: Node, output: Value): void {
    for (const input of node.inputs) {
      if (!isMutableType(input.type)) continue
      if (memoryClass(input.type) === memoryClass(output.type) && containedTypes(input.type).length === 0) this.point(output, input)
      else {
        this.escape(input)
        this.escape(output)
      }
    }
  }

  /** Solves the memory graph and gives what each node writes to. */
  resolveWrites(): Map<Node, Set<number>> {
    this.memory.solve()
    const resolved = new Map<Node, Set<number>>()
    const add = (node: Node, locations: Locations): void => {
      let mine = resolved.get(node)
      if (mine === undefined) resolved.set(node, mine = new Set())
      for (const location of locations) mine.add(location)
    }
    for (const [node, writes] of this.#writes) {
      for (const { element, contained } of writes) add(node, contained ? this.memory.reachable(element) : this.memory.locations(element))
    }
    for (const node of this.#writesAnywhere) add(node, this.memory.wildcards())
    return resolved
  }
}

function aliasSets(alias: AliasInfo): readonly string[] {
  return alias.before.length > 0 || alias.contained === undefined ? alias.before : alias.contained.before
}

const creator: Rule = (builder, node) => builder.fresh(node.outputs)

const extractor: Rule = (builder, node) => {
  for (const output of node.outputs) builder.escape(output)
}

/** May write to whatever can be got at from its inputs, keep it, and return it. */
const conservative: Rule = (builder, node) => {
  for (const input of node.inputs) {
    builder.write(node, input, true)
    builder.escape(input)
  }
  for (const output of node.outputs) builder.escape(output)
  for (const block of node.blocks) {
    for (const input of block.inputs) builder.escape(input)
    builder.block(block)
    for (const output of block.outputs) builder.escape(output)
  }
}

const branch: Rule = (builder, node) => {
  for (const block of node.blocks) builder.block(block)
  node.outputs.forEach((output, i) => {
    for (const block of node.blocks) builder.point(output, block.outputs[i]!)
  })
}

/** A carried value is what went in, or what an earlier round gave; the result too, as a loop may run no round at all. */
const loop: Rule = (builder, node) => {
  const body = node.blocks[0]!
  builder.block(body)
  node.outputs.forEach((output, i) => {
    const [before, carried, after] = [node.inputs[i + 2]!, body.inputs[i + 1]!, body.outputs[i + 1]!]
    builder.point(carried, before)
    builder.point(carried, after)
    builder.point(output, before)
    builder.point(output, after)
  })
}

const construct: Rule = (builder, node) => builder.construct(node)

/** What runs beside may write to what it was given at any time until it has been waited for. */
const concurrent: Rule = (builder, node) => {
  conservative(builder, node)
  builder.writeAnywhere(node)
}

const RULES: Readonly<Record<string, Rule>> = {
  'prim::If': branch,
  'prim::Loop': loop,
  'prim::Constant': (builder, node) => builder.constant(node),
  'prim::CreateObject': creator,
  'prim::Uninitialized': creator,
  'prim::EmptyListLiteral': creator,
  'prim::NumToTensor': creator,
  'prim::isinstance': creator,
  'prim::RaiseException': creator,
  'prim::Print': creator,
  'aten::format': creator,
  'prim::TupleConstruct': construct,
  'prim::ListConstruct': construct,
  'prim::DictConstruct': construct,
  'prim::TupleUnpack': extractor,
  'prim::TupleIndex': extractor,
  'prim::TupleSlice': extractor,
  'prim::ListUnpack': extractor,
  'prim::GetAttr': extractor,
  'prim::unchecked_cast': (builder, node) => builder.point(node.output, node.input(0)),
  'prim::SetAttr': (builder, node) => {
    builder.write(node, node.input(0))
    builder.escape(node.input(1))
  },
  'prim::fork': concurrent,
  'prim::rpc_async': concurrent,
  'prim::rpc_sync': concurrent,
  'prim::rpc_remote': concurrent,
  'prim::awaitable': concurrent,
  'aten::wait': concurrent,
  'prim::awaitable_wait': concurrent,
  'prim::CallFunction': conservative,
  'prim::CallMethod': conservative,
  'prim::Enter': conservative,
  'prim::Exit': conservative,
}
