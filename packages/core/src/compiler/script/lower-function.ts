import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { listOf, TensorType } from '../ir/types.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import type { FunctionDef } from './ast.ts'
import { lowerExpression } from './lower-expressions.ts'
import { lowerReturn, lowerStatements } from './lower-statements.ts'
import { type Closure, Lowering, type LoweringRules, type Resolver } from './lowering.ts'
import { syntaxError, type SourceFile } from './source.ts'
import { debugName } from './variables.ts'

const RULES: LoweringRules = { sugared: lowerExpression, statements: lowerStatements, closure: lowerClosure }

/**
 * The graph of a function as PyTorch has it after loading (`to_ir` in torch/csrc/jit/frontend/ir_emitter.cpp): not inlined, in SSA form,
 * typed, operators resolved. `schema` is the function's own, the object included.
 */
export function lowerFunction(source: SourceFile, definition: FunctionDef, schema: FunctionSchema, resolver: Resolver): Graph {
  const lowering = new Lowering(source, resolver, RULES, schema.returns[0]?.type, definition.line)
  const { graph } = lowering
  for (const { name, type } of schema.arguments) {
    const value = graph.block.addInput(type, debugName(name))
    lowering.define(name, { value, type })
  }
  lowerBody(lowering, definition, schema.returns[0]?.type.kind !== 'NoneType')
  return graph
}

/** Lowers the statements and what they return, which is all of a function when its parameters are known. */
function lowerBody(lowering: Lowering, definition: FunctionDef, mustReturn: boolean): void {
  const { graph, source } = lowering
  const last = definition.body.at(-1)
  const returns = last?.kind === 'Return' ? last : undefined
  lowering.statements(returns === undefined ? definition.body : definition.body.slice(0, -1))
  if (returns === undefined && mustReturn) throw syntaxError(source, definition.line, `${definition.name} does not end with a return`)
  graph.block.registerOutput(lowerReturn(lowering, returns?.value, returns?.line ?? definition.line))
  lowering.finish()
  cleanUp(graph)
}

/** A function inside a function; what it names of the values around it becomes its inputs (torch/csrc/jit/passes/lift_closures.cpp). */
function lowerClosure(outer: Lowering, definition: FunctionDef): Closure {
  const lowering = new Lowering(outer.source, outer.resolver, RULES, undefined, definition.line)
  const captured: Value[] = []
  for (const name of namesIn(definition.body)) {
    const variable = outer.find(name)
    if (variable === undefined) continue
    if ('sugared' in variable) {
      lowering.define(name, variable)
      continue
    }
    captured.push(variable.value)
    lowering.define(name, { value: lowering.graph.block.addInput(variable.value.type, debugName(name)), type: variable.type })
  }
  lowerBody(lowering, definition, false)
  return { graph: lowering.graph, captured }
}

/** All names in a piece of a syntax tree, each once, in order of appearance. */
function namesIn(root: readonly object[]): Set<string> {
  const names = new Set<string>()
  const pending: unknown[] = root.toReversed()
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next !== 'object' || next === null) continue
    if ('kind' in next && next.kind === 'Name' && 'name' in next && typeof next.name === 'string') names.add(next.name)
    pending.push(...Object.values(next).toReversed())
  }
  return names
}

/**
 * Lists without elements and without a type are lists of tensors. What packs results that are unpacked at once goes, and so does
 * what loops carry for nobody.
 */
function cleanUp(graph: Graph): void {
  // Last first: what uses a value goes before the value.
  for (const node of Array.from(allNodes(graph.block)).toReversed()) {
    if (node.kind === 'prim::EmptyListLiteral') replaceEmptyList(graph, node)
    else if (node.kind === 'prim::Loop') dropUnusedCarried(node)
    else if (node.kind === 'prim::TupleConstruct' && !node.output.hasUses) node.destroy()
  }
}

function replaceEmptyList(graph: Graph, node: Node): void {
  if (node.output.hasUses) {
    const list = graph.create('prim::ListConstruct').insertBefore(node)
    list.range = node.range
    node.output.replaceAllUsesWith(list.addOutput(listOf(TensorType)))
  }
  node.destroy()
}

/** The condition of a `while` is a variable, so it is carried twice: as the condition, and as a value that only the condition reads. */
function dropUnusedCarried(node: Node): void {
  const body = node.blocks[0]!
  for (let i = node.outputs.length - 1; i >= 0; i--) {
    if (node.outputs[i]!.hasUses || body.inputs[i + 1]!.hasUses) continue
    node.removeOutput(i)
    node.removeInput(i + 2)
    body.returnNode.removeInput(i + 1)
    body.paramNode.removeOutput(i + 1)
  }
}
