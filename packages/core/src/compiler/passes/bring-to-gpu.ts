import { allNodes, type Graph } from '../ir/graph.ts'
import { analyzeDevices } from './device-analysis.ts'
import { insertTransfer } from './device-transfer.ts'
import type { PassLog } from './pass.ts'
import { PREPACKED_RUNS } from './prepacked-context.ts'

/**
 * Brings the inputs of packed operators to the GPU where they may be on the CPU, as what is computed of constants or whole numbers is:
 * these operators exist on the GPU only, and are found by where their tensor is. Bringing what is there already does nothing.
 * `inputsAreThere` tells whether the model is given tensors on the GPU.
 */
export function bringToGpu(device: 'vulkan' | 'metal', inputsAreThere: boolean): (graph: Graph, log: PassLog) => void {
  return (graph, log) => {
    const isThere = analyzeDevices(graph, inputsAreThere)
    let changed = 0
    for (const node of allNodes(graph.block)) {
      if (PREPACKED_RUNS[node.kind] === undefined || isThere(node.input(0))) continue
      node.replaceInput(0, insertTransfer(node, node.input(0), device))
      changed++
    }
    if (changed > 0) log.changed('bring_to_gpu', changed)
  }
}
