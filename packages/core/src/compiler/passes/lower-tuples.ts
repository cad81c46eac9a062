import { allNodes, toIValue, type Graph, type Node, type Value } from '../ir/graph.ts'
import { simplification, type Simplification } from './pass.ts'

/**
 * Takes elements of tuples from where the tuple was made (`LowerSimpleTuples`, torch/csrc/jit/passes/lower_tuples.cpp): an unpack, an index
 * or a slice of a `prim::TupleConstruct` becomes its inputs. Tuples are immutable, so nothing else needs to be asked.
 * Constructs that nothing uses any more go.
 */
export const lowerSimpleTuples: Simplification = simplification('lower_simple_tuples', lowerTuples)

function lowerTuples(graph: Graph): number {
  let changes = 0
  for (const node of Array.from(allNodes(graph.block))) {
    const elements = node.inputs[0]?.node.kind === 'prim::TupleConstruct' ? taken(node, node.inputs[0].node) : undefined
    if (elements === undefined) continue
    node.outputs.forEach((output, i) => output.replaceAllUsesWith(elements[i]!))
    const construct = node.inputs[0]!.node
    node.destroy()
    changes++
    if (!construct.output.hasUses) construct.destroy()
  }
  return changes
}

/** What the outputs of `node` are in terms of the construct's inputs, or undefined when `node` does something else. */
function taken(node: Node, construct: Node): Value[] | undefined {
  const elements = construct.inputs
  switch (node.kind) {
    case 'prim::TupleUnpack':
      return node.outputs.length === elements.length ? [...elements] : undefined
    case 'prim::TupleIndex': {
      const index = toIValue(node.input(1))
      if (index?.tag !== 'Int') return undefined
      const at = Number(index.value)
      const element = elements[at < 0 ? at + elements.length : at]
      return element && [element]
    }
    case 'prim::TupleSlice': {
      const [begin, end] = [node.attributes.get('beg'), node.attributes.get('end')]
      if (begin?.kind !== 'i' || end?.kind !== 'i') return undefined
      const slice = node.graph.create('prim::TupleConstruct', elements.slice(Number(begin.value), Number(end.value)))
      return [slice.insertBefore(node).addOutput(node.output.type)]
    }
    default: return undefined
  }
}
