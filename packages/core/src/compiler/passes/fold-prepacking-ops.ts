import type { ClassType } from '../ir/class-type.ts'
import type { Block, Node } from '../ir/graph.ts'
import { toIValue } from '../ir/graph.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'
import type { Method } from '../program.ts'
import type { PassLog } from './pass.ts'
import { PREPACKED_RUNS } from './prepacked-context.ts'

/**
 * Packed weights become attributes of the module, read where they are used: what `PrePackingOpsFolder` of
 * torch/csrc/jit/passes/prepack_folding.cpp leaves, with its names and in its order. Gives the module with these attributes, to which
 * the methods' first inputs then belong; the one that was given stays as it was.
 */
export function foldPrePackingOps(methods: readonly Method[], root: ObjectValue, log: PassLog): ObjectValue {
  const slots = new Map(root.slots)
  const type: ClassType = { ...root.type, attributes: [...root.type.attributes] }
  const names = new Map<IValue, string>()
  for (const { name: method, graph } of methods) {
    let count = 0
    for (const run of packedRuns(graph.block)) {
      const constant = run.input(1)
      const context = toIValue(constant)!
      let name = names.get(context)
      if (name === undefined) {
        name = freeName(slots, `prepack_folding_${method}._jit_pass_packed_weight_${count++}`)
        names.set(context, name)
        slots.set(name, context)
        type.attributes.push({ name, type: constant.type, isParameter: false, isBuffer: false })
      }
      const read = graph.create('prim::GetAttr', [graph.inputs[0]!]).setString('name', name).insertBefore(run)
      run.replaceInput(1, read.addOutput(constant.type))
      if (!constant.hasUses) constant.node.destroy()
    }
    graph.inputs[0]!.type = type
  }
  if (names.size === 0) {
    for (const { graph } of methods) graph.inputs[0]!.type = root.type
    return root
  }
  log.changed('fold_prepacking_ops', names.size)
  return { ...root, type, slots }
}

/** PyTorch's order: a block whole, then the blocks inside of it, last first. */
function packedRuns(root: Block): Node[] {
  const found: Node[] = []
  const todo = [root]
  for (let block = todo.pop(); block !== undefined; block = todo.pop()) {
    for (const node of block.nodes()) {
      if (PREPACKED_RUNS[node.kind] !== undefined && toIValue(node.input(1))?.tag === 'CustomObject') found.push(node)
      todo.push(...node.blocks)
    }
  }
  return found
}

/** Optimized models that are optimized again have attributes of these names. */
function freeName(slots: ReadonlyMap<string, IValue>, name: string): string {
  let free = name
  for (let again = 1; slots.has(free); again++) free = `${name}_${again}`
  return free
}
