import type { ClassType, ScriptFunction } from '../ir/class-type.ts'
import { Graph, type Block, type Node, type SourceRange, type Value } from '../ir/graph.ts'
import { ivalueType, NONE, type IValue } from '../ir/ivalue.ts'
import { findSchema } from '../ir/ops/index.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import { typeString, sameType, type EnumType, type InterfaceType, type TupleType, type Type } from '../ir/types.ts'
import type { Expr, FunctionDef, Stmt } from './ast.ts'
import { invalidCode, located, type SourceFile } from './source.ts'
import type { Sugared } from './sugared.ts'

/** What names in code mean: what the importer knows of a model. */
export interface Resolver {
  /** The class, NamedTuple, enum or interface of a qualified name. */
  namedType(name: string): Type | undefined
  functionNamed(name: string): ScriptFunction | undefined
  typeOf(expr: Expr): Type
  /** Entry of `constants.pkl`. */
  constant(index: number): IValue | undefined
  enumMember(type: EnumType, name: string): IValue | undefined
  interfaceMethod(type: InterfaceType, name: string): FunctionSchema | undefined
  /** The constructor of a NamedTuple, with defaults. */
  namedTupleSchema(type: TupleType): FunctionSchema
  /** A forward hook, which is called as a function of its class. */
  hook(type: ClassType, name: string): ScriptFunction | undefined
  /** The version record of the archive, which says what operators meant when it was saved. */
  readonly operatorVersion: number
  /** A new number for an `aten::warn`, so that each place warns once. */
  nextWarning(): bigint
}

/** A name's value in a block. `type` is what it was declared as, which may be wider than the value's own. */
export type Variable = { readonly value: Value; readonly type: Type } | { readonly sugared: Sugared }

interface Scope {
  readonly block: Block
  readonly variables: Map<string, Variable>
  readonly parent: Scope | undefined
}

/** How the pieces of the lowering call one another. */
export interface LoweringRules {
  sugared(lowering: Lowering, expr: Expr, hint?: Type): Sugared
  statements(lowering: Lowering, statements: readonly Stmt[]): void
  closure(lowering: Lowering, definition: FunctionDef): Closure
}

/** A function inside a function as a graph of its own, and the values around it that are its inputs. */
export interface Closure {
  readonly graph: Graph
  readonly captured: readonly Value[]
}

/**
 * The state of lowering one function: its graph, and what the names mean at the current place.
 * Goes straight to SSA form; torch/csrc/jit/frontend/ir_emitter.cpp does it by loads and stores first.
 */
export class Lowering {
  readonly graph: Graph = new Graph()
  readonly source: SourceFile
  readonly resolver: Resolver
  readonly returns: Type | undefined
  readonly #rules: LoweringRules
  #scope: Scope
  #range: SourceRange
  readonly #constants = new Map<string, Value>()
  #lastConstant: Node
  readonly #loads: Node[] = []

  constructor(source: SourceFile, resolver: Resolver, rules: LoweringRules, returns: Type | undefined, line: number) {
    this.source = source
    this.resolver = resolver
    this.returns = returns
    this.#rules = rules
    this.#scope = { block: this.graph.block, variables: new Map(), parent: undefined }
    this.#range = { file: source.name, line }
    this.#lastConstant = this.graph.block.paramNode
  }

  // Expressions and statements

  sugared(expr: Expr, hint?: Type): Sugared {
    return this.#rules.sugared(this, expr, hint)
  }

  statements(statements: readonly Stmt[]): void {
    this.#rules.statements(this, statements)
  }

  closure(definition: FunctionDef): Closure {
    return this.#rules.closure(this, definition)
  }

