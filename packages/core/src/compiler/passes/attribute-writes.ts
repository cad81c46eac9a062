import { hiddenWrites, mayReturnInput } from '../ir/alias-corrections.ts'
import { isMutableType } from '../ir/alias-types.ts'
import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'
import type { AliasInfo, FunctionSchema } from '../ir/schema.ts'
import type { Type } from '../ir/types.ts'
import { AttributeCells, chain, contentsOf, find, isWritten, newCell, union, type Cell } from './attribute-cells.ts'
import type { AttributeSet } from './preserved.ts'

/** Which attribute a `prim::GetAttr` or `prim::SetAttr` is about. */
export interface Access {
  readonly object: ObjectValue
  readonly name: string
}

export interface AttributeWrites {
  /** The attribute a node accesses, when that is certain. */
  accessOf(node: Node): Access | undefined
  /**
   * True when an attribute may get another value or have its memory written to while a graph runs; also when it shares memory that
   * a graph returns with an attribute that changes: an app may write to it, and a constant and an attribute are never one memory in a file.
   */
  isWritten(object: ObjectValue, name: string): boolean
  /** True when an object is used other than by naming its attributes. */
  escapes(object: ObjectValue): boolean
}

/**
 * Finds the attributes of `root` that running any of the graphs, its methods, may change: by assignment, or in place, directly or through
 * views, lists, dicts, objects and control flow; and by an app that hands what one method returned to another that writes to its argument.
 * Those that are preserved an app may change at any time. The question that `recordMutableAttrs` of
 * torch/csrc/jit/passes/freeze_module.cpp answers, for elements of containers too. Flow-insensitive, nearly linear, and on the safe side.
 */
export function analyzeAttributeWrites(graphs: readonly Graph[], root: ObjectValue, preserved: AttributeSet = new Map()): AttributeWrites {
  return new Analysis(graphs, root, preserved)
}

class Analysis implements AttributeWrites {
  readonly #root: ObjectValue
  readonly #attributes = new AttributeCells()
  readonly #values: Map<Value, Cell> = new Map()
  readonly #objects: Map<Value, ObjectValue | null> = new Map()
  readonly #assigned: Map<ObjectValue, Set<string>> = new Map()
  /** Names of attributes that hold objects and are assigned: paths through them tell nothing. */
  readonly #unstable: Set<string> = new Set()

  /** Attributes that are read or assigned. */
  readonly #accessed: Map<ObjectValue, Set<string>> = new Map()
  readonly #graphs: readonly Graph[]
  #shares: ReadonlySet<Cell> | undefined

