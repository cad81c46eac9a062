import type { Block, Graph, Node, Value } from './graph.ts'
import { matchType, mismatch } from './match-schema.ts'
import { formProblem, PRIM_FORMS } from './prim-forms.ts'
import { operatorsNamed } from './ops/index.ts'
import { schemaName, type FunctionSchema } from './schema.ts'
import { typeString } from './types.ts'
import type { TypeEnv } from './unify.ts'

/**
 * Throws an Error that says what is wrong with the graph: order and links of nodes, uses against inputs, values used
 * where they are not defined, schemas against argument and result types, forms of control flow and other `prim` nodes.
 * A graph that passes can be printed, analyzed and emitted. Linear in its size.
 */
export function verify(graph: Graph): void {
  const tally: Tally = { inputs: 0, uses: 0 }
  verifyBlock(graph, graph.block, undefined, new Set(), tally)
  if (tally.inputs !== tally.uses) throw new Error(`bad graph: ${tally.inputs} inputs, but ${tally.uses} uses are listed`)
}

interface Tally {
  inputs: number
  uses: number
}

function describe(node: Node): string {
  return `${node.kind}(${node.inputs.map((value) => typeString(value.type)).join(', ')})`
}

function fail(node: Node, problem: string): never {
  throw new Error(`bad graph: ${describe(node)}: ${problem}`)
}

/** `visible` holds the values that may be used here; it is as before when the function returns. */
function verifyBlock(graph: Graph, block: Block, owner: Node | undefined, visible: Set<Value>, tally: Tally): void {
  const { paramNode, returnNode } = block
  if (block.owningNode !== owner) throw new Error('bad graph: a block does not know its node')
  const defined: Value[] = []
  const define = (node: Node): void => {
    for (const output of node.outputs) {
      visible.add(output)
      defined.push(output)
    }
  }
  if (paramNode.inputs.length > 0 || returnNode.outputs.length > 0) fail(returnNode, 'a boundary node is used as an operation')
  if (paramNode.prev || returnNode.next) fail(returnNode, 'the list of nodes goes on outside of the block')
  for (let node: Node | undefined = paramNode; node; node = node.next) {
    verifyPlace(graph, block, node)
    verifyValues(node, visible, tally)
    if (node !== paramNode && node !== returnNode) {
      if (node.kind === 'prim::Param' || node.kind === 'prim::Return') fail(node, 'a boundary node inside a block')
      for (const inner of node.blocks) verifyBlock(graph, inner, node, visible, tally)
      verifyMeaning(node)
      for (const attribute of node.attributes.values()) if (attribute.kind === 'g') verify(attribute.value)
    }
    define(node)
    if (node.next === undefined && node !== returnNode) fail(node, 'the list of nodes ends before the return')
  }
  for (const value of defined) visible.delete(value)
}

function verifyPlace(graph: Graph, block: Block, node: Node): void {
  if (node.graph !== graph) fail(node, 'it belongs to another graph')
  if (node.owningBlock !== block) fail(node, 'it does not know its block')
  if (node.next && node.next.prev !== node) fail(node, 'the links to the next node do not agree')
  if (node.next && node.next.position <= node.position) fail(node, 'its position is not before that of the next node')
}

/** Every use must be there, and there must be as many uses as inputs: then each input is listed exactly once. */
function verifyValues(node: Node, visible: ReadonlySet<Value>, tally: Tally): void {
  node.inputs.forEach((value, offset) => {
    if (!visible.has(value)) fail(node, `input ${offset} (%${value.debugName ?? value.id}, from ${value.node.kind}) is not defined here`)
  })
  tally.inputs += node.inputs.length
  node.outputs.forEach((value, offset) => {
    if (value.node !== node || value.offset !== offset) fail(node, `output ${offset} does not know where it comes from`)
    for (const { user, offset: at } of value.uses) {
      if (user.inputs[at] !== value) fail(node, `output ${offset} lists a use as input ${at} of ${user.kind} that is not there`)
      if (user.owningBlock === undefined) fail(node, `output ${offset} is used by ${user.kind}, which is in no block`)
    }
    tally.uses += value.uses.size
  })
}

function verifyMeaning(node: Node): void {
  const form = Object.hasOwn(PRIM_FORMS, node.kind) ? PRIM_FORMS[node.kind] : undefined
  if (form) {
    const problem = formProblem(node, form)
    if (problem) fail(node, problem)
    return
  }
  if (node.blocks.length > 0) fail(node, 'it has blocks')
  if (node.schema) verifySchema(node, node.schema)
  else if (operatorsNamed(node.kind).length > 0) fail(node, 'its operator is not resolved')
}

function verifySchema(node: Node, schema: FunctionSchema): void {
  if (schema.name !== node.kind) fail(node, `its schema is that of ${schemaName(schema)}`)
  const problem = mismatch(schema, node.inputs.map((value) => value.type))
  if (problem) fail(node, `${schemaName(schema)} does not take these inputs: ${problem}`)
  if (schema.isVarret) return
  if (node.outputs.length !== schema.returns.length) {
    fail(node, `${node.outputs.length} outputs, and ${schemaName(schema)} gives ${schema.returns.length}`)
  }
  const environment: TypeEnv = new Map()
  schema.arguments.forEach((argument, i) => matchType(argument.type, node.inputs[i]!.type, environment))
  schema.returns.forEach((result, i) => {
    const { type } = node.outputs[i]!
    if (!matchType(result.type, type, environment)) fail(node, `output ${i} is ${typeString(type)}, not ${typeString(result.type)}`)
  })
}
