import { allNodes, toIValue, type Graph, type Node } from '../ir/graph.ts'
import { doubleValue, NONE, type IValue } from '../ir/ivalue.ts'
import type { PassLog } from './pass.ts'
import { canHold, contextOf, packedContext, PREPACKED_RUNS, type Bounds } from './prepacked-context.ts'
import { insertConstant, onlyUsedBy, replaceNode } from './rewriting.ts'

const ZERO = doubleValue(0)
const SIX = doubleValue(6)

/** Operators that bound their input, by name without the `_` of in-place forms, with the overloads they bound by numbers in. */
const CLAMPS: Readonly<Record<string, { overloads: readonly string[]; bounds: (node: Node) => Bounds | undefined }>> = {
  'aten::relu': { overloads: [''], bounds: () => ({ min: ZERO, max: NONE }) },
  'aten::relu6': { overloads: [''], bounds: () => ({ min: ZERO, max: SIX }) },
  'aten::hardtanh': { overloads: [''], bounds: (node) => constantBounds(toIValue(node.input(1)), toIValue(node.input(2))) },
  'aten::clamp': { overloads: [''], bounds: (node) => constantBounds(toIValue(node.input(1)), toIValue(node.input(2))) },
  'aten::clamp_min': { overloads: [''], bounds: (node) => constantBounds(toIValue(node.input(1)), NONE) },
  'aten::clamp_max': { overloads: [''], bounds: (node) => constantBounds(NONE, toIValue(node.input(1))) },
}

/**
 * Moves a clamp of a packed operator's result into the packed operator. As `fusePrePackedLinearConvWithClamp` of
 * torch/csrc/jit/passes/xnnpack_rewrite.cpp, for linear as well (there it never fires), for transposed convolutions, and for relu6 and clamp;
 * and as the like of vulkan_rewrite.cpp and metal_rewrite.cpp.
 * In-place forms are the same here: a packed operator's result is new memory, which nothing but the clamp sees.
 */
export function fuseClamp(graph: Graph, log: PassLog): void {
  let changed = 0
  for (const node of allNodes(graph.block)) {
    const clamp = CLAMPS[node.kind.replace(/_$/, '')]
    const run = node.inputs[0]?.node
    const packed = run === undefined ? undefined : PREPACKED_RUNS[run.kind]
    if (clamp === undefined || run === undefined || packed === undefined || packed.bounds === 'none') continue
    const why = fuse(node, run, clamp)
    if (why === undefined) changed++
    else log.declined('fuse_clamp', `${run.kind} + ${node.kind}`, why)
  }
  if (changed > 0) log.changed('fuse_clamp', changed)
}

function fuse(node: Node, run: Node, clamp: (typeof CLAMPS)[string]): string | undefined {
  if (!clamp.overloads.includes(node.schema?.overload ?? '')) return 'its bounds are tensors'
  if (run.owningBlock !== node.owningBlock || !onlyUsedBy(run.output, node)) return 'the unbounded result is used elsewhere, too'
  const context = contextOf(run.input(1))
  if (context === undefined) return 'the packed weights are not constant'
  const bounds = clamp.bounds(node)
  if (bounds === undefined) return 'its bounds are not constant numbers'
  const both = intersect(context.bounds, bounds)
  if (both === undefined) return 'its bounds leave no room between them'
  if (!canHold(run.kind, both)) return 'the runtime applies a minimum of zero or both bounds only'
  const packed = run.input(1)
  run.replaceInput(1, insertConstant(run, packedContext(run.kind, context.state, both)))
  if (!packed.hasUses) packed.node.destroy()
  replaceNode(node, run.output)
  return undefined
}

/** Numbers or None, as the packed weights store them; XNNPACK wants float32 bounds with min < max. */
function constantBounds(min: IValue | undefined, max: IValue | undefined): Bounds | undefined {
  if (!isBound(min) || !isBound(max) || (min.tag === 'None' && max.tag === 'None')) return undefined
  return { min: asDouble(min), max: asDouble(max) }
}

function isBound(value: IValue | undefined): value is IValue & { tag: 'None' | 'Int' | 'Double' } {
  if (value?.tag === 'Double') return !Number.isNaN(value.value)
  return value?.tag === 'None' || value?.tag === 'Int'
}

function asDouble(value: IValue): IValue {
  return value.tag === 'Int' ? doubleValue(Number(value.value)) : value
}

/** Clamping by `inner` and then by `outer`. Undefined when they do not overlap, as clamps in a row then do not commute. */
function intersect(inner: Bounds, outer: Bounds): Bounds | undefined {
  const min = Math.max(numberOf(inner.min, -Infinity), numberOf(outer.min, -Infinity))
  const max = Math.min(numberOf(inner.max, Infinity), numberOf(outer.max, Infinity))
  if (!(Math.fround(min) < Math.fround(max))) return undefined
  return { min: min === -Infinity ? NONE : doubleValue(min), max: max === Infinity ? NONE : doubleValue(max) }
}

function numberOf(bound: IValue, missing: number): number {
  if (bound.tag === 'Double') return bound.value
  return bound.tag === 'Int' ? Number(bound.value) : missing
}
