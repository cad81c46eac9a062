import { PetalError } from '../errors.ts'
import { isMutableType } from '../ir/alias-types.ts'
import type { ScriptFunction } from '../ir/class-type.ts'
import { cloneHead } from '../ir/clone.ts'
import { allNodes, Graph, type Block, type Node, type SourceRange, type Value } from '../ir/graph.ts'
import { boolValue, NONE, type IValue, type ObjectValue } from '../ir/ivalue.ts'
import { hasSideEffects, isNondeterministic } from '../ir/side-effects.ts'
import { evaluate } from './evaluate/index.ts'
import { futuresIn, withoutFutures } from './future-types.ts'
import { callImplementations, implementations, resolveInterface } from './interface-calls.ts'
import { areContradicted, KnownAttributes } from './known-attributes.ts'

/** Nodes of a graph after inlining, and calls on the way. The largest torchvision model has about 10^4; a short file can ask for 2^64. */
export const MAX_INLINED_NODES = 1_000_000
/** Calls within calls plus blocks within blocks. Module trees are some 20 deep; later passes recurse over blocks. */
export const MAX_INLINED_DEPTH = 400

/** What calls are resolved with. */
export interface InlineOptions {
  /** The module whose method is inlined; calls through an interface are resolved in it. */
  readonly root?: ObjectValue
  /** Finds a free function that a `prim::CallFunction` names. */
  readonly functionNamed?: (name: string) => ScriptFunction | undefined
  /** In place of {@link MAX_INLINED_NODES}. */
  readonly maxNodes?: number
  /**
   * Puts in only the branches that `root` takes in evaluation mode, where its attributes decide that before running. What is left
   * out is neither copied nor compiled, which is most of a scripted torchvision model's code.
   */
  readonly settle?: boolean
  /** Names of attributes that may have other values when a method is run, though no method assigns them. */
  readonly changing?: ReadonlySet<string>
}

interface Frame {
  readonly callee: ScriptFunction
  readonly caller: Frame | undefined
  /** Of the callee's lines, where they have come to. */
  readonly ranges: Map<SourceRange, SourceRange>
  /** The call. */
  readonly at?: SourceRange
}

/** Where a call is put in. */
interface CallSite {
  readonly frame: Frame
  readonly at: SourceRange | undefined
}

/** A line of a callee as it is in the place of a call. */
function rangeIn({ callee, ranges, at }: Frame, range: SourceRange | undefined): SourceRange | undefined {
  if (range === undefined || at === undefined) return range
  let moved = ranges.get(range)
  if (moved === undefined) ranges.set(range, moved = { file: range.file, line: range.line, inlined: { callee: callee.name, at } })
  return moved
}

/**
 * A copy of `method`'s graph in which every call of a TorchScript function or method is replaced by its body, as
 * torch/csrc/jit/passes/inliner.cpp (interface calls: `inlineInterfaceCalls` of freeze_module.cpp). Calls of custom C++ classes stay.
 * A `with` block calls `__enter__` before and `__exit__` behind it (interpreter/preprocess_graph.cpp); a forked task runs where it
 * is forked, and its future is its result (torch/csrc/jit/passes/inline_fork_wait.cpp, and here futures in lists and the like, too).
 * Built by copying, so that the work is linear in the result and no callee is changed.
 * Throws for recursion, for a result beyond the limits above, and for an interface call whose modules cannot be known.
 */
export function inline(method: ScriptFunction, options: InlineOptions = {}): Graph {
  return inlineAll([method], options)[0]!
}

/** {@link inline} of several methods of one module, each of which may be run at any time after the others: what one assigns none takes for known. */
export function inlineAll(methods: readonly ScriptFunction[], options: InlineOptions = {}): Graph[] {
  const { root, settle } = options
  if (settle && root) {
    const known = methods.map(() => new KnownAttributes(root))
    const graphs = copyAll(methods, options, known)
    // Branches were chosen as if no attribute that decides is ever assigned; where one is, none is chosen.
    if (!areContradicted(known, options.changing)) return graphs
  }
  return copyAll(methods, options, [])
}

