import type { Tensor } from '../archive/tensor.ts'
import { allNodes, toIValue, type Graph, type Value } from '../ir/graph.ts'
import type { IValue } from '../ir/ivalue.ts'
import type { PassLog } from './pass.ts'
import { PREPACKED_RUNS } from './prepacked-context.ts'

/**
 * Lets calls of one layer share their packed weights: a layer that is called several times, as a detection head on every feature map,
 * is packed once when the model is loaded and not once per call. Only weights that are equal in everything, bounds included, are shared.
 */
export function sharePackedWeights(graph: Graph, log: PassLog): void {
  const known = new Map<string, Value>()
  let changed = 0
  for (const node of allNodes(graph.block)) {
    if (PREPACKED_RUNS[node.kind] === undefined) continue
    const context = node.input(1)
    const constant = toIValue(context)
    const key = constant?.tag === 'CustomObject' ? keyOf(constant.state) : undefined
    if (key === undefined) continue
    const qualified = `${node.kind} ${key}`
    const first = known.get(qualified)
    if (first === undefined) {
      // In front of everything, where all blocks can see it.
      if (context.node.owningBlock !== graph.block) context.node.moveAfter(graph.block.paramNode)
      known.set(qualified, context)
    } else if (first !== context) {
      node.replaceInput(1, first)
      if (!context.hasUses) context.node.destroy()
      changed++
    }
  }
  if (changed > 0) log.changed('share_packed_weights', changed)
}

/** Equal for values of equal content; undefined for values that packed weights do not hold. */
function keyOf(value: IValue): string | undefined {
  switch (value.tag) {
    case 'None': return 'None'
    case 'Bool': return String(value.value)
    case 'Int': return `${value.value}`
    case 'Double': return `${value.value}.`
    case 'Tensor': return tensorKey(value.value)
    case 'List': case 'Tuple': {
      const keys = value.elements.map(keyOf)
      return keys.includes(undefined) ? undefined : `(${keys.join(' ')})`
    }
    default: return undefined
  }
}

function tensorKey({ storage, storageOffset, sizes, strides, scalarType }: Tensor): string {
  return JSON.stringify([storage.identity, scalarType, storageOffset, sizes, strides])
}
