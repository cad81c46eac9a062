import type { IValue, ObjectValue } from './ivalue.ts'

/** All objects that a value holds at any depth, itself first, each once; those within packed weights and pickled states are not among them. */
export function objectsOf(root: IValue): Set<ObjectValue> {
  const found = new Set<ObjectValue>()
  const seen = new Set<IValue>()
  const todo = [root]
  for (let value = todo.pop(); value; value = todo.pop()) {
    if (seen.has(value)) continue
    switch (value.tag) {
      case 'Object':
        found.add(value)
        todo.push(...value.slots.values())
        break
      case 'List': case 'Tuple': todo.push(...value.elements); break
      case 'Dict': todo.push(...value.entries.flat()); break
      default: continue
    }
    seen.add(value)
  }
  return found
}