function copyAll(methods: readonly ScriptFunction[], options: InlineOptions, known: readonly KnownAttributes[]): Graph[] {
  const trusted = new Map<string, string>()
  const graphs = methods.map((method, i) => copyInlined(method, options, known[i], trusted))
  checkInterfaces(graphs, trusted)
  return graphs
}

function copyInlined(method: ScriptFunction, options: InlineOptions, known: KnownAttributes | undefined, trusted: Map<string, string>): Graph {
  const source = method.graph()
  const graph = new Graph()
  const map = new Map<Value, Value>()
  for (const input of source.inputs) {
    if (futuresIn(input.type)) throw takesFuture(method, input)
    map.set(input, graph.block.addInput(input.type, input.debugName))
  }
  const inliner = new Inliner(graph, options, known, trusted)
  const outputs = inliner.copy(source.block, graph.block, map, { callee: method, caller: undefined, ranges: new Map() }, 0)
  for (const output of outputs) graph.block.registerOutput(output)
  // Every call of a module out of a container has been replaced by calls of the modules by their names.
  for (const node of allNodes(graph.block)) if (node.kind === 'prim::ModuleContainerIndex' && !node.output.hasUses) node.destroy()
  return graph
}

/** Interface calls were resolved as if no attribute on the way is ever assigned; refuses when one is. */
function checkInterfaces(graphs: readonly Graph[], trusted: ReadonlyMap<string, string>): void {
  if (trusted.size === 0) return
  for (const node of graphs.flatMap(({ block }) => [...allNodes(block)])) {
    const what = node.kind === 'prim::SetAttr' ? trusted.get(node.string('name')) : undefined
    if (what !== undefined) throw unresolved(what, `an assignment of \`${node.string('name')}\``)
  }
}

class Inliner {
  readonly #graph: Graph
  readonly #options: InlineOptions
  /** Undefined when nothing is to be settled. */
  readonly #known: KnownAttributes | undefined
  /** Attribute names through which interface calls were resolved, with the call that did. */
  readonly #trusted: Map<string, string>
  #nodes = 0

  constructor(graph: Graph, options: InlineOptions, known: KnownAttributes | undefined, trusted: Map<string, string>) {
    this.#graph = graph
    this.#options = options
    this.#known = known
    this.#trusted = trusted
  }

