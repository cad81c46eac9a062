import { allNodes, type Graph, type Value } from '../ir/graph.ts'
import { analyzeDevices } from './device-analysis.ts'
import { insertDeviceOf, insertTransfer } from './device-transfer.ts'
import type { PassLog } from './pass.ts'
import { PREPACKED_RUNS } from './prepacked-context.ts'
import { holdsNoFloats } from './whole-numbers.ts'

/**
 * Brings the inputs of packed operators to the GPU where they may be on the CPU, as what is computed of constants or whole numbers is:
 * these operators exist on the GPU only, and are found by where their tensor is. Bringing what is there already does nothing.
 * `inputsAreThere` tells whether the model is given tensors on the GPU.
 */
export function bringToGpu(device: 'vulkan' | 'metal', inputsAreThere: boolean): (graph: Graph, log: PassLog) => void {
  return (graph, log) => {
    const isThere = analyzeDevices(graph, inputsAreThere)
    const where = lazyDevice(graph, device)
    let changed = 0
    for (const node of allNodes(graph.block)) {
      if (PREPACKED_RUNS[node.kind] === undefined || isThere(node.input(0))) continue
      const target = where()
      if (target === undefined) log.declined('bring_to_gpu', node.kind, 'its input is on the CPU, and no input of the model tells where the GPU is')
      else {
        node.replaceInput(0, insertTransfer(node, node.input(0), target))
        changed++
      }
    }
    if (changed > 0) log.changed('bring_to_gpu', changed)
  }
}

/** Vulkan has a name in files; Metal is where the model's first tensor is. */
function lazyDevice(graph: Graph, device: 'vulkan' | 'metal'): () => 'vulkan' | Value | undefined {
  if (device === 'vulkan') return () => device
  let made: Value | undefined
  return () => {
    const first = graph.inputs.find((input) => input.type.kind === 'TensorType' && !holdsNoFloats(input))
    return made ??= first && insertDeviceOf(graph.block.paramNode.next!, first)
  }
}
