import { classType, type ClassType } from '../ir/class-type.ts'
import { toIValue, type Value } from '../ir/graph.ts'
import { tupleValue, type CustomObjectValue, type IValue } from '../ir/ivalue.ts'
import { AnyType } from '../ir/types.ts'

/** How an operator's packed weights are saved. */
export interface PackedForm {
  readonly type: ClassType
  /** A tuple of its own type, or a list of anything. */
  readonly state: 'tuple' | 'list'
  /** Which bounds of the result it can hold; the last two elements of the state, unless it can hold none. */
  readonly bounds: 'any' | 'relu or both' | 'none'
}

function form(name: string, state: PackedForm['state'], bounds: PackedForm['bounds']): PackedForm {
  return { type: classType(`__torch__.torch.classes.${name}`), state, bounds }
}

const VULKAN_CONV = form('vulkan.Conv2dPackedContext', 'list', 'any')

/**
 * The operators that run on packed weights, and these. Sources: aten/src/ATen/native/xnnpack/RegisterOpContextClass.cpp,
 * aten/src/ATen/native/vulkan/ops/Register.cpp, aten/src/ATen/native/metal/MetalPrepackOpRegister.cpp. Of bounds, Metal applies a minimum
 * of 0 alone, or both; any other it ignores (`neuronType` in aten/src/ATen/native/metal/MetalNeuronType.h).
 */
export const PREPACKED_RUNS: Readonly<Record<string, PackedForm>> = {
  'prepacked::linear_clamp_run': form('xnnpack.LinearOpContext', 'tuple', 'any'),
  'prepacked::conv2d_clamp_run': form('xnnpack.Conv2dOpContext', 'tuple', 'any'),
  'prepacked::conv2d_transpose_clamp_run': form('xnnpack.TransposeConv2dOpContext', 'tuple', 'any'),
  'vulkan_prepack::run_conv2d_context': VULKAN_CONV,
  'vulkan_prepack::run_tconv2d_context': VULKAN_CONV,
  'vulkan_prepack::run_linear_context': form('vulkan.LinearPackedContext', 'list', 'none'),
  'metal_prepack::conv2d_run': form('metal.Conv2dOpContext', 'tuple', 'relu or both'),
  'metal_prepack::linear_run': form('metal.LinearOpContext', 'tuple', 'relu or both'),
}

/** A bound of the values that a packed operator gives; None for no bound. */
export interface Bounds {
  readonly min: IValue
  readonly max: IValue
}

/**
 * Packed weights for `run`. Their pickled state holds the plain tensors and arguments, in the order that the runtime's class takes them
 * in (OpContext.h of xnnpack, `Unpacked` in Vulkan's Convolution.h and Mm.h, MetalPrepackOpContext.h), the bounds last; the runtime
 * packs while it loads.
 */
export function packedContext(run: string, state: readonly IValue[], { min, max }: Bounds): CustomObjectValue {
  const packed = PREPACKED_RUNS[run]
  if (packed === undefined) throw new Error(`${run} runs on no packed weights`)
  const elements = packed.bounds === 'none' ? state : [...state, min, max]
  return { tag: 'CustomObject', type: packed.type, state: packed.state === 'list' ? { tag: 'List', elementType: AnyType, elements } : tupleValue(elements) }
}

/** The constant packed weights of a run node's second input, when they have room for bounds. */
export function contextOf(value: Value): { state: readonly IValue[]; bounds: Bounds } | undefined {
  const constant = toIValue(value)
  if (constant?.tag !== 'CustomObject' || (constant.state.tag !== 'Tuple' && constant.state.tag !== 'List')) return undefined
  const elements = constant.state.elements
  const [min, max] = elements.slice(-2)
  return min && max ? { state: elements.slice(0, -2), bounds: { min, max } } : undefined
}

/** True for bounds that the runtime of `run` applies. */
export function canHold(run: string, { min, max }: Bounds): boolean {
  const kind = PREPACKED_RUNS[run]?.bounds
  if (kind !== 'relu or both') return kind === 'any'
  return min.tag === 'Double' && (max.tag === 'Double' || min.value === 0)
}
