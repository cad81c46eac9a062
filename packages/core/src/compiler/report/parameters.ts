import { numel } from '../archive/tensor.ts'
import type { IValue } from '../ir/ivalue.ts'

/** Elements of all tensors among `values`, each tensor counted once: of a module, its parameters and buffers. */
export function countElements(values: Iterable<IValue>): number {
  const todo = [...values]
  const seen = new Set<object>()
  let count = 0
  while (todo.length > 0) {
    const value = todo.pop()!
    const identity = value.tag === 'Tensor' ? value.value : value
    if (seen.has(identity)) continue
    seen.add(identity)
    switch (value.tag) {
      case 'Tensor': count += numel(value.value); break
      case 'List': case 'Tuple': for (const element of value.elements) todo.push(element); break
      case 'Dict': for (const entry of value.entries) todo.push(...entry); break
      case 'CustomObject': todo.push(value.state); break
      case 'Object':
        for (const attribute of value.slots.values()) todo.push(attribute)
        if (value.pickledState) todo.push(value.pickledState)
    }
  }
  return count
}
