import { classType, type ClassType } from '../ir/class-type.ts'
import { toIValue, type Value } from '../ir/graph.ts'
import { tupleValue, type CustomObjectValue, type IValue } from '../ir/ivalue.ts'

/** The operators that run on packed weights, with the class of the packed weights (aten/src/ATen/native/xnnpack/RegisterOpContextClass.cpp). */
export const PREPACKED_RUNS: Readonly<Record<string, ClassType>> = {
  'prepacked::linear_clamp_run': classType('__torch__.torch.classes.xnnpack.LinearOpContext'),
  'prepacked::conv2d_clamp_run': classType('__torch__.torch.classes.xnnpack.Conv2dOpContext'),
  'prepacked::conv2d_transpose_clamp_run': classType('__torch__.torch.classes.xnnpack.TransposeConv2dOpContext'),
}

/** A bound of the values that a packed operator gives; None for no bound. */
export interface Bounds {
  readonly min: IValue
  readonly max: IValue
}

/**
 * Packed weights for `run`. Their pickled state holds the plain tensors and arguments, in the order of the serialization tuples in
 * aten/src/ATen/native/xnnpack/OpContext.h, the bounds last; the runtime packs while it loads.
 */
export function packedContext(run: string, state: readonly IValue[], bounds: Bounds): CustomObjectValue {
  const type = PREPACKED_RUNS[run]
  if (type === undefined) throw new Error(`${run} runs on no packed weights`)
  return { tag: 'CustomObject', type, state: tupleValue([...state, bounds.min, bounds.max]) }
}

/** The constant packed weights of a run node's second input. */
export function contextOf(value: Value): { state: readonly IValue[]; bounds: Bounds } | undefined {
  const constant = toIValue(value)
  if (constant?.tag !== 'CustomObject' || constant.state.tag !== 'Tuple') return undefined
  const elements = constant.state.elements
  const [min, max] = elements.slice(-2)
  return min && max ? { state: elements.slice(0, -2), bounds: { min, max } } : undefined
}
