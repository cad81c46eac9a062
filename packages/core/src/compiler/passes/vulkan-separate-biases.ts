import { allNodes, type Graph } from '../ir/graph.ts'
import { intValue, NONE } from '../ir/ivalue.ts'
import type { PassLog } from './pass.ts'
import { insertConstant, insertOperator, isNone } from './rewriting.ts'
import { hasOneRow } from './row-analysis.ts'
import { VULKAN_PLANNERS } from './vulkan-insert-prepacked-ops.ts'

/**
 * `linear(x, w, b)` becomes `linear(x, w, None) + b` where `x` may have more rows than one: Vulkan's shader adds a bias of one dimension
 * to the first row only (aten/src/ATen/native/vulkan/glsl/addmm.glsl; `pack_biases` in ops/Mm.cpp), but an addition broadcasts.
 */
export function vulkanSeparateBiases(graph: Graph, log: PassLog): void {
  const oneRow = hasOneRow(graph)
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (node.kind !== 'aten::linear' || isNone(node.input(2)) || oneRow(node.input(0))) continue
    // What is not packed runs on the CPU.
    if (typeof VULKAN_PLANNERS['aten::linear']!(node, { rowMajor: false }) === 'string') continue
    const bias = node.input(2)
    const after = node.next!
    const uses = [...node.output.uses]
    const sum = insertOperator(after, 'aten::add', 'Tensor', [node.output, bias, insertConstant(after, intValue(1))])
    for (const { user, offset } of uses) user.replaceInput(offset, sum)
    node.replaceInput(2, insertConstant(node, NONE))
    changed++
  }
  if (changed > 0) log.changed('vulkan_separate_biases', changed)
}
