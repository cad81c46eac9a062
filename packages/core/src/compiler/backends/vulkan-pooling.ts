import type { Value } from '../ir/graph.ts'
import { contextOf, PREPACKED_RUNS } from '../passes/prepacked-context.ts'
import { constantBool, constantInts, constantNumber, isNone } from '../passes/rewriting.ts'
import type { Lack } from '../passes/run-on-cpu.ts'

/** `aten::avg_pool2d` always divides by the size of the kernel (aten/src/ATen/native/vulkan/glsl/avg_pool2d.glsl). */
export const flawOfMeans: Lack = (node) => {
  if (!isNone(node.input(6))) return 'the runtime divides by the size of the kernel'
  if (constantBool(node.input(4)) !== false) return 'the runtime counts what lies beyond the border in its means'
  return constantBool(node.input(5)) === true || areZeros(node.input(3)) ? undefined : 'the runtime counts the padding in its means'
}

/** `aten::max_pool2d` takes 0 for what lies outside of the image (glsl/max_pool2d.glsl), which is right where nothing is less. */
export const flawOfMaxima: Lack = (node) =>
  (areZeros(node.input(3)) && constantBool(node.input(5)) === false) || isNotNegative(node.input(0)) ? undefined : 'the runtime takes the padding for zeros'

function areZeros(list: Value): boolean {
  return constantInts(list)?.every((size) => size === 0) === true
}

const NOT_NEGATIVE: ReadonlySet<string> = new Set(['relu', 'relu_', 'relu6', 'relu6_', 'sigmoid', 'sigmoid_', 'hardsigmoid', 'hardsigmoid_', 'softmax', 'abs', 'exp']
  .map((name) => `aten::${name}`))
const CLAMPS: ReadonlySet<string> = new Set(['hardtanh', 'hardtanh_', 'clamp', 'clamp_', 'clamp_min', 'clamp_min_'].map((name) => `aten::${name}`))
/** Give only what they are given, means of it, or zeros. */
const KEEPING: ReadonlySet<string> = new Set(['max_pool2d', 'avg_pool2d', 'adaptive_avg_pool2d', 'upsample_nearest2d', 'dropout', 'to'].map((name) => `aten::${name}`))
/** Deeper than models go from a bound to a pooling. */
const DEPTH = 32

/** True for what certainly has no negative elements. */
function isNotNegative(value: Value, depth: number = 0): boolean {
  const { node } = value
  if (depth > DEPTH || node.outputs.length !== 1 || isWritten(value)) return false
  if (NOT_NEGATIVE.has(node.kind)) return true
  if (CLAMPS.has(node.kind)) return (constantNumber(node.input(1)) ?? -1) >= 0
  if (PREPACKED_RUNS[node.kind] !== undefined) return isBounded(node.input(1))
  if (KEEPING.has(node.kind)) return isNotNegative(node.input(0), depth + 1)
  if (node.kind === 'aten::cat' && node.input(0).node.kind === 'prim::ListConstruct') {
    return node.input(0).node.inputs.every((each) => isNotNegative(each, depth + 1))
  }
  return false
}

/** Packed weights that have become an attribute were looked at before, as a constant. */
function isBounded(context: Value): boolean {
  if (context.node.kind === 'prim::GetAttr') return true
  const min = contextOf(context)?.bounds.min
  return min?.tag === 'Double' && min.value >= 0
}

/** Written to, or seen by a view that may be; what keeps it from being negative does not count. */
function isWritten(value: Value): boolean {
  return [...value.uses].some(({ user, offset }) =>
    user.schema?.arguments[offset]?.alias !== undefined && !NOT_NEGATIVE.has(user.kind) && user.kind !== 'aten::to')
}
