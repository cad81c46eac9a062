import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import { isTransfer } from './device-transfer.ts'
import { holdsTensors } from './move-tensors.ts'
import { PREPACKED_RUNS } from './prepacked-context.ts'
import { holdsNoFloats } from './whole-numbers.ts'

/**
 * Tensors that certainly are on the GPU when the model runs, and so are of floats; one pass, front to back. `inputsAreThere` tells whether
 * the model is given tensors on the GPU, but for those of whole numbers.
 */
export function analyzeDevices(graph: Graph, inputsAreThere: boolean): (value: Value) => boolean {
  const there = new Set<Value>(inputsAreThere ? graph.inputs.filter((input) => !holdsNoFloats(input)) : [])
  for (const node of allNodes(graph.block)) mark(node, there)
  return (value) => there.has(value)
}

/** An operator runs, and gives tensors, where one of its tensors is on the GPU; lists and tuples count as what they hold. */
function mark(node: Node, there: Set<Value>): void {
  if (node.kind === 'prim::If') return markJoined(node, there)
  if (isThere(node, there)) for (const output of node.outputs) if (holdsTensors(output.type)) there.add(output)
}

/** Blocks are visited after the node that has them; so the branches, which are short, are looked at in advance. */
function markJoined(node: Node, there: Set<Value>): void {
  const inside = new Set(there)
  for (const block of node.blocks) for (const inner of block.nodes()) mark(inner, inside)
  node.outputs.forEach((output, i) => { if (node.blocks.every((block) => inside.has(block.outputs[i]!))) there.add(output) })
}

function isThere(node: Node, there: ReadonlySet<Value>): boolean {
  const { kind, inputs } = node
  if (PREPACKED_RUNS[kind] !== undefined) return true
  if (isTransfer(node)) return isGpu(node.input(1))
  if (kind === 'prim::GetAttr' || kind === 'prim::Loop') return false
  // Of a list or tuple any element may be taken out; an operator that takes a list whole needs only one on the GPU.
  if (CONSTRUCTS.has(kind)) return inputs.length > 0 && inputs.every((value) => there.has(value))
  return inputs.some((value) => there.has(value) || (!TAKING.has(kind) && value.node.kind === 'prim::ListConstruct' && value.node.inputs.some((each) => there.has(each))))
}

const CONSTRUCTS: ReadonlySet<string> = new Set(['prim::ListConstruct', 'prim::TupleConstruct', 'prim::DictConstruct'])
const TAKING: ReadonlySet<string> = new Set(['aten::__getitem__', 'prim::ListUnpack', 'prim::TupleIndex', 'prim::TupleUnpack'])

/** A device that is not named is where another tensor is on the GPU: see bring-to-gpu.ts. */
function isGpu(device: Value): boolean {
  const constant = toIValue(device)
  return constant === undefined ? device.node.kind === 'prim::device' : constant.tag === 'Device' && constant.value !== 'cpu'
}
