import type { ScriptFunction } from '../../ir/class-type.ts'
import { toIValue, type Node, type Value } from '../../ir/graph.ts'
import { annotationString, isSubtype, type Type } from '../../ir/types.ts'
import { annotated, literalText, literalType, type LiteralContext } from './literals.ts'
import { LocalNames } from './names.ts'
import { unsayable } from './refusal.ts'
import { SeenWrites } from './seen-writes.ts'

/** What the code around a function is told of. */
export interface CodeContext extends LiteralContext {
  /** Takes notice of a call of a method and gives what a reader takes its results for. */
  readonly useMethod: (owner: Type, name: string) => readonly Type[]
  /** As {@link CodeContext.useMethod}, of a free function by its qualified name. */
  readonly useFunction: (name: string) => ScriptFunction
  /** The type that the printed class declares for an attribute. */
  readonly attributeType: (owner: Type, name: string) => Type | undefined
}

/** An input of a node as it is written, and the type that a reader takes it for. */
export interface Operand {
  readonly text: string
  readonly type: Type
  readonly value: Value
}

/** An expression, and the types that a reader finds for its results. */
export interface Expression {
  readonly text: string
  readonly types: readonly Type[]
}

/** True when both read the same in code; named fields of a tuple without a name do not show. */
export function sameText(a: Type, b: Type): boolean {
  return a === b || annotationString(a) === annotationString(b)
}

/** The text of one function while it is written: its lines, and what its values are called. */
export class FunctionWriter {
  readonly context: CodeContext
  readonly names: LocalNames = new LocalNames()
  readonly #texts: Map<Value, string> = new Map()
  readonly #lines: string[] = []
  #level: number

  readonly writes: SeenWrites = new SeenWrites()

  constructor(context: CodeContext, level: number) {
    this.context = context
    this.#level = level
  }

  /** Adds a line, or several that are indented alike. */
  line(text: string): void {
    this.#lines.push('  '.repeat(this.#level) + text)
  }

  /** Writes a block one level deeper; `pass` when `body` writes nothing. */
  indented(body: () => void): void {
    this.enter()
    body()
    this.leave()
  }

  readonly #blockStarts: number[] = []

  /** Starts a block that {@link FunctionWriter.leave} ends. */
  enter(): void {
    this.#level++
    this.#blockStarts.push(this.#lines.length)
  }

  /** Ends the innermost block; false when none is open. */
  leave(): boolean {
    const start = this.#blockStarts.pop()
    if (start === undefined) return false
    if (start === this.#lines.length) this.line('pass')
    this.#level--
    return true
  }

  toString(): string {
    return this.#lines.map((line) => `${line}\n`).join('')
  }

  /** Gives a value a name of its own. */
  declare(value: Value): string {
    const name = this.names.for(value)
    this.#texts.set(value, name)
    return name
  }

  /** Lets `value` be read by the name `text` that stands for it already. */
  alias(value: Value, text: string): void {
    this.#texts.set(value, text)
  }

  /** How `value` is written where it is used. Constants are written out. */
  operand(value: Value): Operand {
    const text = this.#texts.get(value)
    if (text !== undefined) return { text, type: value.type, value }
    const constant = toIValue(value)
    if (constant === undefined) throw new Error(`a value of ${value.node.kind} is used before it is written`)
    if (constant.tag === 'None' && (value.type.kind === 'OptionalType' || value.type.kind === 'UnionType')) {
      return { text: annotated(value.type, 'None', this.context), type: value.type, value }
    }
    return { text: literalText(constant, this.context), type: literalType(constant), value }
  }

  operands(values: readonly Value[]): Operand[] {
    return values.map((value) => this.operand(value))
  }

  /** The name of a type. */
  type(type: Type): string {
    this.context.use(type)
    return annotationString(type)
  }

  /** `target = text`, in words that make a reader take `target` for a `type`, whatever it finds for the text itself. */
  assign(target: string, type: Type, { text, type: found }: { readonly text: string; readonly type: Type }): void {
    if (sameText(type, found)) this.line(`${target} = ${text}`)
    else if (isSubtype(found, type)) this.line(`${target} : ${this.type(type)} = ${text}`)
    else this.line(`${target} = unchecked_cast(${this.type(type)}, ${text})`)
  }

  /** Writes a node as the assignment of `expression` to its outputs. */
  define(node: Node, { text, types }: Expression): void {
    const { outputs } = node
    if (types.length !== outputs.length) {
      throw unsayable(node, `gives ${outputs.length} values and is read as one that gives ${types.length}`)
    }
    if (outputs.length === 0) return this.line(text)
    if (outputs.length === 1) {
      const target = this.names.for(outputs[0]!)
      this.assign(target, outputs[0]!.type, { text, type: types[0]! })
      return this.alias(outputs[0]!, target)
    }
    this.unpack(outputs, text, types)
  }

  /** `a, b, = text`; the comma at the end takes one value apart, too. */
  unpack(outputs: readonly Value[], text: string, types: readonly Type[]): void {
    const asFound = outputs.map((output, i) => sameText(output.type, types[i]!))
    const targets = outputs.map((output, i) => asFound[i] ? this.declare(output) : this.names.unique('_'))
    this.line(`${targets.join(', ')}, = ${text}`)
    outputs.forEach((output, i) => {
      if (!asFound[i]) this.assign(this.declare(output), output.type, { text: targets[i]!, type: types[i]! })
    })
  }
}
