import type { Value } from '../ir/graph.ts'
import type { IValue, ObjectValue } from '../ir/ivalue.ts'

/**
 * The attribute names that lead from the method's `self` (the graph's first input) to `value`: `[]` for `self` itself.
 * Undefined when `value` comes from anything but a chain of `prim::GetAttr`.
 */
export function attributePath(value: Value): string[] | undefined {
  const path: string[] = []
  let current = value
  while (current.node.kind === 'prim::GetAttr') {
    path.push(current.node.string('name'))
    current = current.node.input(0)
  }
  const isSelf = current.node === current.node.graph.block.paramNode && current.offset === 0
  return isSelf ? path.toReversed() : undefined
}

/** The object that `path` leads to from `root`; undefined when a step is missing or leads to something that is no object. */
export function objectAt(root: ObjectValue, path: readonly string[]): ObjectValue | undefined {
  let object: ObjectValue | undefined = root
  for (const name of path) {
    const value: IValue | undefined = object.slots.get(name)
    object = value?.tag === 'Object' ? value : undefined
    if (object === undefined) return undefined
  }
  return object
}
