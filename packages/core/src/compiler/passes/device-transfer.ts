import type { Node, Value } from '../ir/graph.ts'
import { boolValue, NONE } from '../ir/ivalue.ts'
import { insertConstant, insertOperator } from './rewriting.ts'

/** Where tensors are, by PyTorch's names. */
export type DeviceName = 'cpu' | 'vulkan' | 'metal'

/**
 * Right before `at`, the tensor `value` on a device; itself where it is there already. The operator is the one that PyTorch's
 * `transferInputOutputBackends` inserts (torch/csrc/jit/passes/vulkan_rewrite.cpp, PyTorch 2), which every mobile runtime has.
 */
export function insertTransfer(at: Node, value: Value, device: DeviceName): Value {
  const no = boolValue(false)
  const [where, dtype, nonBlocking, copy] = [{ tag: 'Device' as const, value: device }, NONE, no, no].map((each) => insertConstant(at, each))
  return insertOperator(at, 'aten::to', 'prim_Device', [value, where!, dtype!, nonBlocking!, copy!])
}

/** True for a transfer that {@link insertTransfer} made. */
export function isTransfer(node: Node): boolean {
  return node.kind === 'aten::to' && node.schema?.overload === 'prim_Device'
}
