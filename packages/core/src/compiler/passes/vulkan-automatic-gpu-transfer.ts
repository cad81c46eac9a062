import { AliasDb } from '../ir/alias-analysis.ts'
import type { Graph, Value } from '../ir/graph.ts'
import { copyOutputsToHost, unmovable } from './copy-outputs-to-host.ts'
import { holdsTensors, TensorMover } from './move-tensors.ts'
import type { PassLog } from './pass.ts'
import { holdsNoFloats } from './whole-numbers.ts'

const NAME = 'vulkan_automatic_gpu_transfer'

/**
 * The model takes and gives tensors on the CPU: inputs are brought to Vulkan where they are used, and outputs back. As
 * `transferInputOutputBackends` of torch/csrc/jit/passes/vulkan_rewrite.cpp in PyTorch 2, and for tensors inside tuples, lists, dicts and
 * optionals as well. Left on the CPU are tensors of whole numbers, which Vulkan does not have, and what the model writes to.
 */
export function vulkanAutomaticGpuTransfer(graph: Graph, log: PassLog): void {
  let changed = 0
  const aliasDb = new AliasDb(graph)
  for (const input of graph.inputs.slice(1)) {
    if (!input.hasUses || !holdsTensors(input.type)) continue
    const why = reasonToStay(input, aliasDb)
    if (why === undefined) changed += bringIn(graph, input)
    else log.declined(NAME, `input ${input.debugName ?? input.offset}`, why)
  }
  if (changed > 0) log.changed(NAME, changed)
  copyOutputsToHost(graph, log, NAME)
}

function reasonToStay(input: Value, aliasDb: AliasDb): string | undefined {
  if (!TensorMover.canMove(input.type)) return unmovable(input.type)
  if (aliasDb.hasWriters(input)) return 'the model writes to it, which its caller would not see in a copy'
  if (holdsNoFloats(input)) return 'it holds whole numbers, of which Vulkan has no tensors'
  return undefined
}

/** Uses of the input get what was brought to Vulkan, but for the return: what is only handed through never leaves the CPU. */
function bringIn(graph: Graph, input: Value): number {
  const uses = [...input.uses].filter(({ user }) => user !== graph.block.returnNode)
  if (uses.length === 0) return 0
  const moved = new TensorMover('vulkan').move(graph.block.paramNode.next!, input)
  for (const { user, offset } of uses) user.replaceInput(offset, moved)
  return 1
}
