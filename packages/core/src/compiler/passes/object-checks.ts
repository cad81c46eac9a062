import { allNodes, type Graph, type Node, type Value } from '../ir/graph.ts'
import { boolValue } from '../ir/ivalue.ts'
import { isSubtype, type Type } from '../ir/types.ts'

/** True for the classes of a model that are no modules and not made by a native library: `@torch.jit.script class Box`. */
export function isPlainObject(type: Type): boolean {
  return type.kind === 'ClassType' && !type.isModule && !type.torchbind
}

/** Answers `isinstance` and `is` where objects that were just created decide them. Gives the number of nodes that are gone. */
export function foldObjectChecks(graph: Graph): number {
  let changes = 0
  for (const node of allNodes(graph.block)) {
    const answer = answerOf(node)
    if (answer === undefined) continue
    const constant = graph.withInsertPoint(node, () => graph.insertConstant(boolValue(answer)))
    constant.node.range = node.range
    node.output.replaceAllUsesWith(constant)
    node.destroy()
    changes++
  }
  return changes
}

function answerOf(node: Node): boolean | undefined {
  switch (node.kind) {
    case 'prim::isinstance': {
      const types = node.attributes.get('types')
      if (!isCreated(node.input(0)) || types?.kind !== 'tys') return undefined
      return types.value.some((type) => isSubtype(node.input(0).type, type))
    }
    case 'aten::__is__': return areSame(node)
    case 'aten::__isnot__': {
      const same = areSame(node)
      return same === undefined ? undefined : !same
    }
    default: return undefined
  }
}

/** Two places that create objects never give the same one. */
function areSame(node: Node): boolean | undefined {
  return isCreated(node.input(0)) && isCreated(node.input(1)) ? node.input(0) === node.input(1) : undefined
}

function isCreated(value: Value): boolean {
  return value.node.kind === 'prim::CreateObject'
}
