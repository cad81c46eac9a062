import { cloneBlock } from './clone.ts'
import { ivalueType, type IValue } from './ivalue.ts'
import type { FunctionSchema } from './schema.ts'
import type { SourceRange } from './source-range.ts'
import { NoneType, type Type } from './types.ts'

export type { SourceRange } from './source-range.ts'

/** Node attributes, as in torch::jit::Node: `s` string, `i` int, `ival` any value, `tys` types, `g` a subgraph (fork). */
export type Attribute =
  | { readonly kind: 's'; readonly value: string }
  | { readonly kind: 'i'; readonly value: bigint }
  | { readonly kind: 'ival'; readonly value: IValue }
  | { readonly kind: 'tys'; readonly value: readonly Type[] }
  | { readonly kind: 'g'; readonly value: Graph }

/** One use of a value: input number `offset` of `user`. */
export interface Use {
  readonly user: Node
  readonly offset: number
}

/** An SSA value: output number `offset` of `node`. */
export class Value {
  readonly id: number
  readonly node: Node
  offset: number
  type: Type
  /** For printing and facts only; not unique. */
  debugName: string | undefined
  readonly uses: Set<Use> = new Set()

  constructor(id: number, node: Node, offset: number, type: Type, debugName?: string) {
    this.id = id
    this.node = node
    this.offset = offset
    this.type = type
    this.debugName = debugName
  }

  get hasUses(): boolean {
    return this.uses.size > 0
  }

  replaceAllUsesWith(replacement: Value): void {
    if (replacement === this) return
    for (const { user, offset } of Array.from(this.uses)) user.replaceInput(offset, replacement)
  }
}

/**
 * An operation. `kind` is the qualified symbol (`aten::conv2d`, `prim::If`); ops with a schema carry the resolved one.
 * A block's `prim::Param` node has the block's inputs as outputs, its `prim::Return` node the block's outputs as inputs.
 */
export class Node {
  readonly graph: Graph
  readonly kind: string
  schema: FunctionSchema | undefined
  range: SourceRange | undefined
  readonly inputs: Value[] = []
  readonly outputs: Value[] = []
  readonly blocks: Block[] = []
  readonly attributes: Map<string, Attribute> = new Map()
  readonly #uses: Use[] = []
  owningBlock: Block | undefined
  prev: Node | undefined
  next: Node | undefined
  /** Position in the block, sparse; see {@link Node.isBefore}. */
  position = 0

  constructor(graph: Graph, kind: string, schema?: FunctionSchema) {
    this.graph = graph
    this.kind = kind
    this.schema = schema
  }

  /** The only output; throws when there is not exactly one. */
  get output(): Value {
    if (this.outputs.length !== 1) throw new Error(`${this.kind} has ${this.outputs.length} outputs`)
    return this.outputs[0]!
  }

  input(offset: number): Value {
    const value = this.inputs[offset]
    if (value === undefined) throw new Error(`${this.kind} has no input ${offset}`)
    return value
  }

  addInput(value: Value): this {
    const use: Use = { user: this, offset: this.inputs.length }
    this.inputs.push(value)
    this.#uses.push(use)
    value.uses.add(use)
    return this
  }

  replaceInput(offset: number, value: Value): void {
    const use = this.#uses[offset]!
    this.inputs[offset]!.uses.delete(use)
    this.inputs[offset] = value
    value.uses.add(use)
  }

