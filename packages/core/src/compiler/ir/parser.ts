import type { Tensor } from '../archive/tensor.ts'
import { classType, CUSTOM_CLASS_PREFIX } from './class-type.ts'
import { Graph, type Attribute, type Block, type Node, type Value } from './graph.ts'
import type { ObjectValue } from './ivalue.ts'
import { mismatch, resolveSchema } from './match-schema.ts'
import { findSchema, operatorsNamed } from './ops/index.ts'
import { parseValue, type ValueContext } from './parse-value.ts'
import { TextReader } from './text-reader.ts'
import { parseTypeExpression } from './type-parser.ts'
import { AnyType, typeString, type Type } from './types.ts'

/** What the text refers to. */
export interface ParseOptions {
  /** What `<Tensor Float[2] "name">` looks into; names that are absent get a storage with made-up numbers, in memory. */
  tensors?: ReadonlyMap<string, Tensor>
  /** Classes, enums and interfaces by qualified name; a class that is absent is made up, as a module without attributes. */
  types?: ReadonlyMap<string, Type>
}

/** Blocks and subgraphs in one another; a graph nested deeper is not one that people write. */
const MAX_DEPTH = 200

/**
 * Reads a graph in PyTorch's notation, as printGraph writes it. Operators are resolved as in PyTorch's own parser: the
 * first one of that name whose schema fits the inputs' static types, without conversions; `aten::add.Scalar` names one
 * outright. Operators of a name that is not known at all are kept without a schema.
 * Throws an Error that names the line.
 */
export function parseGraph(text: string, options: ParseOptions = {}): Graph {
  const parser = new Parser(text, options)
  const graph = parser.graph(0)
  parser.end()
  return graph
}

class Parser {
  readonly #reader: TextReader
  readonly #context: ValueContext
  readonly #types: Map<string, Type>

