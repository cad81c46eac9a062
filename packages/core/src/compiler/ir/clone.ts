import type { Block, Graph, Node, Value } from './graph.ts'

/** What copied values are in the copy. Values that are not in it are taken as they are. */
export type ValueMap = Map<Value, Value>

/** Appends copies of `source`'s nodes to `target` and gives the copied outputs; see `Block.cloneFrom`. */
export function cloneBlock(source: Block, target: Block, map: ValueMap): Value[] {
  for (const node of source.nodes()) {
    const copy = target.append(cloneHead(node, target.graph, map))
    for (const block of node.blocks) {
      const inner = copy.addBlock()
      for (const input of block.inputs) map.set(input, inner.addInput(input.type, input.debugName))
      for (const output of cloneBlock(block, inner, map)) inner.registerOutput(output)
    }
  }
  return source.outputs.map((value) => map.get(value) ?? value)
}

/** An unplaced copy of a node without its blocks. Its outputs are added to `map`. */
export function cloneHead(node: Node, graph: Graph, map: ValueMap): Node {
  const copy = graph.create(node.kind, node.inputs.map((input) => map.get(input) ?? input), node.schema)
  copy.range = node.range
  for (const [name, attribute] of node.attributes) {
    copy.attributes.set(name, attribute.kind === 'g' ? { kind: 'g', value: attribute.value.copy() } : attribute)
  }
  for (const output of node.outputs) map.set(output, copy.addOutput(output.type, output.debugName))
  return copy
}
