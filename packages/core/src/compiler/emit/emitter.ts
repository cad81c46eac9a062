import { PetalError } from '../errors.ts'
import type { ClassType } from '../ir/class-type.ts'
import { toIValue, type Block, type Node, type Value } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import { typeString, type Type } from '../ir/types.ts'
import type { BytecodeForm } from './bytecode-form.ts'
import { typeTableString, unsupportedPart } from './mobile-types.ts'
import type { NecessaryArgs } from './necessary-args.ts'
import type { Opcode } from './opcodes.ts'
import type { Step } from './stackless.ts'

/** One instruction; what `x` and `n` mean depends on the opcode. Source: torch/csrc/jit/runtime/instruction.h. */
export interface Instruction {
  readonly op: Opcode
  x: number
  n: number
}

/** An entry of the operator table. */
export interface BytecodeOperator {
  readonly name: string
  readonly overload: string
  /** Arguments that calls pass; -1 for variable arguments. */
  readonly numArgs: number
}

/** The code of one method. Registers count from 1. */
export interface Bytecode {
  readonly instructions: readonly Instruction[]
  /** What each instruction was emitted for. */
  readonly nodes: readonly Node[]
  readonly operators: readonly BytecodeOperator[]
  readonly constants: readonly IValue[]
  readonly types: readonly string[]
  readonly registerSize: number
}

/** The instruction encoding's 32 signed bits for `x` and 16 unsigned bits for `n`. */
const MAX_X = 2 ** 31 - 1
const MAX_N = 2 ** 16 - 1

/** The place of an attribute among the pickled ones of its object. */
export type SlotOf = (type: ClassType, attribute: string) => number

/** Emits a node: its inputs, then what it does; its outputs stay on the stack. */
export type EmitNode = (emitter: Emitter, node: Node) => Step<void>

/** What is known before anything is emitted. */
export interface EmitterInit {
  /** Nodes whose result is left on the stack for their only user. */
  readonly inline: ReadonlySet<Node>
  readonly necessary: ReadonlyMap<string, NecessaryArgs>
  readonly slotOf: SlotOf
  readonly emitNode: EmitNode
  readonly form: BytecodeForm
}

/** What the emission of a node works on: the tables that grow, and the questions it may ask. */
export class Emitter {
  readonly instructions: Instruction[] = []
  readonly nodes: Node[] = []
  readonly operators: BytecodeOperator[] = []
  readonly constants: IValue[] = []
  readonly types: string[] = []
  registerSize = 0
  readonly slotOf: SlotOf
  readonly form: BytecodeForm
  readonly #emitNode: EmitNode
  readonly #inline: ReadonlySet<Node>
  readonly #necessary: ReadonlyMap<string, NecessaryArgs>
  readonly #operatorIndex: Map<string, number> = new Map()
  /** Register of a value, or index of a constant. */
  readonly #places: Map<Value, number> = new Map()
  readonly #usesSoFar: Map<Value, number> = new Map()
  readonly #methodNames: { readonly instruction: Instruction; readonly name: string }[] = []

  constructor({ inline, necessary, slotOf, emitNode, form }: EmitterInit) {
    this.#inline = inline
    this.#necessary = necessary
    this.slotOf = slotOf
    this.#emitNode = emitNode
    this.form = form
  }

  insert(node: Node, op: Opcode, x = 0, n = 0): Instruction {
    if (Math.abs(x) > MAX_X || n > MAX_N) {
      throw refusal(node, `${node.kind} with ${Math.max(x, n)} values`, `an instruction can name at most ${MAX_N}`)
    }
    const instruction = { op, x, n }
    this.instructions.push(instruction)
    this.nodes.push(node)
    return instruction
  }

  insertConstant(value: IValue): number {
    return this.constants.push(value) - 1
  }

  /** Appends to the type table, which has an entry per use. */
  insertType(node: Node, type: Type): number {
    const part = unsupportedPart(type)
    if (part) throw refusal(node, `${node.kind} with the type ${typeString(type)}`, `${typeString(part)} is not a type there`)
    return this.types.push(typeTableString(type, this.form)) - 1
  }

  /** Calls of a method are looked up by name; the names follow the other constants. */
  insertMethodCall(node: Node, name: string): void {
    this.#methodNames.push({ name, instruction: this.insert(node, 'INTERFACE_CALL', 0, node.inputs.length) })
  }

