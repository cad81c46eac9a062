import { allNodes, toIValue, type Graph, type Node } from '../ir/graph.ts'
import type { ObjectValue } from '../ir/ivalue.ts'
import { objectsOf } from '../ir/objects.ts'
import type { PassLog } from './pass.ts'

/**
 * Removes what `torch.no_grad` and `torch.autograd.profiler.record_function` leave once their methods are inlined: a compiled model computes
 * no gradients, and names of profiled ranges are for a profiler that apps do not have. Switches of gradients stay where the model asks about
 * gradients, or keeps a tensor that has one and might be written to.
 */
export function removeInferenceContexts(graphs: readonly Graph[], root: ObjectValue, log: PassLog): void {
  const nodes = graphs.flatMap(({ block }) => [...allNodes(block)])
  const removed = removeRanges(nodes) + (mattersWhetherGradients(nodes, root) ? 0 : removeSwitches(nodes))
  if (removed > 0) log.changed('remove_inference_contexts', removed)
}

/** The profiler's operators: the first is of PyTorch 1.6 to 1.10 and beside the second later. */
const ENTER: ReadonlySet<string> = new Set(['profiler::_record_function_enter', 'profiler::_record_function_enter_new'])
const EXIT = 'profiler::_record_function_exit'

function removeRanges(nodes: readonly Node[]): number {
  let removed = 0
  for (const node of nodes) {
    if (node.kind !== EXIT || !ENTER.has(node.inputs[0]?.node.kind ?? '') || node.outputs.some((output) => output.hasUses)) continue
    const enter = node.input(0).node
    node.destroy()
    removed++
    if (enter.output.hasUses) continue
    enter.destroy()
    removed++
  }
  return removed
}

const SWITCH = 'aten::set_grad_enabled'

function removeSwitches(nodes: readonly Node[]): number {
  const switches = nodes.filter(({ kind }) => kind === SWITCH)
  for (const node of switches) if (node.outputs.every((output) => !output.hasUses)) node.destroy()
  return switches.length
}

/** Operators that compute gradients or tell whether there are any. */
const ABOUT_GRADIENTS: ReadonlySet<string> = new Set([
  'aten::backward', 'aten::_backward', 'aten::grad', 'aten::requires_grad_', 'aten::retain_grad', 'aten::is_leaf', 'aten::retains_grad',
  'aten::set_data', 'prim::requires_grad', 'prim::grad', 'aten::is_inference', 'aten::_is_zerotensor',
])

function mattersWhetherGradients(nodes: readonly Node[], root: ObjectValue): boolean {
  if (nodes.some((node) => ABOUT_GRADIENTS.has(node.kind) || asksForMode(node))) return true
  const kept = new Set(nodes.flatMap((node) => node.kind === 'prim::GetAttr' ? [node.string('name')] : []))
  const attributes = [...objectsOf(root)].flatMap(({ slots }) => Array.from(slots)).filter(([name]) => kept.has(name))
  const constants = nodes.flatMap((node) => node.kind === 'prim::Constant' ? [toIValue(node.output)] : [])
  return [...attributes.map(([, value]) => value), ...constants].some((value) => value?.tag === 'Tensor' && value.value.requiresGrad)
}

/** True for a question that something other than a switch uses the answer of. */
function asksForMode(node: Node): boolean {
  return node.kind === 'aten::is_grad_enabled' && [...node.output.uses].some(({ user }) => user.kind !== SWITCH)
}