  range(line: number): SourceRange {
    if (this.#range.line !== line) this.#range = { file: this.source.name, line }
    return this.#range
  }

  fail(line: number, message: string): never {
    throw invalidCode(this.source, line, message)
  }

  /** The type that `expr` names. */
  typeOf(expr: Expr): Type {
    return this.located(expr.line, () => this.resolver.typeOf(expr))
  }

  /** {@link located} in the code of this function. */
  located<T>(line: number, body: () => T): T {
    return located(this.source, line, body)
  }

  // Nodes

  /** Creates a node with one output of `type` at the insert point. */
  insert(kind: string, inputs: readonly Value[], type: Type, line: number): Value {
    return this.statement(kind, inputs, line).addOutput(type)
  }

  /** {@link insert} of a `prim` operator that has a schema and yet gives a type that its schema does not tell. */
  insertTyped(kind: string, overload: string, inputs: readonly Value[], type: Type, line: number): Value {
    const output = this.insert(kind, inputs, type, line)
    output.node.schema = findSchema(kind, overload)
    return output
  }

  /** Creates a node without outputs at the insert point. */
  statement(kind: string, inputs: readonly Value[], line: number): Node {
    const node = this.graph.create(kind, inputs)
    node.range = this.range(line)
    return this.graph.insert(node)
  }

  /**
   * A constant at the start of the graph. Equal plain values share one node, as constant pooling would do in the end;
   * `type` tells None apart from a None that was declared optional; `key` names a value that cannot be compared by content.
   */
  constant(value: IValue, type: Type = ivalueType(value), key: string | undefined = constantKey(value)): Value {
    const id = key && `${key} ${typeString(type)}`
    const known = id && this.#constants.get(id)
    if (known) return known
    const created = this.graph.withInsertPoint(this.#lastConstant.next!, () => this.graph.insertConstant(value, type))
    this.#lastConstant = created.node
    if (id) this.#constants.set(id, created)
    return created
  }

  none(type?: Type): Value {
    return this.constant(NONE, type)
  }

  // Variables

  get block(): Block {
    return this.#scope.block
  }

  /** What `name` means here, or undefined. */
  find(name: string): Variable | undefined {
    return lookUp(this.#scope, name)
  }

  /** What `name` means in the blocks around the current one. */
  findOutside(name: string): Variable | undefined {
    return lookUp(this.#scope.parent, name)
  }

  /** The value of a variable, with its declared type. */
  read(variable: Variable): Sugared {
    if ('sugared' in variable) return variable.sugared
    if (sameType(variable.type, variable.value.type)) return { kind: 'value', value: variable.value }
    // Stands for the value under its declared type while types are worked out, and goes away in the end.
    const load = this.graph.insert(this.graph.create('prim::Load', [variable.value]))
    this.#loads.push(load)
    return { kind: 'value', value: load.addOutput(variable.type) }
  }

  define(name: string, variable: Variable): void {
    this.#scope.variables.set(name, variable)
  }

  /** Lowers into `block` with a scope of its own; returns the names it defined. */
  inBlock(block: Block, body: () => void): Map<string, Variable> {
    const scope: Scope = { block, variables: new Map(), parent: this.#scope }
    this.#scope = scope
    try {
      this.graph.withInsertPoint(block.returnNode, body)
    } finally {
      this.#scope = scope.parent!
    }
    return scope.variables
  }

  /** Takes away what stood in for other values while types were worked out. */
  finish(): void {
    for (const load of this.#loads) {
      load.output.replaceAllUsesWith(load.input(0))
      load.destroy()
    }
  }
}

function lookUp(scope: Scope | undefined, name: string): Variable | undefined {
  for (let each = scope; each; each = each.parent) {
    const variable = each.variables.get(name)
    if (variable !== undefined) return variable
  }
  return undefined
}

/** Text that is equal for equal plain values; undefined for values with identity and for tensors. */
function constantKey(value: IValue): string | undefined {
  switch (value.tag) {
    case 'None': return 'None'
    case 'Bool': case 'Int': case 'String': case 'Device': return `${value.tag} ${value.value}`
    case 'Double': return `Double ${Object.is(value.value, -0) ? '-0' : value.value}`
    default: return undefined
  }
}