  constructor(text: string, options: ParseOptions) {
    this.#reader = new TextReader(text)
    this.#types = new Map(options.types)
    this.#context = {
      reader: this.#reader, type: (name) => this.#type(name), tensors: options.tensors ?? new Map(),
      storages: new Map(), objects: new Map<string, ObjectValue>(),
    }
  }

  end(): void {
    this.#reader.skip()
    if (this.#reader.at < this.#reader.text.length) this.#reader.fail('expected the end')
  }

  graph(depth: number): Graph {
    const graph = new Graph()
    const scope = new Scope(undefined)
    this.#reader.expect('graph')
    this.#declareInputs(graph.block, scope)
    this.#reader.expect(':')
    this.#nodes(graph.block, scope, depth)
    this.#reader.expect('return')
    this.#outputs(graph.block, scope)
    return graph
  }

  #declareInputs(block: Block, scope: Scope): void {
    this.#reader.list('(', ')', () => {
      const { name, type } = this.#declaration(',)')
      scope.define(name, block.addInput(type, debugName(name)), this.#reader)
    })
  }

  #outputs(block: Block, scope: Scope): void {
    for (const value of this.#reader.list('(', ')', () => this.#value(scope))) block.registerOutput(value)
  }

  #nodes(block: Block, scope: Scope, depth: number): void {
    if (depth > MAX_DEPTH) this.#reader.fail('blocks are nested too deeply')
    while (!this.#reader.peek('return') && !this.#reader.peek('->')) this.#node(block, scope, depth)
  }

  #node(block: Block, scope: Scope, depth: number): void {
    const reader = this.#reader
    const declared: { name: string; type: Type }[] = []
    while (reader.peek('%')) {
      declared.push(this.#declaration(',='))
      if (!reader.take(',')) break
    }
    reader.take('=')
    const [, kind, overload] = reader.match(/(\w+::\w+)(?:\.(\w*))?/y) ?? reader.fail('expected an operator')
    const node = block.graph.create(kind!)
    if (reader.peek('[')) this.#attributes(node, declared[0]?.type ?? AnyType, depth)
    for (const value of reader.list('(', ')', () => this.#value(scope))) node.addInput(value)
    this.#resolve(node, overload)
    block.append(node)
    const outputs = declared.map(({ name, type }) => [name, node.addOutput(type, debugName(name))] as const)
    while (reader.match(/block\d+(?=\()/y)) {
      const inner = node.addBlock()
      const nested = new Scope(scope)
      this.#declareInputs(inner, nested)
      reader.expect(':')
      this.#nodes(inner, nested, depth + 1)
      reader.expect('->')
      this.#outputs(inner, nested)
    }
    for (const [name, value] of outputs) scope.define(name, value, reader)
  }

  #resolve(node: Node, overload: string | undefined): void {
    const types = node.inputs.map((value) => value.type)
    const signature = `(${types.map(typeString).join(', ')})`
    if (overload !== undefined) {
      const schema = findSchema(node.kind, overload) ?? this.#reader.fail(`no operator ${node.kind}.${overload}`)
      const problem = mismatch(schema, types)
      if (problem) this.#reader.fail(`${node.kind}.${overload} does not take ${signature}: ${problem}`)
      node.schema = schema
      return
    }
    node.schema = resolveSchema(node.kind, types)
    if (node.schema === undefined && !node.kind.startsWith('prim::') && operatorsNamed(node.kind).length > 0) {
      this.#reader.fail(`no overload of ${node.kind} takes ${signature}`)
    }
  }

  #attributes(node: Node, constantType: Type, depth: number): void {
    this.#reader.list('[', ']', () => {
      const name = this.#reader.word('an attribute name')
      this.#reader.expect('=')
      node.attributes.set(name, this.#attribute(node, name, constantType, depth))
    })
  }

  #attribute(node: Node, name: string, constantType: Type, depth: number): Attribute {
    const reader = this.#reader
    if (node.kind === 'prim::Constant' && name === 'value') return { kind: 'ival', value: parseValue(this.#context, constantType) }
    if (reader.peek('"')) return { kind: 's', value: reader.quoted() }
    if (reader.peek('[')) return { kind: 'tys', value: reader.list('[', ']', () => this.#type(reader.balanced(',]'))) }
    if (reader.peek('graph')) return { kind: 'g', value: this.graph(depth + 1) }
    if (reader.peek('<') || reader.peek('None')) return { kind: 'ival', value: parseValue(this.#context, AnyType) }
    return { kind: 'i', value: reader.integer() }
  }

  #declaration(ends: string): { name: string; type: Type } {
    const name = this.#name()
    return { name, type: this.#reader.take(':') ? this.#type(this.#reader.balanced(ends)) : this.#type('Tensor') }
  }

  #name(): string {
    return this.#reader.match(/%([\w.]+)/y)?.[1] ?? this.#reader.fail('expected a value')
  }

  #value(scope: Scope): Value {
    const name = this.#name()
    return scope.find(name) ?? this.#reader.fail(`%${name} is not defined here`)
  }

  #type(text: string): Type {
    try {
      return parseTypeExpression(text, (name) => this.#named(name))
    } catch (error) {
      return this.#reader.fail(error instanceof Error ? error.message : String(error))
    }
  }

  #named(name: string): Type {
    if (name === 'Function') return { kind: 'FunctionType', name: '' }
    let type = this.#types.get(name)
    if (type === undefined) this.#types.set(name, type = classType(name, { isModule: !name.startsWith(CUSTOM_CLASS_PREFIX) }))
    return type
  }
}

/** A name of digits is a number that the next printout may give to another value. */
function debugName(name: string): string | undefined {
  return /^\d/.test(name) ? undefined : name
}

/** Values that can be seen in a block: its own and those of the blocks around it. */
class Scope {
  readonly #parent: Scope | undefined
  readonly #values = new Map<string, Value>()

  constructor(parent: Scope | undefined) {
    this.#parent = parent
  }

  define(name: string, value: Value, reader: TextReader): void {
    if (this.find(name)) reader.fail(`%${name} is defined twice`)
    this.#values.set(name, value)
  }

  find(name: string): Value | undefined {
    return this.#values.get(name) ?? this.#parent?.find(name)
  }
}
