import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { insertTransfer, type DeviceName } from './device-transfer.ts'
import { analyzeLayouts, type Layout } from './layout-analysis.ts'
import type { PassLog } from './pass.ts'
import { constantTensor } from './rewriting.ts'
import { VULKAN_PLANNERS } from './vulkan-insert-prepacked-ops.ts'

const CONVOLUTIONS = ['aten::conv1d', 'aten::conv2d', 'aten::conv3d', 'aten::conv_transpose1d', 'aten::conv_transpose2d', 'aten::conv_transpose3d',
  'aten::_convolution', 'aten::_convolution_mode', 'aten::convolution']

/**
 * What is left of these operators after packing, a GPU's own kernels refuse or, worse, compute wrongly without telling: convolutions run
 * through the packed form anyway (`convolution` in aten/src/ATen/native/vulkan/ops/Convolution.cpp), recurrent layers do not carry their
 * state along a sequence (Gru.cpp, Lstm.cpp), and a matrix that is computed is taken for a packed one (`pack_weights` in Mm.cpp).
 */
const KEPT: Readonly<Record<'vulkan' | 'metal', ReadonlySet<string>>> = {
  vulkan: new Set([...CONVOLUTIONS, 'aten::gru', 'aten::lstm', 'aten::linear', 'aten::addmm', 'aten::mm', 'aten::matmul']),
  metal: new Set(CONVOLUTIONS),
}

/** True for what Vulkan packs when it is called, as it would pack it when it is loaded. */
function packsByCall(node: Node, input: Layout): boolean {
  if (node.kind === 'aten::mm' || node.kind === 'aten::matmul') return constantTensor(node.input(1))?.sizes.length === 2
  const planner = VULKAN_PLANNERS[node.kind]
  return planner !== undefined && typeof planner(node, input) !== 'string'
}

/**
 * Runs on the CPU what the GPU cannot be trusted with, between copies there and back. Nothing of the like is in PyTorch, whose files
 * give other numbers, or fail, where this pass does something.
 */
export function runOnCpu(device: 'vulkan' | 'metal'): (graph: Graph, log: PassLog) => void {
  return (graph, log) => {
    const layoutOf = analyzeLayouts(graph)
    let changed = 0
    for (const node of allNodes(graph.block)) {
      if (!KEPT[device].has(node.kind) || (device === 'vulkan' && packsByCall(node, layoutOf(node.input(0))))) continue
      surround(node, device)
      changed++
    }
    if (changed > 0) log.changed('run_on_cpu', changed)
  }
}

function surround(node: Node, device: DeviceName): void {
  node.inputs.forEach((value, i) => {
    if (value.type.kind === 'TensorType') {
      if (constantTensor(value) === undefined) node.replaceInput(i, insertTransfer(node, value, 'cpu'))
    } else if (value.node.kind === 'prim::ListConstruct' && value.type.kind === 'ListType' && value.type.element.kind === 'TensorType') {
      node.replaceInput(i, transferredList(node, value))
    }
  })
  const after = node.next!
  for (const output of node.outputs) {
    if (output.type.kind !== 'TensorType') continue
    const uses = [...output.uses]
    const moved = insertTransfer(after, output, device)
    for (const { user, offset } of uses) user.replaceInput(offset, moved)
  }
}

/** A list of the same tensors on the CPU; constants stay what they are. */
function transferredList(at: Node, list: Value): Value {
  const elements = list.node.inputs
  if (elements.every((element) => constantTensor(element) !== undefined)) return list
  const moved = elements.map((element) => constantTensor(element) === undefined ? insertTransfer(at, element, 'cpu') : element)
  return at.graph.create('prim::ListConstruct', moved).insertBefore(at).addOutput(list.type)
}
