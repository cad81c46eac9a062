import { PetalError } from '../../errors.ts'
import { Graph, toIValue, type Node, type Value } from '../../ir/graph.ts'
import type { IValue } from '../../ir/ivalue.ts'
import { resolveSchema } from '../../ir/match-schema.ts'
import { schemaName, type FunctionSchema } from '../../ir/schema.ts'
import { optionalOf, type Type } from '../../ir/types.ts'
import { hasFreeVariables } from '../../ir/unify.ts'
import { emitBuiltinCall, type NamedValue } from '../../script/schema-matching.ts'
import { equalValues, necessaryArgs } from '../necessary-args.ts'
import type { Expression, FunctionWriter, Operand } from './function-writer.ts'
import { annotated } from './literals.ts'
import { unsayable } from './refusal.ts'

/** An argument as it is written. */
interface Argument {
  readonly operand: Operand
  readonly keyword?: string
}

/** A way of writing the arguments of a call. */
type Manner = (node: Node, schema: FunctionSchema, operands: readonly Operand[], writer: FunctionWriter) => Argument[]

/**
 * Ways to write a call, the plainest first. Code names no overloads: a reader finds the form of the operator by the arguments, so
 * each way is tried out until one means this very call.
 */
const MANNERS: readonly Manner[] = [necessary, all, typed, named]

/** A call of an operator that has a schema: `torch.add(x, y, alpha=2)`, `ops.prepacked.linear_clamp_run(x, CONSTANTS.c0)`. */
export function operatorCall(writer: FunctionWriter, node: Node): Expression {
  const schema = node.schema ?? resolveSchema(node.kind, node.inputs.map(({ type }) => type))
  if (schema === undefined) throw unsayable(node, 'is one of no operator that is known')
  const operands = writer.operands(node.inputs)
  for (const manner of MANNERS) {
    const args = manner(node, schema, operands, writer)
    const types = meaning(node, schema, args)
    if (types === undefined) continue
    const list = args.map(({ operand, keyword }) => keyword === undefined ? operand.text : `${keyword}=${operand.text}`)
    return { text: `${operatorText(node.kind)}(${list.join(', ')})`, types }
  }
  const given = operands.map(({ type }) => writer.type(type)).join(', ')
  throw unsayable(node, `as ${schemaName(schema)} of (${given}) cannot be told from other forms of it`)
}

const RENAMED: Readonly<Record<string, string>> = { 'aten::backward': 'torch.autograd.backward', 'aten::grad': 'torch.autograd.grad' }

function operatorText(kind: string): string {
  const [namespace, name] = kind.split('::') as [string, string]
  return RENAMED[kind] ?? (namespace === 'aten' ? `torch.${name}` : `ops.${namespace}.${name}`)
}

/** Without the defaults at the end. */
function necessary(node: Node, schema: FunctionSchema, operands: readonly Operand[]): Argument[] {
  if (node.inputs.length < schema.arguments.length) return all(node, schema, operands)
  const { leading } = necessaryArgs(schema, node.inputs)
  return all(node, schema, operands).filter((_, i) => i < leading || i >= schema.arguments.length || schema.arguments[i]!.isOut)
}

/** Every argument, by position where it may be. */
function all(_: Node, schema: FunctionSchema, operands: readonly Operand[]): Argument[] {
  return operands.map((operand, i) => {
    const formal = schema.arguments[i]
    return formal?.kwargOnly || formal?.isOut ? { operand, keyword: formal.name } : { operand }
  })
}

/** As {@link all}, each None with its type. */
function typed(node: Node, schema: FunctionSchema, operands: readonly Operand[], writer: FunctionWriter): Argument[] {
  return all(node, schema, operands.map((operand, i) => {
    if (operand.text !== 'None') return operand
    const formal = schema.arguments[i]?.type
    const type = formal === undefined || hasFreeVariables(formal) ? node.outputs[0]?.type : formal
    return type === undefined ? operand : { ...operand, text: annotated(optionalOf(type), 'None', writer.context), type: optionalOf(type) }
  }))
}

/** Every argument but the first by its name. */
function named(node: Node, schema: FunctionSchema, operands: readonly Operand[], writer: FunctionWriter): Argument[] {
  return typed(node, schema, operands, writer).map(({ operand }, i) => {
    const keyword = i === 0 ? undefined : schema.arguments[i]?.name
    return keyword === undefined ? { operand } : { operand, keyword }
  })
}

/** What a reader takes the results of the call for, when it takes the call for what `node` does; else undefined. */
function meaning(node: Node, schema: FunctionSchema, args: readonly Argument[]): readonly Type[] | undefined {
  const graph = new Graph()
  const stand = new Map<Value, Value>()
  const values = args.map(({ operand, keyword }): NamedValue => {
    const value = stand.get(operand.value) ?? standIn(graph, operand)
    stand.set(operand.value, value)
    return keyword === undefined ? { value } : { name: keyword, value }
  })
  try {
    const [byPosition, byName] = [values.filter(({ name }) => name === undefined), values.filter(({ name }) => name !== undefined)]
    emitBuiltinCall(graph, node.kind, byPosition, byName, undefined)
  } catch (error) {
    if (error instanceof PetalError) return undefined
    throw error
  }
  const found = [...graph.block.nodes()].filter(({ kind }) => kind !== 'prim::Constant')
  const [call, packed] = found
  if (call === undefined || call.kind !== node.kind || found.length > 2) return undefined
  if (packed && packed.kind !== 'prim::TupleConstruct') return undefined
  if (schemaName(call.schema!) !== schemaName(schema) || call.inputs.length < node.inputs.length) return undefined
  const isSame = call.inputs.every((input, i) => sameInput(input, node.inputs[i], stand))
  return isSame ? call.outputs.map(({ type }) => type) : undefined
}

function standIn(graph: Graph, { value, type }: Operand): Value {
  const constant = toIValue(value)
  return constant === undefined ? graph.block.addInput(type) : graph.insertConstant(constant, type)
}

/** An input that the node lacks is a default that its runtime fills in. */
function sameInput(found: Value, wanted: Value | undefined, stand: ReadonlyMap<Value, Value>): boolean {
  if (wanted === undefined) return found.node.kind === 'prim::Constant'
  if (stand.get(wanted) === found) return true
  const [a, b]: (IValue | undefined)[] = [toIValue(found), toIValue(wanted)]
  return a !== undefined && b !== undefined && equalValues(a, b)
}