  removeInput(offset: number): void {
    // Only what comes after it is touched: inputs are often removed by the hundred, last first.
    const after = this.inputs.slice(offset + 1)
    for (let i = offset; i < this.inputs.length; i++) this.inputs[i]!.uses.delete(this.#uses[i]!)
    this.inputs.length = this.#uses.length = offset
    for (const value of after) this.addInput(value)
  }

  removeAllInputs(): void {
    this.inputs.forEach((value, i) => value.uses.delete(this.#uses[i]!))
    this.inputs.length = 0
    this.#uses.length = 0
  }

  addOutput(type: Type, debugName?: string): Value {
    const value = this.graph.newValue(this, this.outputs.length, type, debugName)
    this.outputs.push(value)
    return value
  }

  removeOutput(offset: number): void {
    if (this.outputs[offset]!.hasUses) throw new Error(`output ${offset} of ${this.kind} is in use`)
    this.outputs.splice(offset, 1)
    this.outputs.forEach((value, i) => { value.offset = i })
  }

  addBlock(): Block {
    const block = new Block(this.graph, this)
    this.blocks.push(block)
    return block
  }

  string(name: string): string {
    const attribute = this.attributes.get(name)
    if (attribute?.kind !== 's') throw new Error(`${this.kind} has no string attribute ${name}`)
    return attribute.value
  }

  setString(name: string, value: string): this {
    this.attributes.set(name, { kind: 's', value })
    return this
  }

  /** Puts an unplaced node right before `other`. */
  insertBefore(other: Node): this {
    if (this.owningBlock !== undefined) throw new Error(`${this.kind} is in a block already`)
    const block = other.owningBlock!
    this.owningBlock = block
    this.prev = other.prev
    this.next = other
    other.prev!.next = this
    other.prev = this
    block.place(this)
    return this
  }

  /** Puts an unplaced node right after `other`. */
  insertAfter(other: Node): this {
    return this.insertBefore(other.next!)
  }

  moveBefore(other: Node): void {
    if (other === this) return
    this.#unlink()
    this.insertBefore(other)
  }

  moveAfter(other: Node): void {
    if (other === this) return
    this.#unlink()
    this.insertAfter(other)
  }

  /** True when this node runs before `other`; nodes of different blocks compare by the ancestors that share one. */
  isBefore(other: Node): boolean {
    if (this === other) return false
    if (this.owningBlock === other.owningBlock) return this.position < other.position
    const path = new Map(ancestors(this).map((node) => [node.owningBlock!, node]))
    for (const node of ancestors(other)) {
      const mine = path.get(node.owningBlock!)
      if (mine) return mine === node ? mine === other : mine.position < node.position
    }
    throw new Error('nodes of different graphs have no order')
  }

  /** Removes the node and its blocks. No output may be in use. */
  destroy(): void {
    for (const output of this.outputs) {
      if (output.hasUses) throw new Error(`destroying ${this.kind} whose output is in use`)
    }
    for (const block of this.blocks) block.clear()
    this.removeAllInputs()
    if (this.owningBlock) this.#unlink()
  }

  #unlink(): void {
    this.prev!.next = this.next
    this.next!.prev = this.prev
    this.owningBlock = undefined
    this.prev = this.next = undefined
  }
}

/** A node and the nodes around it, innermost first. */
function ancestors(node: Node): Node[] {
  const found: Node[] = []
  for (let each: Node | undefined = node; each; each = each.owningBlock?.owningNode) found.push(each)
  return found
}

/** Distance between the positions of neighbours; inserting halves it, and a used-up gap renumbers the block. */
const POSITION_STEP = 2 ** 32
/** Nodes are mostly inserted one after the other at one place: taking a small part of the gap leaves room for thousands. */
const INSERT_STEP = 2 ** 20

/** A straight list of nodes with inputs and outputs. Iterating is safe against removal of the current node. */
export class Block {
  readonly graph: Graph
  readonly owningNode: Node | undefined
  readonly paramNode: Node
  readonly returnNode: Node

  constructor(graph: Graph, owningNode: Node | undefined) {
    this.graph = graph
    this.owningNode = owningNode
    this.paramNode = new Node(graph, 'prim::Param')
    this.returnNode = new Node(graph, 'prim::Return')
    this.paramNode.owningBlock = this.returnNode.owningBlock = this
    this.paramNode.next = this.returnNode
    this.returnNode.prev = this.paramNode
    this.returnNode.position = POSITION_STEP
  }

  get inputs(): readonly Value[] {
    return this.paramNode.outputs
  }

  get outputs(): readonly Value[] {
    return this.returnNode.inputs
  }

  addInput(type: Type, debugName?: string): Value {
    return this.paramNode.addOutput(type, debugName)
  }

  registerOutput(value: Value): void {
    this.returnNode.addInput(value)
  }

  /** Appends an unplaced node. */
  append(node: Node): Node {
    return node.insertBefore(this.returnNode)
  }

  prepend(node: Node): Node {
    return node.insertAfter(this.paramNode)
  }

  *nodes(): Generator<Node> {
    for (let node = this.paramNode.next!; node !== this.returnNode;) {
      const next: Node = node.next!
      yield node
      node = node.owningBlock === this ? node.next! : next
    }
  }

  *reverseNodes(): Generator<Node> {
    for (let node = this.returnNode.prev!; node !== this.paramNode;) {
      const prev: Node = node.prev!
      yield node
      node = node.owningBlock === this ? node.prev! : prev
    }
  }

  /** Removes all nodes, last first, and the outputs. */
  clear(): void {
    this.returnNode.removeAllInputs()
    for (const node of this.reverseNodes()) node.destroy()
  }

  /** Gives a freshly linked node its position. */
  place(node: Node): void {
    const before = node.prev!.position
    const after = node.next!.position
    const middle = node.next === this.returnNode ? before + POSITION_STEP : before + Math.min(Math.floor((after - before) / 2), INSERT_STEP)
    if (middle > before && (middle < after || node.next === this.returnNode)) {
      node.position = middle
      if (node.next === this.returnNode) this.returnNode.position = middle + POSITION_STEP
      return
    }
    let position = 0
    for (let each: Node | undefined = this.paramNode; each; each = each.next) {
      each.position = position
      position += POSITION_STEP
    }
  }

  /**
   * Appends a copy of `source`'s nodes and outputs here; free values of `source` are looked up in `map` and,
   * when absent, taken as they are. The inputs of `source` must be in `map`. Returns the copied outputs.
   */
  cloneFrom(source: Block, map: Map<Value, Value>): Value[] {
    return cloneBlock(source, this, map)
  }
}

/** A function body in SSA form, as torch::jit::Graph. New nodes go before `insertPoint`. */
export class Graph {
  readonly block: Block
  #nextValue = 0
  insertPoint: Node

  constructor() {
    this.block = new Block(this, undefined)
    this.insertPoint = this.block.returnNode
  }

  get inputs(): readonly Value[] {
    return this.block.inputs
  }

  get outputs(): readonly Value[] {
    return this.block.outputs
  }

  newValue(node: Node, offset: number, type: Type, debugName?: string): Value {
    return new Value(this.#nextValue++, node, offset, type, debugName)
  }

  /** An unplaced node. Outputs are added by the caller. */
  create(kind: string, inputs: readonly Value[] = [], schema?: FunctionSchema): Node {
    const node = new Node(this, kind, schema)
    for (const input of inputs) node.addInput(input)
    return node
  }

  /** Creates a node with one output of `type` at the insert point. */
  insertOp(kind: string, inputs: readonly Value[], type: Type, schema?: FunctionSchema): Value {
    return this.insert(this.create(kind, inputs, schema)).addOutput(type)
  }

  insert(node: Node): Node {
    return node.insertBefore(this.insertPoint)
  }

  insertConstant(value: IValue, type: Type = ivalueType(value)): Value {
    const node = this.create('prim::Constant')
    if (value.tag !== 'None') node.attributes.set('value', { kind: 'ival', value })
    return this.insert(node).addOutput(value.tag === 'None' && type.kind !== 'OptionalType' ? NoneType : type)
  }

  /** Runs `body` with the insert point before `node`. */
  withInsertPoint<T>(node: Node, body: () => T): T {
    const saved = this.insertPoint
    this.insertPoint = node
    try {
      return body()
    } finally {
      this.insertPoint = saved
    }
  }

  copy(): Graph {
    const graph = new Graph()
    const map = new Map<Value, Value>()
    for (const input of this.inputs) map.set(input, graph.block.addInput(input.type, input.debugName))
    for (const output of graph.block.cloneFrom(this.block, map)) graph.block.registerOutput(output)
    return graph
  }
}

/** The value of a `prim::Constant`, or undefined for any other producer. */
export function toIValue(value: Value): IValue | undefined {
  if (value.node.kind !== 'prim::Constant') return undefined
  const attribute = value.node.attributes.get('value')
  if (attribute?.kind === 'ival') return attribute.value
  // A function's constant has a name instead of a value.
  return value.type.kind === 'FunctionType' ? undefined : { tag: 'None' }
}

/**
 * All nodes of a block and of the blocks inside, outer before inner, in order. Safe against removal of the current node, as
 * {@link Block.nodes} is. One generator for all blocks, as passes do little else than this.
 */
export function* allNodes(root: Block): Generator<Node> {
  const outer: { readonly block: Block; readonly node: Node; readonly next: Node; inner: number }[] = []
  let block = root
  let node = block.paramNode.next!
  for (;;) {
    while (node === block.returnNode) {
      const frame = outer[outer.length - 1]
      if (frame === undefined) return
      const inner: Block | undefined = frame.node.blocks[frame.inner++]
      if (inner === undefined) {
        outer.pop()
        block = frame.block
        node = frame.node.owningBlock === block ? frame.node.next! : frame.next
      } else {
        block = inner
        node = inner.paramNode.next!
      }
    }
    const next: Node = node.next!
    yield node
    if (node.blocks.length > 0) {
      outer.push({ block, node, next, inner: 1 })
      block = node.blocks[0]!
      node = block.paramNode.next!
    } else {
      node = node.owningBlock === block ? node.next! : next
    }
  }
}