  /** Index in the operator table of an operator called with `inputs` values; variable-argument ones have an entry per call. */
  operatorIndex(name: string, overload: string, inputs: number, isVararg: boolean): number {
    const key = `${name}.${overload}/${inputs}`
    const known = isVararg ? undefined : this.#operatorIndex.get(key)
    if (known !== undefined) return known
    const args = isVararg ? undefined : this.necessary(operatorKey(name, overload))
    // Runtimes before 1.12 would look for the defaults of -1 arguments and read beside the schema of operators that have none.
    const numArgs = args ? args.leading + args.out : isVararg && this.form.promoted ? -1 : inputs
    const index = this.operators.push({ name, overload, numArgs }) - 1
    if (!isVararg) this.#operatorIndex.set(key, index)
    return index
  }

  necessary(operator: string): NecessaryArgs | undefined {
    return this.#necessary.get(operator)
  }

  /** Pushes values: from their register, from the constants, or by emitting their node now. */
  *load(user: Node, values: readonly Value[]): Step<void> {
    for (const value of values) {
      if (this.#inline.has(value.node)) yield this.#emitNode(this, value.node)
      else this.#loadPlace(user, value, false)
    }
  }

  *drop(user: Node, values: readonly Value[]): Step<void> {
    for (const value of values) {
      if (this.#inline.has(value.node)) {
        yield this.#emitNode(this, value.node)
        this.insert(user, 'DROP')
      } else {
        this.#loadPlace(user, value, true)
      }
    }
  }

  #loadPlace(user: Node, value: Value, drop: boolean): void {
    const place = this.#places.get(value)
    if (place === undefined) throw new Error(`${user.kind} uses a value that was not emitted`)
    const uses = (this.#usesSoFar.get(value) ?? 0) + 1
    this.#usesSoFar.set(value, uses)
    const isLast = value.uses.size === uses
    this.insert(user, drop ? 'DROPR' : value.node.kind === 'prim::Constant' ? 'LOADC' : isLast ? 'MOVE' : 'LOAD', place)
  }

  *block(block: Block): Step<void> {
    this.#store(block.paramNode)
    for (const node of block.nodes()) {
      if (node.kind === 'prim::Constant') {
        this.#constant(node)
      } else if (!this.#inline.has(node)) {
        yield this.#emitNode(this, node)
        this.#store(node)
      }
    }
    yield this.load(block.returnNode, block.outputs)
  }

  #constant(node: Node): void {
    if (node.output.type.kind === 'FunctionType') return
    const value = toIValue(node.output)!
    if (value.tag === 'Enum' || value.tag === 'Object') {
      const user = [...node.output.uses].find((use) => use.user.range)?.user
      throw refusal(node.range ? node : user ?? node, `a constant of type ${typeString(value.type)}`, 'only plain values can be constants')
    }
    this.#places.set(node.output, this.insertConstant(value))
  }

  #store(node: Node): void {
    if (node.outputs.length === 0) return
    const first = this.registerSize + 1
    for (const output of node.outputs) this.#places.set(output, ++this.registerSize)
    if (node.outputs.length === 1) this.insert(node, 'STORE', first)
    else this.insert(node, 'STOREN', first, node.outputs.length)
  }

  finish(node: Node): Bytecode {
    this.insert(node, 'RET')
    for (const { instruction, name } of this.#methodNames) instruction.x = this.insertConstant({ tag: 'String', value: name })
    return this
  }
}

/** `aten::add.Tensor`: an operator overload by its name. */
export function operatorKey(name: string, overload: string): string {
  return overload === '' ? name : `${name}.${overload}`
}

/** The error for code that is valid TorchScript but not runnable on a phone. */
export function refusal({ range }: Node, what: string, why: string): PetalError {
  return new PetalError({
    code: 'NOT_MOBILE',
    message: `${range ? `${range.file}:${range.line}: the` : 'The'} model uses ${what}, which PyTorch's lite interpreter cannot run: ${why}.`,
    fix: 'Rewrite that part of the model, trace it instead of scripting it, or build it with format=torchscript for the full PyTorch runtime, which has all of the language.',
    ...range && { location: { file: range.file, line: range.line } },
  })
}
