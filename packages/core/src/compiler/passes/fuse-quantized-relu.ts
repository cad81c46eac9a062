import type { ScalarType } from '../archive/tensor.ts'
import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import type { PassLog } from './pass.ts'
import { analyzeQuantized } from './quantized-analysis.ts'
import { constantNumber, insertOperator, onlyUsedBy, replaceNode } from './rewriting.ts'

/** Quantized operators with a form that bounds its result from below by the zero point, which stands for 0. */
const FUSED: ReadonlyMap<string, string> = new Map(
  ['conv1d', 'conv2d', 'conv3d', 'linear', 'add', 'mul', 'batch_norm', 'batch_norm1d', 'batch_norm2d', 'batch_norm3d']
    .map((name) => [`quantized::${name}`, `quantized::${name}_relu`]),
)

/**
 * Zero points for which the bounded form is right. With the largest value there is nothing between the bounds, which QNNPACK and
 * XNNPACK refuse; what does not fit the type PyTorch cuts off here and there in different ways.
 */
const ZERO_POINTS: Partial<Record<ScalarType, readonly [first: number, last: number]>> = { QUInt8: [0, 254], QInt8: [-128, 126] }

/**
 * A quantized operator followed by `relu` or `relu_` becomes its fused form: `quantized::conv2d` and `relu` is `quantized::conv2d_relu`.
 * `graphs` are those of all methods.
 *
 * To the last bit: every kernel rounds its sum, adds the zero point and cuts off at the ends of the type. The fused kernels cut off at the
 * zero point instead, after rounding (QNNPACK, XNNPACK, FBGEMM, `qmul_kernel`, `q_batch_norm_kernel`) or, as 0 quantizes to the zero point
 * and quantization keeps order, before (`qadd_kernel`, oneDNN). Sources: qconv, qlinear, BinaryOps, qmul and Normalization.cpp in
 * aten/src/ATen/native/quantized/cpu. `cat` is left alone, as fused it quantizes anew what otherwise is copied, and `linear_dynamic`,
 * whose fused kernels differ in the sign of 0.
 * So are packed weights that are also used without `relu`: XNNPACK and oneDNN keep the first kernel they make of them, bounds included.
 */
export function fuseQuantizedRelu(graphs: readonly Graph[], log: PassLog): void {
  const pairs = graphs.flatMap((graph) => candidates(graph, log))
  const fusable = new Set(pairs.map(({ node }) => node))
  const usersOf = packedUsers(graphs)
  let changed = 0
  for (const { node, relu } of pairs) {
    const why = packedObstacle(node, usersOf, fusable)
    if (why !== undefined) {
      log.declined('fuse_quantized_relu', `${node.kind} + ${relu.kind}`, why)
      continue
    }
    const value = insertOperator(node, FUSED.get(node.kind)!, node.schema!.overload, node.inputs)
    replaceNode(relu, value)
    replaceNode(node, value)
    changed++
  }
  if (changed > 0) log.changed('fuse_quantized_relu', changed)
}

interface Pair {
  readonly node: Node
  readonly relu: Node
}

function candidates(graph: Graph, log: PassLog): Pair[] {
  let typeOf: ((value: Value) => ScalarType | undefined) | undefined
  const pairs: Pair[] = []
  for (const relu of allNodes(graph.block)) {
    if (relu.kind !== 'aten::relu' && relu.kind !== 'aten::relu_') continue
    const { node } = relu.input(0)
    // Other overloads scale or write to a given tensor.
    if (!FUSED.has(node.kind) || (node.schema?.overload !== '' && node.schema?.overload !== 'new')) continue
    const why = obstacle(node, relu, typeOf ??= analyzeQuantized(graph))
    if (why === undefined) pairs.push({ node, relu })
    else log.declined('fuse_quantized_relu', `${node.kind} + ${relu.kind}`, why)
  }
  return pairs
}

function obstacle(node: Node, relu: Node, typeOf: (value: Value) => ScalarType | undefined): string | undefined {
  if (node.owningBlock !== relu.owningBlock || !onlyUsedBy(node.output, relu)) return 'the result is used elsewhere, too'
  const type = typeOf(node.output)
  if (type === undefined) return 'it is not certain how its input is quantized'
  const range = ZERO_POINTS[type]
  if (range === undefined) return `its type is ${type}; the fused form is for QUInt8 and QInt8`
  const zeroPoint = constantNumber(node.inputs.at(-1)!)
  if (zeroPoint === undefined) return 'its zero point is not constant'
  return zeroPoint >= range[0] && zeroPoint <= range[1] ? undefined : `with the zero point ${zeroPoint} nothing is above 0`
}

/** What uses each object of packed weights. */
function packedUsers(graphs: readonly Graph[]): Map<IValue, Set<Node>> {
  const users = new Map<IValue, Set<Node>>()
  for (const graph of graphs) {
    for (const { kind, outputs: [output] } of allNodes(graph.block)) {
      const packed = kind === 'prim::Constant' && output ? toIValue(output) : undefined
      if (packed?.tag !== 'CustomObject') continue
      const known = users.get(packed) ?? new Set()
      users.set(packed, known)
      for (const { user } of output!.uses) known.add(user)
    }
  }
  return users
}

function packedObstacle(node: Node, usersOf: ReadonlyMap<IValue, ReadonlySet<Node>>, fusable: ReadonlySet<Node>): string | undefined {
  for (const input of node.inputs) {
    if (input.type.kind !== 'ClassType') continue
    const packed = toIValue(input)
    const users = packed && usersOf.get(packed)
    if (users === undefined) return 'its packed weights are not constant'
    if ([...users].some((user) => user.kind !== node.kind || !fusable.has(user))) return 'its packed weights are used without relu, too'
  }
  return undefined
}