  constructor(graphs: readonly Graph[], root: ObjectValue, preserved: AttributeSet) {
    this.#graphs = graphs
    this.#root = root
    for (const node of nodesOf(graphs)) {
      if (node.kind === 'prim::SetAttr' && mayHoldObject(node.input(1).type)) this.#unstable.add(node.string('name'))
    }
    for (const node of nodesOf(graphs)) this.#visit(node)
    for (const graph of graphs) this.#escape(graph.block.outputs)
    for (const node of nodesOf(graphs)) for (const block of node.blocks) this.#escape(block.outputs)
    this.#handOn(preserved)
    for (const [object, names] of preserved) {
      this.#assigned.set(object, new Set([...this.#assigned.get(object) ?? [], ...names]))
      for (const name of names) for (const cell of chain(this.#attributes.slot(object, name))) cell.written = true
    }
  }

  /** What a method returned may be an argument of another, or a preserved attribute, the next time: where such are written to, so is it. */
  #handOn(preserved: AttributeSet): void {
    const settable = [...preserved].flatMap(([object, names]) => [...names].map((name) => this.#attributes.slot(object, name)))
    const isSettableWritten = settable.some(isWritten)
    const writing = this.#graphs.filter(({ inputs: [, ...values] }) => values.some((value) => this.#values.has(value) && isWritten(this.#values.get(value)!)))
    for (const graph of this.#graphs) {
      if (!isSettableWritten && !writing.some((other) => other !== graph)) continue
      for (const cell of this.#returned([graph])) cell.written = true
    }
  }

  accessOf(node: Node): Access | undefined {
    if (node.kind !== 'prim::GetAttr' && node.kind !== 'prim::SetAttr') return undefined
    const object = this.#objectOf(node.input(0))
    const name = node.string('name')
    return object?.slots.has(name) ? { object, name } : undefined
  }

  isWritten(object: ObjectValue, name: string): boolean {
    if (this.#assigned.get(object)?.has(name)) return true
    if (chain(this.#attributes.slot(object, name)).some((cell) => this.#returnedShares().has(cell))) return true
    const escaped = this.#attributes.escaped(object)
    return (escaped !== undefined && find(escaped).written) || isWritten(this.#attributes.slot(object, name))
  }

  /** Memory that is returned and belongs to an attribute that changes. */
  #returnedShares(): ReadonlySet<Cell> {
    if (this.#shares !== undefined) return this.#shares
    const changing = new Set<Cell>()
    for (const [object, names] of this.#accessed) {
      for (const name of names) {
        const cells = chain(this.#attributes.slot(object, name))
        if (this.#assigned.get(object)?.has(name) || cells.some((cell) => cell.written)) for (const cell of cells) changing.add(cell)
      }
    }
    return this.#shares = new Set(this.#returned(this.#graphs).filter((cell) => changing.has(cell)))
  }

  /** All memory that methods return, and that it holds. */
  #returned(graphs: readonly Graph[]): Cell[] {
    const results = graphs.flatMap(({ block }) => block.outputs).flatMap((value) => isResult(value.node) ? value.node.inputs : [value])
    return results.flatMap((value) => this.#values.has(value) ? chain(this.#values.get(value)!) : [])
  }

  escapes(object: ObjectValue): boolean {
    return this.#attributes.escaped(object) !== undefined
  }

  /** The object a value certainly is. Nodes are visited in order, so that what a value is read from is known already. */
  #objectOf(value: Value): ObjectValue | undefined {
    const { node } = value
    if (node.kind === 'prim::Param') return node === node.graph.block.paramNode && value.offset === 0 ? this.#root : undefined
    if (node.kind !== 'prim::GetAttr') return undefined
    const known = this.#objects.get(value)
    if (known !== undefined) return known ?? undefined
    const name = node.string('name')
    const stored = this.#unstable.has(name) ? undefined : this.#objectOf(node.input(0))?.slots.get(name)
    const object = stored?.tag === 'Object' ? stored : undefined
    this.#objects.set(value, object ?? null)
    return object
  }

  #cell(value: Value): Cell | undefined {
    if (!isMutableType(value.type)) return undefined
    let cell = this.#values.get(value)
    if (cell === undefined) this.#values.set(value, cell = newCell())
    return cell
  }

  #visit(node: Node): void {
    const access = this.accessOf(node)
    if (access !== undefined) return this.#access(node, access)
    this.#escape(node.inputs)
    switch (node.kind) {
      case 'prim::Constant': return this.#constant(node)
      case 'prim::If': return this.#if(node)
      case 'prim::Loop': return this.#loop(node)
      case 'prim::GetAttr': return this.#merge(this.#cell(node.output), this.#contents(node.input(0)))
      case 'prim::SetAttr': return this.#assignUnknown(node)
      case 'prim::ListConstruct':
        if (isArgumentList(node)) return
        return node.inputs.forEach((value) => this.#merge(this.#contents(node.output), this.#cell(value)))
      case 'prim::TupleConstruct': case 'prim::DictConstruct':
        if (isResult(node)) return
        return node.inputs.forEach((value) => this.#merge(this.#contents(node.output), this.#cell(value)))
      case 'prim::ListUnpack': case 'prim::TupleUnpack': case 'prim::TupleIndex':
        return node.outputs.forEach((value) => this.#merge(this.#contents(node.input(0)), this.#cell(value)))
      case 'prim::TupleSlice': return this.#merge(this.#contents(node.input(0)), this.#contents(node.output))
      case 'prim::unchecked_cast': return this.#merge(this.#cell(node.input(0)), this.#cell(node.output))
    }
    if (READ_ONLY.has(node.kind)) return
    if (node.schema === undefined) this.#mergeAll(node, true)
    else if (mayReturnInput(node)) this.#mergeAll(node, false)
    else this.#operator(node, node.schema)
  }

  #access(node: Node, { object, name }: Access): void {
    this.#accessed.set(object, (this.#accessed.get(object) ?? new Set()).add(name))
    if (node.kind === 'prim::GetAttr') {
      const value = object.slots.get(name)
      if (value?.tag === 'Object' && this.#unstable.has(name)) this.#merge(this.#cell(node.output), this.#attributes.object(value))
      return this.#merge(this.#cell(node.output), this.#attributes.slot(object, name))
    }
    this.#escape([node.input(1)])
    this.#merge(this.#cell(node.input(1)), this.#attributes.slot(object, name))
    const names = this.#assigned.get(object) ?? new Set()
    this.#assigned.set(object, names.add(name))
  }

  #assignUnknown(node: Node): void {
    const object = this.#cell(node.input(0))
    if (object === undefined) return
    find(object).written = true
    this.#merge(contentsOf(object), this.#cell(node.input(1)))
  }

  #constant(node: Node): void {
    const value = toIValue(node.output) as IValue
    const cell = this.#cell(node.output)
    if (cell !== undefined && value.tag !== 'None') union(cell, this.#attributes.value(value))
  }

  #if(node: Node): void {
    for (const block of node.blocks) block.outputs.forEach((value, i) => this.#merge(this.#cell(value), this.#cell(node.outputs[i]!)))
  }

  #loop(node: Node): void {
    const body = node.blocks[0]!
    node.outputs.forEach((output, i) => {
      for (const value of [node.input(i + 2), body.inputs[i + 1]!, body.outputs[i + 1]!]) this.#merge(this.#cell(output), this.#cell(value))
    })
  }

  /** Operators whose effects the schema tells: `(a!)` writes, equal set names share memory, type variables pass elements on. */
  #operator(node: Node, schema: FunctionSchema): void {
    const sets = new Map<string, Cell>()
    const elements = newCell()
    for (const value of hiddenWrites(node, schema)) {
      const cell = this.#cell(value)
      if (cell) find(cell).written = true
    }
    // What is only looked at, as by `size` or `is`, is not connected by that.
    if (!schema.arguments.some(({ alias }) => alias?.isWrite) && !node.outputs.some((value) => isMutableType(value.type))) return
    const visit = (value: Value, type: Type, alias: AliasInfo | undefined): void => {
      const cell = this.#cell(value)
      if (cell === undefined) return
      applyAlias(cell, alias, sets)
      pool(cell, type, alias, elements)
    }
    schema.arguments.forEach((argument, i) => node.inputs[i] && visit(node.inputs[i], argument.type, argument.alias))
    schema.returns.forEach((result, i) => node.outputs[i] && visit(node.outputs[i], result.type, result.alias))
    if (schema.isVararg || schema.isVarret) this.#mergeAll(node, false)
  }

  /** A node of unknown effects: everything it touches may be the same, and `written` to. */
  #mergeAll(node: Node, written: boolean): void {
    const all = newCell()
    for (const value of [...node.inputs, ...node.outputs]) {
      const cell = this.#cell(value)
      if (cell === undefined) continue
      union(all, cell)
      union(all, contentsOf(all))
    }
    if (written) find(all).written = true
  }

  #contents(value: Value): Cell | undefined {
    const cell = this.#cell(value)
    return cell && contentsOf(cell)
  }

  #merge(a: Cell | undefined, b: Cell | undefined): void {
    if (a && b) union(a, b)
  }

  /** An object that is passed on is known by its cell from here on, with all that it holds. */
  #escape(values: readonly Value[]): void {
    for (const value of values) {
      const object = mayHoldObject(value.type) ? this.#objectOf(value) : undefined
      if (object !== undefined) this.#merge(this.#cell(value), this.#attributes.object(object))
    }
  }
}

function* nodesOf(graphs: readonly Graph[]): Generator<Node> {
  for (const graph of graphs) yield* allNodes(graph.block)
}

/** What the graph returns and does not look into itself: that one element is written to says nothing of the others. */
function isResult(node: Node): boolean {
  if (node.kind !== 'prim::TupleConstruct') return false
  const [use, another] = node.output.uses
  return use?.user === node.graph.block.returnNode && another === undefined
}

/** A list that exists only to pass tensors to one operator, which gives none of them back: `cat`, `stack`, `index`. */
function isArgumentList(node: Node): boolean {
  const [use, another] = node.output.uses
  const schema = use?.user.schema
  if (use === undefined || another !== undefined || schema === undefined || mayReturnInput(use.user)) return false
  const argument = schema.arguments[use.offset]
  if (argument?.type.kind !== 'ListType' || argument.alias !== undefined || argument.type.element.kind === 'VarType') return false
  return schema.returns.every(({ type, alias }) => type.kind === 'TensorType' && (alias === undefined || alias.isWrite))
}

/** Without effect on memory whatever goes in, and without a schema. */
const READ_ONLY: ReadonlySet<string> = new Set([
  'prim::RaiseException', 'prim::isinstance', 'prim::Print', 'prim::NumToTensor', 'prim::Uninitialized', 'prim::CreateObject',
])

function mayHoldObject(type: Type): boolean {
  return type.kind === 'ClassType' || type.kind === 'InterfaceType' || type.kind === 'AnyType' || (type.kind === 'OptionalType' && mayHoldObject(type.element))
}

function applyAlias(cell: Cell, alias: AliasInfo | undefined, sets: Map<string, Cell>): void {
  if (alias === undefined) return
  if (alias.isWrite) find(cell).written = true
  for (const name of [...alias.before, ...alias.after]) {
    if (name === '*') continue
    const known = sets.get(name)
    if (known) union(known, cell)
    else sets.set(name, cell)
  }
  if (alias.contained) applyAlias(contentsOf(cell), alias.contained, sets)
}

/**
 * Merges what an operator's type variables stand for, and unannotated elements of containers: `append(t[] self, t el)`,
 * `copy(t[]) -> t[]`, `sorted(Tensor[]) -> Tensor[]`.
 */
function pool(cell: Cell, type: Type, alias: AliasInfo | undefined, elements: Cell): void {
  switch (type.kind) {
    case 'VarType': return union(cell, elements)
    case 'OptionalType': return pool(cell, type.element, alias, elements)
    case 'ListType': case 'FutureType':
      return isMutableType(type.element) || type.element.kind === 'VarType' ? poolContents(cell, type.element, elements) : undefined
    case 'DictType': return poolContents(cell, type.value, elements)
    case 'TupleType': return type.elements.forEach((element) => isMutableType(element) && pool(contentsOf(cell), element, undefined, elements))
    case 'AnyType': case 'AnyListType': case 'AnyTupleType': return union(cell, elements)
    default: return alias?.before.includes('*') || alias?.after.includes('*') ? union(cell, elements) : undefined
  }
}

function poolContents(cell: Cell, element: Type, elements: Cell): void {
  if (element.kind === 'ListType' || element.kind === 'DictType' || element.kind === 'TupleType') pool(contentsOf(cell), element, undefined, elements)
  else union(contentsOf(cell), elements)
}
