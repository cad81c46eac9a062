import { toIValue, type Block, type Graph, type Node, type Value } from '../ir/graph.ts'
import { intValue } from '../ir/ivalue.ts'
import { simplification, type Simplification } from './pass.ts'

/** PyTorch unrolls loops of fewer rounds than this (`kMaxBodyRepeats`, torch/csrc/jit/passes/loop_unrolling.cpp). */
const MAX_ROUNDS = 64n

/** Nodes that one run may add in total: nested loops multiply, and a file could ask for more than there is memory. */
const MAX_ADDED_NODES = 50_000

/**
 * Replaces a loop that certainly runs a constant, small number of rounds by that many copies of its body. Others are left alone,
 * where PyTorch unrolls part of loops of more rounds, which helps nobody.
 */
export const unrollConstantLoops: Simplification = simplification('unroll_constant_loops', unrollLoops)

function unrollLoops(graph: Graph): number {
  const unrolling = new Unrolling()
  unrolling.block(graph.block)
  return unrolling.unrolled
}

class Unrolling {
  unrolled = 0
  #added = 0

  /** Inner loops first, as in PyTorch. */
  block(block: Block): void {
    for (const node of block.nodes()) {
      for (const inner of node.blocks) this.block(inner)
      if (node.kind === 'prim::Loop') this.#loop(node)
    }
  }

  #loop(node: Node): void {
    const body = node.blocks[0]!
    const rounds = toIValue(node.input(0))
    if (rounds?.tag !== 'Int' || rounds.value >= MAX_ROUNDS || rounds.value < 0n) return
    if (!isTrue(node.input(1)) || !isTrue(body.outputs[0]!)) return
    const added = sizeOf(body) * Number(rounds.value)
    if (this.#added + added > MAX_ADDED_NODES) return
    this.#added += added
    unroll(node, body, Number(rounds.value))
    this.unrolled++
  }
}

function isTrue(value: Value): boolean {
  const constant = toIValue(value)
  return constant?.tag === 'Bool' && constant.value
}

function sizeOf(block: Block): number {
  let size = 0
  for (const node of block.nodes()) size += 1 + node.blocks.reduce((sum, inner) => sum + sizeOf(inner), 0)
  return size
}

function unroll(node: Node, body: Block, rounds: number): void {
  const { graph } = node
  // The copies are made at the end of a block of their own, as that is where blocks copy to, and moved from there.
  const workshop = node.addBlock()
  let carried = node.inputs.slice(2)
  for (let round = 0; round < rounds; round++) {
    const map = new Map<Value, Value>()
    if (body.inputs[0]!.hasUses) map.set(body.inputs[0]!, graph.withInsertPoint(node, () => graph.insertConstant(intValue(round))))
    carried.forEach((value, i) => map.set(body.inputs[i + 1]!, value))
    carried = workshop.cloneFrom(body, map).slice(1)
    for (const copy of workshop.nodes()) copy.moveBefore(node)
  }
  node.outputs.forEach((output, i) => output.replaceAllUsesWith(carried[i]!))
  node.destroy()
}