  copy(source: Block, target: Block, map: Map<Value, Value>, frame: Frame, depth: number): Value[] {
    if (depth > MAX_INLINED_DEPTH) throw tooLarge(frame, `nests calls and blocks more than ${MAX_INLINED_DEPTH} deep`)
    const { maxNodes = MAX_INLINED_NODES } = this.#options
    for (const node of source.nodes()) {
      if (++this.#nodes > maxNodes) throw tooLarge(frame, `has more than ${maxNodes} operations once inlined`)
      if (this.#copyCall(node, target, map, frame, depth) || this.#settle(node, target, map, frame, depth)) continue
      this.#copyNode(node, target, map, frame, depth)
    }
    return source.outputs.map((value) => map.get(value) ?? value)
  }

  /** Puts in what is known of a node in its place; false when nothing is. */
  #settle(node: Node, target: Block, map: Map<Value, Value>, frame: Frame, depth: number): boolean {
    if (this.#known === undefined) return false
    if (node.kind === 'prim::If') {
      const condition = this.#known.valueOf(map.get(node.input(0)) ?? node.input(0))
      if (condition?.tag !== 'Bool') return false
      const results = this.copy(node.blocks[condition.value ? 0 : 1]!, target, map, frame, depth + 1)
      node.outputs.forEach((output, i) => map.set(output, results[i]!))
      return true
    }
    if (node.outputs.length !== 1 || node.outputs[0]!.type.kind !== 'BoolType') return false
    const value = foldedBool(node, (input) => this.#known!.valueOf(map.get(input) ?? input))
    if (value === undefined) return false
    const constant = this.#graph.withInsertPoint(target.returnNode, () => this.#graph.insertConstant(boolValue(value)))
    constant.node.range = rangeIn(frame, node.range)
    map.set(node.output, constant)
    return true
  }

  #copyNode(node: Node, target: Block, map: Map<Value, Value>, frame: Frame, depth: number): void {
    const copy = target.append(cloneHead(node, this.#graph, map))
    copy.range = rangeIn(frame, node.range)
    for (const output of copy.outputs) output.type = withoutFutures(output.type)
    this.#known?.follow(copy)
    for (const block of node.blocks) {
      const inner = copy.addBlock()
      for (const input of block.inputs) map.set(input, inner.addInput(withoutFutures(input.type), input.debugName))
      for (const output of this.copy(block, inner, map, frame, depth + 1)) inner.registerOutput(output)
    }
  }

  /** Puts in the body of what a node calls, where that has a body here, and of what it forks; false for other nodes. */
  #copyCall(node: Node, target: Block, map: Map<Value, Value>, frame: Frame, depth: number): boolean {
    const inputs = node.inputs.map((input) => map.get(input) ?? input)
    const results = this.#results(node, inputs, target, frame, depth)
    if (results === undefined) return false
    if (node.outputs.length !== results.length) throw new Error(`${node.kind} has ${node.outputs.length} outputs for ${results.length} results`)
    node.outputs.forEach((output, i) => map.set(output, results[i]!))
    return true
  }

  #results(node: Node, inputs: readonly Value[], target: Block, frame: Frame, depth: number): readonly Value[] | undefined {
    const at = rangeIn(frame, node.range)
    const call = (callee: ScriptFunction, actuals: readonly Value[]): Value[] => this.#copyBody(callee, actuals, target, { frame, at }, depth)
    switch (node.kind) {
      case 'prim::CallFunction': {
        const name = calledFunction(node)
        const callee = this.#options.functionNamed?.(name)
        if (callee === undefined) throw new Error(`no function ${name}`)
        return call(callee, node.inputs[0]?.type.kind === 'FunctionType' ? inputs.slice(1) : inputs)
      }
      case 'prim::CallMethod': {
        const [self] = inputs
        const name = node.string('name')
        if (self!.type.kind === 'InterfaceType') return this.#callInterface(node, name, inputs, target, frame, depth)
        return isOpaque(self!) ? undefined : call(methodOf(self!, name), inputs)
      }
      case 'prim::Enter': return call(methodOf(inputs[0]!, '__enter__'), inputs)
      case 'prim::Exit': {
        const none = this.#graph.withInsertPoint(target.returnNode, () => this.#graph.insertConstant(NONE))
        return call(methodOf(inputs[0]!, '__exit__'), [inputs[0]!, none, none, none])
      }
      case 'prim::fork': {
        const task = node.attributes.get('Subgraph')
        if (task?.kind !== 'g') throw new Error('prim::fork has no graph')
        return this.copy(task.value.block, target, new Map(task.value.inputs.map((input, i) => [input, inputs[i]!])), frame, depth + 1)
      }
      // The task has run where it was forked.
      case 'aten::wait': return inputs
      default: return undefined
    }
  }

  #copyBody(callee: ScriptFunction, actuals: readonly Value[], target: Block, { frame, at }: CallSite, depth: number): Value[] {
    for (let each: Frame | undefined = frame; each; each = each.caller) {
      if (each.callee === callee) throw recursive(callee)
    }
    const body = callee.graph()
    if (actuals.length !== body.inputs.length) throw otherArguments(callee, actuals.length, body.inputs.length)
    const inner = new Map(body.inputs.map((formal, i) => [formal, actuals[i]!]))
    return this.copy(body.block, target, inner, { callee, caller: frame, ranges: new Map(), ...at && { at } }, depth + 1)
  }

  #callInterface(node: Node, name: string, inputs: readonly Value[], target: Block, frame: Frame, depth: number): Value[] {
    const { root } = this.#options
    const what = `${typeName(inputs[0]!)}.${name}`
    const callee = root && resolveInterface(inputs[0]!, name, root)
    if (root === undefined || callee === undefined) throw unresolved(what, frame.callee.name)
    for (const { path } of implementations(callee)) for (const attribute of path) this.#trusted.set(attribute, what)
    return callImplementations(callee, inputs, target, {
      root, results: node.outputs.map(({ type }) => withoutFutures(type)), range: node.range,
      call: (method, actuals, block) => this.#copyBody(method, actuals, block, { frame, at: rangeIn(frame, node.range) }, depth + 1),
      created: (made) => this.#known?.follow(made),
    })
  }
}

