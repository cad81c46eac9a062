import { AliasDb, intersects } from '../ir/alias-analysis.ts'
import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { hasSideEffects } from '../ir/side-effects.ts'
import { analyzeFloats, isRealOrFloat } from './float-analysis.ts'
import type { PassLog } from './pass.ts'
import { constantNumber, insertOperator, METADATA_OPS, onlyUsedBy, replaceNode } from './rewriting.ts'

/** Sums and the fused forms of the same overload name. */
const FUSED: Readonly<Record<string, string>> = { 'aten::add': 'aten::_add_relu', 'aten::add_': 'aten::_add_relu_' }
const OVERLOADS: ReadonlySet<string> = new Set(['Tensor', 'Scalar'])
/** Nodes between an in-place sum and its relu; in models there are a few constants. Keeps the search linear. */
const MAX_DISTANCE = 64

/**
 * `add` followed by `relu` or `relu_`, and `add_` followed by `relu_`, become `_add_relu` and `_add_relu_`. As
 * torch/csrc/jit/passes/fuse_relu.cpp, where it is right: `_add_relu` knows fewer types than `add` and bounds by the type of its
 * first operand (`add_relu_impl` in aten/src/ATen/native/BinaryOps.cpp), so both must be float32. The fused operator takes the place
 * of the sum, since the operands may change afterwards; of an in-place sum nothing may be seen before the relu.
 */
export function fuseAddRelu(graph: Graph, log: PassLog): void {
  const isFloat = analyzeFloats(graph)
  let aliasDb: AliasDb | undefined
  const matches: { sum: Node; relu: Node }[] = []
  for (const relu of allNodes(graph.block)) {
    if (relu.kind !== 'aten::relu' && relu.kind !== 'aten::relu_') continue
    const sum = relu.input(0).node
    if (FUSED[sum.kind] === undefined || !OVERLOADS.has(sum.schema?.overload ?? '')) continue
    const inPlace = sum.kind === 'aten::add_'
    const why = obstacle(sum, relu, isFloat) ?? (inPlace ? inPlaceObstacle(aliasDb ??= new AliasDb(graph), sum, relu) : undefined)
    if (why === undefined) matches.push({ sum, relu })
    else log.declined('fuse_add_relu', `${sum.kind} + ${relu.kind}`, why)
  }
  for (const { sum, relu } of matches) {
    const fused = insertOperator(sum, FUSED[sum.kind]!, sum.schema!.overload, sum.inputs)
    replaceNode(relu, fused)
    replaceNode(sum, fused)
  }
  if (matches.length > 0) log.changed('fuse_add_relu', matches.length)
}

function obstacle(sum: Node, relu: Node, isFloat: (value: Value) => boolean): string | undefined {
  if (sum.owningBlock !== relu.owningBlock || !onlyUsedBy(sum.output, relu)) return 'the sum is used elsewhere, too'
  if (constantNumber(sum.input(2)) === undefined) return 'its alpha is not a constant number'
  if (!isFloat(sum.input(0)) || !isRealOrFloat(sum.input(1), isFloat)) return 'its operands are not certain to be float32, all that the fused form is right for'
  return undefined
}

function inPlaceObstacle(aliasDb: AliasDb, sum: Node, relu: Node): string | undefined {
  if (relu.kind !== 'aten::relu_') return 'the sum is kept in its operand, which a relu of its own memory must not change'
  const memory = aliasDb.reachable(sum.input(0))
  let distance = 0
  for (let node = sum.next!; node !== relu; node = node.next!) {
    if (++distance > MAX_DISTANCE) return 'there is much between the sum and the relu'
    if (METADATA_OPS.has(node.kind)) continue
    if (hasSideEffects(node)) return 'what happens between the sum and the relu may end the run'
    if (intersects(aliasDb.readsOf(node), memory) || intersects(aliasDb.writesOf(node), memory)) return 'the sum is read or changed before the relu'
  }
  return undefined
}
