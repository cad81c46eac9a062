import { allNodes, type Graph, type Node } from '../ir/graph.ts'
import { listOf, TensorType } from '../ir/types.ts'
import type { FunctionSchema } from '../ir/schema.ts'
import type { FunctionDef } from './ast.ts'
import { lowerExpression } from './lower-expressions.ts'
import { lowerReturn, lowerStatements } from './lower-statements.ts'
import { Lowering, type LoweringRules, type Resolver } from './lowering.ts'
import { syntaxError, type SourceFile } from './source.ts'
import { debugName } from './variables.ts'

const RULES: LoweringRules = { sugared: lowerExpression, statements: lowerStatements }

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
  const last = definition.body.at(-1)
  const returns = last?.kind === 'Return' ? last : undefined
  lowering.statements(returns === undefined ? definition.body : definition.body.slice(0, -1))
  if (returns === undefined && schema.returns[0]?.type.kind !== 'NoneType') {
    throw syntaxError(source, definition.line, `${definition.name} does not end with a return`)
  }
  graph.block.registerOutput(lowerReturn(lowering, returns?.value, returns?.line ?? definition.line))
  lowering.finish()
  cleanUp(graph)
  return graph
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