/** True for an object of a class whose methods have no code here. */
function isOpaque({ type }: Value): boolean {
  return type.kind === 'ClassType' && type.torchbind
}

function methodOf({ type }: Value, name: string): ScriptFunction {
  if (type.kind !== 'ClassType') throw new Error(`method ${name} of a ${type.kind}`)
  const method = type.methods.get(name)
  if (method === undefined) throw new Error(`${type.name} has no method ${name}`)
  return method
}

/** The bool that an operator gives for inputs that are known and cannot change; undefined when that is only known while running. */
function foldedBool(node: Node, valueOf: (input: Value) => IValue | undefined): boolean | undefined {
  if (node.inputs.length === 0 || node.blocks.length > 0) return undefined
  const constants: IValue[] = []
  for (const input of node.inputs) {
    const constant = isMutableType(input.type) ? undefined : valueOf(input)
    if (constant === undefined) return undefined
    constants.push(constant)
  }
  if (hasSideEffects(node) || isNondeterministic(node)) return undefined
  const result = evaluate(node, constants)?.[0]
  return result?.tag === 'Bool' ? result.value : undefined
}

/** The qualified name of the function that a `prim::CallFunction` calls. */
function calledFunction(node: Node): string {
  const type = node.inputs[0]?.type
  return type?.kind === 'FunctionType' ? type.name : node.string('name')
}

function typeName(value: Value): string {
  return value.type.kind === 'InterfaceType' ? value.type.name : value.type.kind
}

/** Calls of a module are checked when they are read; through an interface they are checked against that. */
function otherArguments(callee: ScriptFunction, given: number, taken: number): PetalError {
  return new PetalError({
    code: 'NOT_THE_INTERFACE',
    message: `${callee.name} takes ${taken} values and is called through an interface with ${given}.`,
    cause: 'A module stands where its interface says another method; the file is damaged or was not written by torch.jit.save.',
    fix: 'Save the model again with torch.jit.save.',
  })
}

function recursive(callee: ScriptFunction): PetalError {
  return new PetalError({
    code: 'RECURSIVE_FUNCTION',
    message: `${callee.name} calls itself, directly or through another function.`,
    cause: 'The lite interpreter runs one flat method, so every call is replaced by the body of what it calls; a recursion has no end.',
    fix: 'Rewrite the recursion as a loop.',
  })
}

function takesFuture(method: ScriptFunction, input: Value): PetalError {
  return new PetalError({
    code: 'UNSUPPORTED_FORK',
    message: `${method.name} takes a future (${input.debugName ?? 'an argument'}), the result of a task that runs elsewhere.`,
    cause: 'Tasks run where they are forked, and nobody outside of the model can hand one in.',
    fix: 'Wait for the future before calling the model, and pass its result.',
  })
}

function tooLarge(frame: Frame, what: string): PetalError {
  return new PetalError({
    code: 'MODEL_TOO_LARGE',
    message: `The model's code ${what} (in ${frame.callee.name}).`,
    cause: 'Functions that call functions several times each grow without bound when they are inlined.',
    fix: 'Replace repeated calls by loops, or split the model.',
  })
}

function unresolved(what: string, where: string): PetalError {
  return new PetalError({
    code: 'UNRESOLVED_INTERFACE_CALL',
    message: `The module behind the interface call ${what} cannot be known before running (${where}).`,
    cause: 'The module is chosen while the model runs or is replaced by an assignment.',
    fix: 'Call the modules by their names, for instance in an if/else, in place of choosing one first.',
  })
}
