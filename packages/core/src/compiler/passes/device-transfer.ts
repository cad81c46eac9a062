import type { Node, Value } from '../ir/graph.ts'
import { boolValue, NONE } from '../ir/ivalue.ts'
import { DeviceObjType } from '../ir/types.ts'
import { insertConstant, insertOperator } from './rewriting.ts'

/** Devices that a file can name: PyTorch cannot read the name of Metal (`parse_type` in c10/core/Device.cpp). */
export type DeviceName = 'cpu' | 'vulkan'

/**
 * Right before `at`, the tensor `value` on a device; itself where it is there already. The operator is the one that PyTorch's
 * `transferInputOutputBackends` inserts (torch/csrc/jit/passes/vulkan_rewrite.cpp, PyTorch 2), which every mobile runtime has.
 */
export function insertTransfer(at: Node, value: Value, device: DeviceName | Value): Value {
  const where = typeof device === 'string' ? insertConstant(at, { tag: 'Device', value: device }) : device
  const no = boolValue(false)
  const [dtype, nonBlocking, copy] = [NONE, no, no].map((each) => insertConstant(at, each))
  return insertOperator(at, 'aten::to', 'prim_Device', [value, where, dtype!, nonBlocking!, copy!])
}

/** Right before `at`, the device that a tensor is on when the model runs. */
export function insertDeviceOf(at: Node, value: Value): Value {
  return insertOperator(at, 'prim::device', '', [value], DeviceObjType)
}

/** True for a transfer that {@link insertTransfer} made. */
export function isTransfer(node: Node): boolean {
  return node.kind === 'aten::to' && node.schema?.overload === 'prim_Device'
}
