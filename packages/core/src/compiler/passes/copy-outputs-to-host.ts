import type { Graph } from '../ir/graph.ts'
import { typeString, type Type } from '../ir/types.ts'
import { holdsTensors, TensorMover } from './move-tensors.ts'
import type { PassLog } from './pass.ts'

const NAME = 'copy_outputs_to_host'

/**
 * Copies the tensors among the outputs to the CPU, in tuples, lists, dicts and optionals as well; an input that is handed through stays
 * where it is. PyTorch means to do this for Metal with `metal::copy_to_host` (`metalInsertCopyOps` in
 * torch/csrc/jit/passes/metal_rewrite.cpp), which nothing calls. That operator only makes an image last, and gives a tensor that is still
 * on Metal (aten/src/ATen/native/metal/ops/MetalCopy.mm); `aten::to` is what apps write as `.cpu()`, and copies (MetalAten.mm).
 */
export function copyOutputsToHost(graph: Graph, log: PassLog, name: string = NAME): void {
  const { returnNode, paramNode } = graph.block
  const mover = new TensorMover('cpu')
  let changed = 0
  graph.outputs.forEach((output, i) => {
    if (!holdsTensors(output.type) || output.node === paramNode) return
    if (!TensorMover.canMove(output.type)) return log.declined(name, 'an output', unmovable(output.type))
    returnNode.replaceInput(i, mover.move(returnNode, output))
    changed++
  })
  if (changed > 0) log.changed(name, changed)
}

/** Why a value is not moved. */
export function unmovable(type: Type): string {
  return `what a ${typeString(type)} holds is not known`
}
